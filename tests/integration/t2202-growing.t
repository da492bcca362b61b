#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='workflows that are changed while they run: tasks are cancelled, iterations end early'

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

# of DIR EVENT TASK: how many such lines the journal has
of () { grep -cF "\"event\":\"$2\",\"task\":\"$3" "$1/journal.jsonl"; }

# same DIR: a replay decides the same
same () { "$replay" "$1" >replayed && grep "the same" replayed; }

test_expect_success 'cancel: what runs is told to end, what waits does not start, and it is no failure' '
    workflow cancel.json "\"tasks\": {
        \"check\": { \"script\": \"async-workflow cancel wander && async-workflow cancel nobody; test \$? = 2\" },
        \"wander\": { \"count\": 12, \"script\": \"sleep 300\" },
        \"behind\": { \"after\": [\"wander\"], \"script\": \"true\" } }" &&
    run 0 cancel cancel.json --policy fifo &&
    test $(of cancel cancel "wander[0]\",\"count\":12,\"reason\":\"check[0]\"") = 1 &&
    test $(of cancel skip "behind[0]") = 1 &&
    test $(($(of cancel skip "wander[") + $(of cancel kill "wander["))) = 12 &&
    grep "the workflow has no tasks \"nobody\"" cancel/logs/check.0.err &&
    same cancel
'

test_expect_success 'cancel --release: what waits goes on' '
    workflow release.json "\"tasks\": {
        \"check\": { \"script\": \"async-workflow cancel --release \\\"wander[1]\\\"\" },
        \"wander\": { \"count\": 2, \"script\": \"test {index} = 0 || sleep 300\" },
        \"behind\": { \"after\": [\"wander\"], \"script\": \"true\" } }" &&
    run 0 release release.json &&
    test $(of release finish "behind[0]") = 1 &&
    test $(of release kill "wander[0]") = 0 &&
    same release
'

test_expect_success 'iterations end with the one whose check says so' '
    workflow until.json "\"iterations\": { \"max\": 20, \"until\": \"check\" }, \"tasks\": {
        \"work\": { \"after\": [\"check@-1\"], \"script\": \"true\" },
        \"check\": { \"after\": [\"work\"], \"script\": \"test {iteration} -ge 2\" } }" &&
    run 0 until until.json &&
    test $(of until finish "check@") = 3 &&
    test $(of until skip "") = 34 &&
    same until
'

test_expect_success 'by another exit code; a failing check is a failure all the same' '
    workflow code.json "\"iterations\": { \"max\": 9, \"until\": { \"set\": \"check\", \"code\": 10 } }, \"tasks\": {
        \"check\": { \"after\": [\"check@-1\"], \"script\": \"test {iteration} -lt 4 || exit 10\" } }" &&
    run 0 code code.json &&
    test $(of code finish "check@") = 5 &&
    workflow fail.json "\"iterations\": { \"max\": 9, \"until\": { \"set\": \"check\", \"code\": 10 } }, \"tasks\": {
        \"check\": { \"after\": [\"check@-1\"], \"script\": \"exit 11\" } }" &&
    run 1 fail fail.json &&
    test $(of fail finish "check@") = 1
'

test_expect_success 'by a message' '
    workflow message.json "\"iterations\": { \"max\": 50, \"until\": { \"message\": \"goal\" } }, \"tasks\": {
        \"work\": { \"after\": [\"work@-1\"], \"script\": \"test {iteration} -lt 3 || async-workflow send --sync goal reached\" } }" &&
    run 0 message message.json &&
    test $(of message finish "work@") = 4 &&
    same message
'

test_expect_success 'what is wrong with them is told' '
    workflow wrong.json "\"iterations\": { \"max\": 2, \"until\": \"nobody\" }, \"tasks\": { \"a\": { \"script\": \"x\" } }" &&
    test_expect_code 2 async-workflow check wrong.json 2>err &&
    grep "wrong.json: iterations.until: no task set has the name \"nobody\"" err
'

test_done
