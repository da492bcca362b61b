#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='streaming starts: tasks that start when messages have come'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
replay=$top_builddir/tests/integration/replay

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1"; }

# run STATUS DIR FILE [OPTION]...
run ()
{
    want=$1 dir=$2 file=$3
    shift 3
    test_expect_code "$want" timeout 120 async-workflow run --local --cpus 8 --dir "$dir" "$@" "$file" \
        >"$dir.out" 2>"$dir.err" </dev/null || { cat "$dir.out" "$dir.err" "$dir"/logs/* >&4; false; }
}

# at DIR EVENT TASK: line number of it in the journal
at () { grep -nF "\"event\":\"$2\",\"task\":\"$3\"" "$1/journal.jsonl" | head -n 1 | cut -d: -f1; }

test_expect_success 'what is wrong is reported with its place' '
    workflow wrong.json "\"tasks\": { \"a\": { \"script\": \"x\", \"after\": [{ \"message\": \"a b\", \"count\": 0 }, { \"topic\": \"x\" }, { \"message\": \"x\", \"every\": 2, \"count\": 2 }, { \"message\": \"m\" }, { \"message\": \"m\" }] } }" &&
    test_expect_code 2 async-workflow check wrong.json 2>err &&
    grep "wrong.json: tasks.a.after\[0\].message: the name of a topic" err &&
    grep "wrong.json: tasks.a.after\[0\].count: " err &&
    grep "wrong.json: tasks.a.after\[1\]: unknown key \"topic\"" err &&
    grep "wrong.json: tasks.a.after\[2\]: \"count\" or \"every\", not both" err &&
    grep "wrong.json: tasks.a.after\[4\]: the set waits twice for messages on \"m\": remove one" err
'

test_expect_success 'training starts on each 8 frames, while the simulations go on; what is not needed is skipped' '
    workflow every.json "\"tasks\": {
        \"simulate\": { \"count\": 2, \"script\": \"seq 1 13 | async-workflow send --lines frames; while ! test -e every/trained-2; do sleep 0.05; done\" },
        \"train\": { \"count\": 5, \"after\": [{ \"message\": \"frames\", \"every\": 8 }],
                   \"script\": \"async-workflow recv --group train --count 8 --timeout 60 frames; touch every/trained-{index}\" },
        \"report\": { \"after\": [\"train\"], \"script\": \"true\" } }" &&
    run 0 every every.json &&
    cat every/logs/train.*.out >frames && test $(wc -l <frames) = 24 &&
    for i in 0 1 2; do
        test "$(at every start "train[$i]")" -lt "$(at every finish "simulate[0]")" || return 1
    done &&
    grep "\"event\":\"skip\",\"task\":\"train\[3\]\"" every/journal.jsonl &&
    grep "\"event\":\"skip\",\"task\":\"train\[4\]\"" every/journal.jsonl &&
    test -n "$(at every finish "report[0]")" &&
    grep "\"event\":\"message\",\"topic\":\"frames\",\"count\":" every/journal.jsonl >messages &&
    test $(wc -l <messages) -le 3
'

test_expect_success 'the same decisions in a replay' '
    "$replay" every >replayed && grep "the same" replayed
'

test_expect_success 'status and report know of it' '
    async-workflow status every >status && grep -E "messages on frames: 2[4-6]" status &&
    async-workflow report --format json every >report.json
'

test_expect_success 'a number of messages, a set; more in each iteration' '
    workflow count.json "\"iterations\": 2, \"tasks\": {
        \"simulate\": { \"script\": \"seq 1 4 | async-workflow send --lines frames\" },
        \"train\": { \"count\": 3, \"after\": [{ \"message\": \"frames\", \"count\": 4 }], \"script\": \"true\" } }" &&
    run 0 count count.json &&
    test $(grep -c "\"event\":\"finish\",\"task\":\"train" count/journal.jsonl) = 6 &&
    "$replay" count >replayed && grep "the same" replayed
'

test_expect_success 'a number that does not come is a failure' '
    workflow few.json "\"tasks\": {
        \"simulate\": { \"script\": \"async-workflow send frames 1\" },
        \"train\": { \"after\": [{ \"message\": \"frames\", \"count\": 2 }], \"script\": \"true\" } }" &&
    run 1 few few.json &&
    grep "\"event\":\"skip\",\"task\":\"train\[0\]\"" few/journal.jsonl
'

test_expect_success 'messages of a task that is tried again count once' '
    workflow retried.json "\"tasks\": {
        \"simulate\": { \"retries\": 1, \"script\": \"seq 1 3 | async-workflow send --lines frames; test \$ASYNC_WORKFLOW_ATTEMPT = 1\" },
        \"train\": { \"count\": 9, \"after\": [{ \"message\": \"frames\", \"every\": 1 }], \"script\": \"true\" } }" &&
    run 0 retried retried.json &&
    test $(grep -c "\"event\":\"finish\",\"task\":\"train" retried/journal.jsonl) = 3 &&
    test $(wc -l <retried/messages/frames.jsonl) = 6
'

test_done
