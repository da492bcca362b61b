#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='tasks that nodes have in advance: what status, explain, watch, logs and report say of them'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

mkdir run run/logs
cat >run/workflow.json <<\END
{ "async-workflow": 1, "name": "w", "tasks": { "a": { "count": 5, "cpus": 2, "command": ["true"], "duration": 2 } } }
END

# line T EVENT TASK ATTEMPT [NODE [MORE]]: a line of the journal
line ()
{
    printf '{"t":%s,"event":"%s","task":"a[%s]","attempt":%s%s%s}\n' "$1" "$2" "$3" "$4" \
        "${5:+,\"node\":\"$5\"}" "${6:+,$6}"
}
start () { line "$1" start "$2" "$3" "$4" '"cpus":"0-1","gpus":""'; }
finish () { line "$1" finish "$2" "$3" "$4" "\"status\":\"$5\",\"code\":0,\"signal\":0,\"seconds\":2,\"cpu_seconds\":1,\"max_rss\":1"; }

# a[0] and a[1] run. n1 has a[2], n2 had a[3] and has given it back; a[4] is ready.
{
    printf '{"async-workflow-journal":1,"epoch":%s,"name":"w","mode":"async","policy":"fifo"}\n' "$(date +%s)"
    for node in n1 n2; do
        printf '{"t":0,"event":"node","node":"%s","cpus":"0-1","gpus":"","mem":0}\n' $node
    done
    for index in 0 1 2 3 4; do line 0 ready $index 0; done
    start 0 0 0 n1 && start 0 1 0 n2
    line 0.1 assign 2 0 n1 && line 0.1 assign 3 0 n2
    line 0.2 kill 3 0 && finish 0.3 3 0 n2 cancelled && line 0.3 ready 3 1
} >run/journal.jsonl

# live COMMAND...: while a coordinator seems to hold the run
live () { flock run/journal.jsonl "$@"; }

test_expect_success 'a live status counts them as not started, and says how many there are' '
    live async-workflow status run >out &&
    grep "^w: running, 0 of 5 tasks done" out &&
    grep "^1 ready task is assigned to nodes in advance" out &&
    grep "^a  *5  *0  *2  *0  *3$" out &&
    live async-workflow status --json run >out.json &&
    grep "\"running\":2,\"unstarted\":3,\"retried\":0" out.json &&
    grep "\"assigned\":1," out.json
'

test_expect_success 'without a coordinator none is assigned any more' '
    async-workflow status run >out &&
    grep "^w: interrupted" out &&
    ! grep "assigned" out &&
    async-workflow status --json run >out.json &&
    grep "\"assigned\":0," out.json &&
    async-workflow explain run >out &&
    grep "^w: interrupted" out &&
    ! grep "assigned" out &&
    grep "CPUs: 3 ready tasks are waiting for them" out &&
    async-workflow explain run "a[2]" >out &&
    grep "^a\[2\]: waiting: 2 CPUs more must be free on" out
'

test_expect_success 'explain names the node of such a task, and when the task is expected to start' '
    live async-workflow explain run "a[2]" >out &&
    grep "^a\[2\]: waiting: it is assigned to n1 and starts there when a task of the same demand completes\.$" out &&
    grep "^Expected to start in" out &&
    ! grep "before it in the order" out &&
    live async-workflow explain run "a[3]" >out &&
    grep "^a\[3\]: waiting: 2 CPUs more must be free on" out
'

test_expect_success 'what limits the run are CPUs, not what nodes have' '
    live async-workflow explain run >out &&
    grep "^1 of the ready tasks is assigned to nodes in advance\.$" out &&
    grep "^  a\[3\]: waiting: 2 CPUs more must be free on .* (3 of the set are ready, 0 wait for others)$" out &&
    grep "CPUs: 3 ready tasks are waiting for them" out
'

test_expect_success 'a report before they start counts neither a start nor a failure nor a retry' '
    async-workflow report run >out &&
    grep "^  tasks  *0 of 5 done, 2 running, 3 not started$" out &&
    ! grep "assigned" out &&
    for format in json svg trace html prometheus; do
        async-workflow report --format $format run >out.$format || return 1
    done &&
    grep "\"starts\":2,\"assigned_starts\":0," out.json &&
    grep "\"set\":\"a\".*\"attempts\":2," out.json &&
    test "$(grep -c "\"ph\":\"X\"" out.trace)" = 2
'

test_expect_success 'logs: a task that was given back has not begun' '
    test_expect_code 2 async-workflow logs run "a[3]" 2>err &&
    grep "it has not begun" err
'

# watch prints a line for each attempt that ends badly, but these have never run.
test_expect_success 'watch tells of no failure where a task is given back' '
    cp run/journal.jsonl before &&
    { flock run/journal.jsonl sh -c "touch locked; while test ! -e over; do sleep 0.1; done" & } &&
    wait_for 60 test -e locked &&
    { timeout 120 async-workflow watch run </dev/null >watched & } &&
    wait_for 60 grep -q "^w:.running" watched &&
    {
        finish 2 0 0 n1 completed && start 2 2 0 n1
        line 2 assign 3 1 n1 && finish 2.5 3 1 n1 cancelled && line 2.5 assign 3 2 n1
        finish 3 1 0 n2 failed && start 3 4 0 n2
    } >>run/journal.jsonl &&
    wait_for 60 grep -q "^a.1..failed" watched &&
    {
        finish 4 2 0 n1 completed && start 4 3 2 n1
        finish 5 3 2 n1 completed && finish 5 4 0 n2 completed
        printf "{\"t\":5,\"event\":\"end\",\"code\":1}\n"
    } >>run/journal.jsonl &&
    wait_for 60 grep -q "^w:.failed" watched &&
    test "$(grep -c "failed: " watched)" = 1
'
touch over
wait

test_expect_success 'the report counts their starts; the wait is from ready to start' '
    async-workflow report run >out &&
    grep "^  tasks  *4 of 5 done, 1 failed$" out &&
    grep "^  assigned  *2 of 5 starts, by nodes that had the task in advance$" out &&
    grep "^  start delay  *1\.8.* on average, 4.* at most$" out &&
    async-workflow report --format json run >out.json &&
    grep "\"starts\":5,\"assigned_starts\":2," out.json &&
    grep "\"retried\":0" out.json &&
    async-workflow report --format wfformat run >out &&
    test "$(grep -c "\"executedAt\"" out)" -ge 5
'

test_expect_success 'explain tells the attempt by its number' '
    async-workflow explain run "a[3]" >out &&
    grep "^a\[3\]: completed, attempt 3: completed after 2.* on n1\.$" out &&
    grep "It was ready 0.00 s after the run.s start, and waited 4.00 s" out
'

test_done
