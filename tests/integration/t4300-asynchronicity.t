#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='examples/asynchronicity: each kind of asynchronicity does what its README says'

. "$(dirname "$0")/lib.sh"

RUN=$top_srcdir/examples/asynchronicity/run

# at RUN EVENT TASK: line number of it in the journal
at () { grep -nF "\"event\":\"$2\",\"task\":\"$3\"" "runs/$1/journal.jsonl" | head -n 1 | cut -d: -f1; }

# before RUN EVENT TASK EVENT TASK
before () { test "$(at "$1" "$2" "$3")" -lt "$(at "$1" "$4" "$5")"; }

# seconds RUN TASK: that it took, in tenths
seconds ()
{
    grep -F "\"event\":\"finish\",\"task\":\"$2\"" "runs/$1/journal.jsonl" |
        sed 's/.*"seconds":\([0-9]*\)\.\([0-9]\).*/\1\2/; s/^0\([0-9]\)/\1/'
}

test_expect_success 'wrong words: exit 2' '
    for words in "x" "--files" "--files 0" "--files x" "--output"; do
        test_expect_code 2 "$RUN" $words >out 2>err && test -s err && ! test -s out || return 1
    done
'

test_expect_success 'all six run, with a table and their pictures' '
    timeout 120 "$RUN" --files 200 --output runs >out 2>err || { cat out err >&4; false; } &&
    cat out >&4 && test_cmp runs/table.md out &&
    grep -c "^| [a-z]* | [0-9.]* | [0-9.]* | -*[0-9.]* |$" out >count && echo 3 | test_cmp - count &&
    for name in execution-sequential execution-async messages-sync messages-async staging-sync staging-async; do
        grep -q "^</svg>" runs/$name.svg || return 1
    done &&
    test_expect_code 1 "$RUN" --output runs 2>err && grep "exists: give another" err
'

test_expect_success 'execution: training beside the simulations, or after them' '
    before execution-async start "train[0]" finish "simulate[0]" &&
    before execution-sequential finish "simulate[0]" start "train[0]" &&
    before execution-sequential finish "simulate[1]" start "train[0]"
'

test_expect_success 'messages: who waits for answers cannot end before the last one' '
    before messages-sync start "analyse[3]" finish "simulate[0]" &&
    test "$(seconds messages-async "simulate[0]")" -lt "$(seconds messages-sync "simulate[0]")" &&
    before messages-async start "analyse[0]" finish "simulate[0]"
'

test_expect_success 'staging: data comes while others compute, or while the task holds its CPUs' '
    before staging-async stage "analyse[2]" finish "analyse[1]" &&
    test -n "$(at staging-async staged "analyse[7]")" &&
    test -z "$(at staging-sync staged "analyse[7]")"
'

test_done
