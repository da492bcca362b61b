#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='all running tasks wait for messages: who may still send, and what happens when nobody may'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# run_local STATUS NAME: runs NAME.json in directory NAME
run_local ()
{
    test_expect_code "$1" timeout 120 async-workflow run --local --cpus 4 --dir "$2" "$2.json" \
        >"$2.out" 2>"$2.err" </dev/null || { cat "$2.out" "$2.err" "$2"/logs/*; false; }
}

# stalls DIR N: the journal has N lines about a stall
stalls () { test "$(events "$1" '"event":"stall"')" = "$2"; }

# none_receives: no recv of this test is left; tests of the cluster may run such, too
none_receives ()
{
    for pid in $(pgrep -f 'async-workflow recv (go|never)'); do
        test "$(readlink /proc/$pid/cwd)" != "$PWD" || return 1
    done
}

# Wrong cases: somebody may still send.

test_expect_success 'a retry after a delay sends: nothing is reported' '
    workflow retry.json "\"tasks\": {
        \"wait\": { \"script\": \"async-workflow recv go\" },
        \"send\": { \"script\": \"test \$ASYNC_WORKFLOW_ATTEMPT = 1 && async-workflow send go x\",
                  \"retries\": { \"count\": 1, \"delay\": 5 } } }" &&
    run_local 0 retry && stalls retry 0
'

test_expect_success 'a recv with a timeout makes its task send, and that of another program, which is printed' '
    workflow timeout.json "\"tasks\": {
        \"wait\": { \"script\": \"async-workflow recv go && async-workflow recv go\" },
        \"ours\": { \"script\": \"async-workflow recv --timeout 5 never || async-workflow send go 1\" },
        \"other\": { \"script\": \"timeout 10 async-workflow recv never || async-workflow send go 2\" } }" &&
    run_local 0 timeout && stalls timeout 1 &&
    ! grep "receiving fail\|stalled" timeout.err timeout.out &&
    test "$(cat timeout/logs/wait.0.out | sort | xargs)" = "1 2"
'

test_expect_success 'a time limit ends one, and what starts then sends' '
    workflow limit.json "\"tasks\": {
        \"wait\": { \"script\": \"async-workflow recv go\" },
        \"limited\": { \"time_limit\": 4, \"on_failure\": \"continue\", \"script\": \"async-workflow recv never\" },
        \"send\": { \"after\": [\"limited\"], \"script\": \"async-workflow send go x\" } }" &&
    run_local 0 limit && stalls limit 0
'

for kind in '' 'env -i' 'setsid'; do
    test_expect_success "a process in the background sends later${kind:+ ($kind)}: all wait, which is printed once" '
        workflow back.json "\"tasks\": {
            \"wait\": { \"script\": \"async-workflow recv go\" },
            \"both\": { \"script\": \"($kind sleep 5; exec async-workflow send go x) & async-workflow recv go\" } }" &&
        rm -rf back && run_local 0 back && stalls back 1 &&
        test "$(grep -c "all 2 running tasks wait for messages (wait\[0\] on topic go), and no other task can start$" back.err)" = 1
    '
done

test_expect_success 'a sender outside with the environment of a task; status tells what all wait for' '
    workflow outside.json "\"tasks\": { \"wait\": { \"script\": \"env -0 >env.part; mv env.part env; until test -e sender; do sleep 0.1; done; async-workflow recv go\" } }" &&
    async-workflow run --local --dir outside outside.json >outside.out 2>outside.err </dev/null &
    run=$! &&
    wait_for 60 "test -e env && grep -qs start outside/journal.jsonl" &&
    xargs -0 sh -c "exec env \"\$@\" sh -c \"touch sender
        until grep -qs stall outside/journal.jsonl && test -e seen; do sleep 0.1; done
        async-workflow send go x\"" sh <env &
    sender=$! &&
    wait_for 60 "stalls outside 1" && async-workflow status outside >status && touch seen &&
    wait $run && wait $sender &&
    grep "^the only running task, wait\[0\], waits for a message on topic go, and no other task can start" status &&
    ! async-workflow status outside | grep waits
'

# Nobody may.

test_expect_success 'after a failure with on_failure stop the recv of running tasks fails, and the run ends' '
    workflow stop.json "\"tasks\": {
        \"fail\": { \"script\": \"exit 3\" },
        \"wait\": { \"count\": 3, \"script\": \"async-workflow recv go; code=\$?; echo \$code; exit \$code\" },
        \"send\": { \"after\": [\"fail\"], \"script\": \"async-workflow send go x\" } }" &&
    run_local 1 stop && stalls stop 1 &&
    test "$(cat stop/logs/wait.*.out | xargs)" = "1 1 1" &&
    for i in 0 1 2; do
        grep "^async-workflow recv: go: no message can come: all 3 running tasks wait for messages (wait.0. on topic go)" \
            stop/logs/wait.$i.err || return 1
    done &&
    grep "no other task can start: receiving fails" stop.err && grep "no other task can start: receiving failed" stop.out &&
    ! grep "\"event\":\"kill\"" stop/journal.jsonl &&
    "$top_builddir/tests/integration/replay" stop
'

test_expect_success 'tasks may take it as the end: pipes, a loop, a child; the run ends well' '
    workflow well.json "\"tasks\": {
        \"pipe\": { \"script\": \"async-workflow recv --count 2 go | cat | wc -l\" },
        \"loop\": { \"script\": \"while x=\$(async-workflow recv go); do echo \$x; done\" },
        \"child\": { \"script\": \"sh -c \\\"async-workflow recv go & wait\\\"; true\" },
        \"send\": { \"script\": \"async-workflow send go x\" } }" &&
    run_local 0 well && stalls well 1 &&
    test "$(cat well/logs/pipe.0.out)" = 1 && test "$(cat well/logs/loop.0.out)" = x
'

test_expect_success 'waiting tasks hold the CPUs that the sender needs: it starts after them' '
    workflow room.json "\"tasks\": {
        \"wait\": { \"count\": 4, \"duration\": 100, \"on_failure\": \"continue\", \"script\": \"async-workflow recv go\" },
        \"send\": { \"cpus\": 4, \"script\": \"async-workflow send go x\" } }" &&
    run_local 0 room && test "$(events room "\"finish\",\"task\":\"send[0]\"" completed)" = 1
'

test_expect_success 'a request that nobody can answer fails; tasks that wait for a message to start are skipped then' '
    workflow request.json "\"tasks\": {
        \"ask\": { \"script\": \"async-workflow send --request question x\", \"success_codes\": [1] },
        \"later\": { \"after\": [{ \"message\": \"go\", \"every\": 1 }], \"script\": \"true\" } }" &&
    run_local 0 request &&
    grep "^async-workflow send: question: no message can come" request/logs/ask.0.err
'

test_expect_success 'nothing is left' 'wait_for 60 none_receives'

test_done
