#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='runs of which the time is limited: what starts, what is reported, what is cut'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH

ASYNC_WORKFLOW_GRACE=0.2 # the limit includes it
export ASYNC_WORKFLOW_GRACE

# limited STATUS DIR [OPTION]... FILE
limited ()
{
    want=$1 dir=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 2 --dir "$dir" "$@" \
        >"$dir.out" 2>"$dir.err" </dev/null ||
        { cat "$dir.out" "$dir.err" "$dir/journal.jsonl"; false; }
}

workflow steps.json "\"tasks\": { \"step\": { \"count\": 20, \"time_limit\": 3, \"command\": [\"sleep\", \"1.5\"] },
    \"last\": { \"after\": [\"step\"], \"command\": [\"true\"] } }"

test_expect_success 'what cannot end is not started: exit 3, told, and decided so again' '
    limited 3 drain --time-limit 7 --grace 1 steps.json &&
    n=$(events drain "\"event\":\"start\"") &&
    test $n -ge 2 && test $n -le 6 && test $(events drain "\"status\":\"completed\"") = $n &&
    test $(events drain "\"event\":\"stop\"") = 0 &&
    ended drain 3 &&
    grep -q "a task of step needs 3.00 s (its time_limit), and the job ends in [0-2]" drain.err &&
    grep -q "not done: $((21 - n)) of 21 tasks (step: $((20 - n)) not run; last: 1 not run)" drain.err &&
    grep -q "continue with --resume=.*/drain " drain.err &&
    replay drain
'

test_expect_success 'a task that is too long for the run is reported at the start, and by --test-only' '
    workflow toolong.json "\"tasks\": { \"a\": { \"command\": [\"true\"] }, \"b\": { \"time_limit\": 100, \"command\": [\"true\"] } }" &&
    echo "async-workflow: warning: toolong.json: tasks.b: a task takes 1m40s (its time_limit) and the run ends in 1m00s: it will not start" >expected &&
    async-workflow run --local --time-limit 1m15s --grace 15 --test-only toolong.json 2>err &&
    test_cmp expected err &&
    async-workflow run --local --time-limit 1m45s --grace 4 --test-only toolong.json 2>err && test_must_be_empty err &&
    async-workflow run --local --time-limit 1m45s --grace 6 --test-only toolong.json 2>err && grep "and the run ends in 1m39s" err &&
    for time in 0:90 1 0-0:01:30; do
        async-workflow run --test-only toolong.json -- --time=$time 2>err &&
        grep "tasks.b: a task takes 1m40s .* and the run ends in" err || return 1
    done &&
    for time in 2 0:120 0:02:00 0-1 UNLIMITED; do
        async-workflow run --test-only toolong.json -- --time=$time 2>err && test_must_be_empty err || return 1
    done &&
    async-workflow run --local --time-limit 5m --test-only toolong.json 2>err && test_must_be_empty err &&
    test_expect_code 3 async-workflow run --local --time-limit 20 --dir toolong toolong.json >out 2>err &&
    grep "warning: toolong.json: tasks.b: a task takes 1m40s .* will not start" err
'

test_expect_success 'which time?' '
    for time in 0 -1 soon; do
        test_expect_code 2 async-workflow run --local --time-limit=$time --dir never steps.json 2>err &&
        grep -q -e "--time-limit: \"$time\" is \(not a time\|too short\)" err || return 1
    done && ! test -e never
'

# A task that does not end by itself, nor on SIGTERM.
test_expect_success 'the run ends within its limit, the grace included' '
    workflow stubborn.json "\"tasks\": { \"s\": { \"script\": \"trap : TERM; while :; do sleep 0.1; done\" } }" &&
    begin=$(date +%s%N) &&
    limited 3 within --time-limit 5 --grace 3 stubborn.json &&
    seconds=$((($(date +%s%N) - begin) / 1000000000)) &&
    test $(events within "\"event\":\"finish\"" "\"signal\":9") = 1 &&
    sed -n "s/^{\"t\":\([0-9]*\).*\"event\":\"finish\".*/\1/p" within/journal.jsonl >t &&
    test "$(cat t)" -le 5 && test "$seconds" -ge 4
'

# What is not known to take long runs into the end: stopped in time.
test_expect_success 'what still runs at the end is stopped, and has not failed' '
    workflow long.json "\"tasks\": { \"long\": { \"command\": [\"sleep\", \"300\"] } }" &&
    limited 3 cut --time-limit 2 long.json &&
    test $(events cut "\"event\":\"stop\"" "\"reason\":\"the end of the job\"") = 1 &&
    test $(events cut "\"status\":\"cancelled\"") = 1 &&
    grep -q "not done: 1 of 1 task (long: 1 not finished)" cut.err && ! grep "a task of" cut.err &&
    replay cut
'

cat >saves <<\END
#!/bin/sh
# Counts to 60 tenths of seconds.
n=0
trap 'echo $n >saved; exit 75' USR1
while test $n -lt 60; do n=$((n + 1)); sleep 0.1; done
END
chmod +x saves

test_expect_success 'checkpoint_signal before the end of the job: saved, not failed' '
    rm -f saved &&
    workflow job.json "\"tasks\": { \"t\": { \"command\": [\"./saves\"], \"duration\": 600,
        \"checkpoint_signal\": \"USR1@2s\" } }" &&
    limited 3 job --time-limit 5 job.json &&
    test $(cat saved) -gt 5 && test $(cat saved) -lt 40 &&
    test $(events job "\"status\":\"cancelled\"" "\"code\":75") = 1 &&
    test $(events job "\"event\":\"start\"") = 1 &&
    test $(events job "\"event\":\"stop\"") = 0 &&
    replay job
'

test_expect_success 'cut where nobody knows how long it takes: not started again in this job' '
    rm -f saved &&
    workflow unknown.json "\"tasks\": { \"t\": { \"command\": [\"./saves\"], \"checkpoint_signal\": \"USR1@2s\" } }" &&
    limited 3 unknown --time-limit 6 unknown.json &&
    test -s saved &&
    test $(events unknown "\"event\":\"start\"") = 1 &&
    grep "a task of t needs 4\.[0-9]* s (twice the notice of its checkpoint_signal)" unknown.err &&
    replay unknown
'

test_expect_success 'before its own limit: a time-out, tried again from what was saved' '
    rm -f saved &&
    workflow own.json "\"tasks\": { \"t\": { \"script\": \"test -s saved || exec ./saves\", \"time_limit\": 5,
        \"checkpoint_signal\": \"SIGUSR1@1.5\", \"retries\": { \"count\": 3, \"on\": [\"timeout\"] } } }" &&
    limited 0 own own.json &&
    test $(events own "\"status\":\"timeout\"" "\"code\":75") = 1 &&
    test $(events own "\"status\":\"completed\"") = 1 &&
    replay own
'

for signal in USR1 USR2; do
    test_expect_success "SIG$signal: nothing more starts, running tasks may finish: exit 3" '
        rm -f go &&
        workflow gate.json "\"tasks\": { \"g\": { \"count\": 6,
            \"script\": \"echo up; until test -e go; do sleep 0.1; done\" } }" &&
        { async-workflow run --local --cpus 2 --dir '$signal' gate.json >'$signal'.out 2>&1 </dev/null & pid=$!; } &&
        wait_for 30 "started '$signal' 2" &&
        kill -'$signal' $pid &&
        wait_for 30 "test \$(events '$signal' \"\\\"event\\\":\\\"stop\\\"\") = 1" &&
        touch go &&
        test_expect_code 3 wait $pid &&
        test $(events '$signal' "\"status\":\"completed\"") = 2 &&
        grep -q "not done: 4 of 6 tasks (g: 4 not run)" '$signal'.out &&
        replay '$signal'
    '
done

test_expect_success 'a failure is reported at the end with what it has cost' '
    workflow fail.json "\"tasks\": { \"a\": { \"count\": 3, \"on_failure\": \"skip\", \"script\": \"exit {index}\" },
        \"b\": { \"after\": [\"a[i]\"], \"count\": 3, \"command\": [\"true\"] } }" &&
    limited 1 fail fail.json &&
    grep -q "not done: 4 of 6 tasks (a: 2 failed; b: 2 skipped)" fail.err
'

# The shell ends at once by SIGTERM, and what it has started is in its process group.
test_expect_success 'each process of a task has the grace, also after its first one has ended' '
    cat >grace.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "a": { "time_limit": 1, "script":
	    "(trap \"sleep 1; echo saved >saved; exit\" TERM; while :; do sleep 0.1; done) & wait" } } }
	END
    test_expect_code 1 async-workflow run --local --cpus 1 --grace 30 --dir grace grace.json >out 2>&1 &&
    grep -q "\"status\":\"timeout\"" grace/journal.jsonl && grep saved saved &&
    sed "s/sleep 1; echo saved >saved; exit/:/" grace.json >stays.json &&
    test_expect_code 1 async-workflow run --local --cpus 1 --grace 1 --dir stays stays.json >out 2>&1 &&
    grep -q "\"status\":\"timeout\"" stays/journal.jsonl
'

test_done
