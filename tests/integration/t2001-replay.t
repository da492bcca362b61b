#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='replay: what a run decided is decided again from its journal'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH

# Sets of unlike width and length, GPUs, edges to whole sets, by index and between iterations,
# tasks that fail once; no durations, so that the order depends on what was learned.
cat >flow.json <<\END
{ "async-workflow": 1, "iterations": 3, "tasks": {
    "wide": { "after": ["wide[i]@-1"], "count": 5, "cpus": 3, "gpus": 1,
        "script": "sleep 0.0{index}" },
    "narrow": { "after": ["wide"], "count": 12, "script": "sleep 0.0$(({index} % 4))" },
    "flaky": { "after": ["narrow[i]"], "count": 12, "retries": { "count": 1, "delay": 0.3 },
        "script": "test $ASYNC_WORKFLOW_ATTEMPT = 1 || exit $(({index} % 2))" },
    "all": { "after": ["flaky"], "cpus": 8, "command": ["sleep", "0.02"] } } }
END

# run STATUS DIR [OPTION]...
run ()
{
    want=$1 dir=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 8 --gpus 2 --dir "$dir" "$@" \
        >"$dir.out" 2>&1 </dev/null ||
        { cat "$dir.out"; false; }
}

# again DIR N: all decisions are the same, this many starts
again () { replay "$1" >"$1.replay" && grep ", $2 starts: the same" "$1.replay"; }

test_expect_success 'which directory?' '
    test_expect_code 2 replay &&
    test_expect_code 2 replay missing
'

for policy in longest-path fifo waves gpus-first widest; do
    test_expect_success "asynchronous, $policy" '
        run 0 $policy --policy $policy flow.json && again $policy 108 &&
        grep "(async, $policy)" $policy.replay &&
        grep -q "\"event\":\"wake\"" $policy/journal.jsonl
    '
done

test_expect_success 'stage after stage' '
    run 0 stages --mode sequential flow.json && again stages 108 &&
    grep "(sequential, " stages.replay
'

test_expect_success 'a run that failed, with tasks skipped' '
    sed "s/\"retries\": {[^}]*}/\"on_failure\": \"skip\"/" flow.json >skip.json &&
    run 1 skip skip.json && again skip 87 && grep -q "\"event\":\"skip\"" skip/journal.jsonl
'

# Tasks that share one GPU, two at a time for want of it, beside tasks with whole cores.
cat >parts.json <<\END
{ "async-workflow": 1, "tasks": {
    "part": { "count": 9, "gpus": 0.4, "script": "sleep 0.0{index}" },
    "core": { "count": 9, "cpus": 2, "threads_per_core": 1, "script": "sleep 0.0{index}" } } }
END

test_expect_success 'parts of a GPU' '
    run 0 parts --gpus 1 parts.json && again parts 18 &&
    async-workflow report --format trace parts >trace.json &&
    grep "busy GPUs" trace.json | sed -n "s/.*\"gpus\":\([0-9.]*\).*/\1/p" | sort -u >busy &&
    printf "0\n0.4\n0.8\n" >expected &&
    test_cmp expected busy
'

cat >long.json <<\END
{ "async-workflow": 1, "tasks": { "a": { "count": 20, "command": ["sleep", "60"] } } }
END

test_expect_success 'a run that was stopped, its tasks killed' '
    { async-workflow run --local --cpus 8 --dir long long.json >long.out 2>&1 </dev/null &
        pid=$!; } &&
    wait_for 60 "test \$(grep -c \"\\\"event\\\":\\\"start\\\"\" long/journal.jsonl) = 8" &&
    kill -TERM $pid &&
    test_expect_code 3 wait $pid &&
    grep -q "\"event\":\"kill\"" long/journal.jsonl && again long 8
'

# changed SED-SCRIPT: a copy of the first run in which something else was decided is noticed
changed ()
{
    rm -rf changed && cp -r longest-path changed &&
        sed "$1" longest-path/journal.jsonl >changed/journal.jsonl &&
        ! cmp -s longest-path/journal.jsonl changed/journal.jsonl &&
        test_expect_code 1 replay changed
}

test_expect_success 'another policy, CPU, GPU or order is noticed' '
    changed "1s/\"policy\":\"[^\"]*\"/\"policy\":\"fifo\"/" &&
    changed "/\"start\",\"task\":\"wide@0.1/s/\"cpus\":\"[^\"]*\"/\"cpus\":\"5-7\"/" &&
    changed "/\"start\",\"task\":\"wide@0.1/s/\"gpus\":\"1\"/\"gpus\":\"0\"/" &&
    changed "/\"start\",\"task\":\"wide@0.0/d" &&
    changed "\$d"
'

test_done
