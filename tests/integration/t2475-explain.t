#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='explain: why tasks wait or failed, and what limits a run'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

cpus=3

# Tasks of "hold" take all CPUs until the file "go" is there.
hold="while ! test -e go; do sleep 0.05; done"
workflow wait.json "\"name\": \"wait\", \"tasks\": {
    \"hold\": { \"cpus\": $cpus, \"script\": \"$hold\", \"duration\": 100 },
    \"next\": { \"count\": 3, \"cpus\": $cpus, \"command\": [\"true\"], \"duration\": 10 },
    \"merge\": { \"command\": [\"true\"], \"after\": [\"hold\", \"next\"], \"duration\": 1 },
    \"last\": { \"command\": [\"true\"], \"after\": [\"merge\"], \"duration\": 1 },
    \"told\": { \"command\": [\"true\"], \"after\": [{ \"message\": \"go\" }], \"duration\": 1 } }"
workflow bad.json '"name": "bad", "tasks": {
    "a": { "count": 4, "retries": 1, "on_failure": "skip",
           "script": "test {index} -ne 2 || { echo broken input >&2; exit 3; }" },
    "b": { "count": 4, "command": ["true"], "after": ["a[i]"] },
    "c": { "command": ["true"], "after": ["b"] } }'

test_expect_success 'wrong arguments: exit 2, one line that says what is wrong' '
    test_expect_code 2 async-workflow explain 2>err &&
    grep "no run directory given" err &&
    test_expect_code 2 async-workflow explain missing 2>err &&
    grep "missing: No such file" err &&
    test "$(wc -l <err)" = 1
'

test_expect_success 'a run waits for CPUs, predecessors and a message' '
    async-workflow run --local --cpus 3 --dir=W wait.json >run.out 2>&1 &
    echo $! >pid
    wait_for 60 "started W 1"
'

test_expect_success 'what limits the run: CPUs; and the chain on which its end depends' '
    async-workflow explain W >out &&
    grep "^wait: running, 0 of 7 tasks done after" out &&
    grep "^1 running, on $cpus of $cpus CPUs" out &&
    grep "CPUs: 3 ready tasks are waiting for them" out &&
    grep "^Expected end: in .* the last one first" out &&
    sed -n "/^Expected end/,\$p" out | sed -n "2,5s/:.*//p" >chain &&
    printf "  %s\n" "last[0]" "merge[0]" "next[2]" >want &&
    head -n 3 chain | test_cmp want -
'

test_expect_success 'a ready task: what it lacks, what runs there, what comes before it' '
    async-workflow explain W "next[2]" >out &&
    grep "^next\[2\]: waiting: $cpus CPUs* more must be free on" out &&
    grep "^  hold\[0\]: running on .* expected to end in" out &&
    grep "^2 ready tasks come before it" out &&
    grep "^Expected to start in" out
'

test_expect_success 'a task with predecessors: those that have not ended, and the chain behind' '
    async-workflow explain W last >out &&
    grep "^last\[0\]: waiting: tasks that it depends on have not ended" out &&
    grep "merge\[0\]: waiting" out &&
    grep "^  next\[2\]: starts in" out &&
    async-workflow explain W merge >out &&
    grep "for 3 of 3 tasks of next" out
'

test_expect_success 'a task that waits for a message: how many have come' '
    async-workflow explain W told >out &&
    grep "too few messages have come" out &&
    grep "on topic go: 0 of 1 have come" out
'

test_expect_success 'a set: its states and the first task that waits; several words' '
    async-workflow explain W next "hold[0]" >out &&
    grep "^next: 3 tasks: 3 not started" out &&
    grep "^next\[0\]: waiting" out &&
    grep "^hold\[0\]: running on" out
'

test_expect_success 'no such task: exit 2' '
    test_expect_code 2 async-workflow explain W nothing 2>err &&
    grep "nothing: no such task in W" err &&
    test_expect_code 2 async-workflow explain W "next[3]" 2>err &&
    grep "no such task" err
'

test_expect_success 'an interrupted run is explained as it stood' '
    kill -KILL "$(cat pid)" &&
    wait_for 60 "async-workflow explain W | grep -q interrupted" &&
    async-workflow explain W "next[0]" >out &&
    grep "^next\[0\]: waiting" out &&
    head -n 1 out | grep "^No coordinator is running: .* --resume=W$" || { cat out; false; }
'

test_expect_success 'a resumed run that has ended: no task waits for room; the message did not come' '
    touch go &&
    test_might_fail async-workflow run --local --cpus 3 --resume W >run2.out 2>&1 &&
    async-workflow explain W >out &&
    grep "^Where the time went" out &&
    grep "as it was .* +0.0 %" out &&
    async-workflow explain W "told[0]" >out &&
    grep "^told\[0\]: skipped: messages that it waited for did not come" out &&
    async-workflow explain W "next[0]" >out &&
    grep "^next\[0\]: completed" out
'

test_expect_success 'a failed task: cause, attempts, the end of its stderr, what was skipped' '
    test_expect_code 1 async-workflow run --local --cpus 3 --dir=B bad.json >run.out 2>&1 &&
    async-workflow explain B >out &&
    grep "^bad: failed, 6 of 9 tasks done" out &&
    grep "^  a\[2\]: failed: exit code 3; 2 skipped because of it" out &&
    async-workflow explain B "a[2]" >out &&
    grep "^a\[2\]: failed, attempt 2: exit code 3" out &&
    grep "^  attempt 1: exit code 3" out &&
    grep "^  | broken input" out &&
    grep "^2 tasks were skipped because of it" out &&
    async-workflow explain B c >out &&
    grep "^c\[0\]: skipped, because of a\[2\]: failed: exit code 3" out
'

test_expect_success 'a task after the goal is reached: it was not needed' '
    workflow goal.json "\"iterations\": { \"max\": 3, \"until\": \"test\" }, \"tasks\": {
        \"work\": { \"after\": [\"test@-1\"], \"command\": [\"true\"] },
        \"test\": { \"after\": [\"work\"], \"command\": [\"true\"] } }" &&
    async-workflow run --local --cpus 2 --dir=G goal.json >run.out 2>&1 &&
    async-workflow explain G "test@2[0]" >out &&
    grep -x "test@2\[0\]: skipped: not needed, iteration 0 reached the goal (\"until\")\." out || { cat out run.out; false; }
'

test_expect_success 'a task that was cancelled before it started, and one that waited for it' '
    workflow cancel.json "\"tasks\": {
        \"boss\": { \"script\": \"async-workflow cancel work[1]\" },
        \"work\": { \"count\": 2, \"after\": [\"boss\"], \"command\": [\"true\"] },
        \"next\": { \"count\": 2, \"after\": [\"work[i]\"], \"command\": [\"true\"] } }" &&
    async-workflow run --local --cpus 2 --dir=C cancel.json >run.out 2>&1 &&
    async-workflow explain C "work[1]" >out &&
    grep -x "work\[1\]: skipped: it was cancelled before it started\." out &&
    async-workflow explain C "next[1]" >out &&
    grep -x "next\[1\]: skipped, because of work\[1\]: cancelled before it started" out || { cat out run.out; false; }
'

test_done
