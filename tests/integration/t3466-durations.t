#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='run --durations: a run rests on the durations of earlier runs, and so does all that reads it later'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

# flow FILE ITERATIONS BRIEF LONG MEMBERS: 6 tasks that are brief and one that is long, which the file has the other way
# round; and one that waits for a file.
flow ()
{
    cat >"$1" <<-END
	{ "async-workflow": 1, "name": "flow", "iterations": $2, "tasks": {
	    "brief": { "count": 6, $3 "script": "sleep 0.0{index}" },
	    "long": { $4 "script": "sleep 0.5" },
	    "last": { "after": ["brief"], $5 "script": "test ! -e wait || exec sleep 60" } } }
	END
}
flow first.json 1 '' '' ''
flow wrong.json 2 '"duration": 9,' '"duration": 0.1,' '"duration": 7,'
sed 's/"name": "flow"/"name": "other"/; s/"\(brief\|long\|last\)"/"my-\1"/g' first.json >other.json

# member FILE NAME: a number of the journal's first line, perhaps of a list
member () { sed -n "1s/.*\"$2\":\[\{0,1\}\([0-9.e+-]*\).*/\1/p" "$1"; }

is () { awk "BEGIN { exit !($1) }" || { echo "not: $1"; false; }; }

# order DIR: the sets of the first two starts
order () { sed -n 's/.*"event":"start","task":"\([a-z]*\).*/\1/p' "$1/journal.jsonl" | head -n 2 | tr '\n' ' '; }

# What the tasks of run "one" took, on a machine without any load: brief 1 or 90 ms, long 0.5 s, last 10 ms.
steady ()
{
    sed -i -E 's/("task":"brief@?0?\[[0-2].*"seconds":)[0-9.e-]+/\10.001/; s/("task":"brief@?0?\[[3-5].*"seconds":)[0-9.e-]+/\10.09/
        s/("task":"long.*"seconds":)[0-9.e-]+/\10.5/; s/("task":"last.*"seconds":)[0-9.e-]+/\10.01/' one/journal.jsonl
}

test_expect_success 'wrong input is refused, and a run without such sets is told' '
    run 0 first first.json --dir one && steady && run 0 other other.json --dir two &&
    run 2 bad wrong.json --durations missing --dir bad && grep "missing" bad.err && test ! -e bad &&
    run 2 bad --resume one --durations two && grep "durations: has no effect with --resume" bad.err &&
    run 0 none first.json --durations two --dir none && grep "warning: two: no completed task of a set" none.err &&
    ! grep "\"durations\":" none/journal.jsonl
'

test_expect_success 'the order, the prediction, the journal and the report rest on the earlier run' '
    run 0 file wrong.json --dir file --policy longest-path && test "$(order file)" = "brief brief " &&
    is "$(member file/journal.jsonl predicted) > 50" && ! grep "\"durations\|^  durations" file/journal.jsonl file.out &&
    run 0 real wrong.json --durations one --dir real --policy longest-path && test "$(order real)" = "long long " &&
    grep "\"durations_from\":\"one\",\"durations\":{\"brief\":{\"seconds\":0.0455,[^}]*},\"long\":{\"seconds\":0.5,[^}]*}" \
        real/journal.jsonl && is "$(member real/journal.jsonl predicted) < 2" &&
    grep "model: 90% of runs take .* durations vary as in one" real.err &&
    grep "^  durations *as in one$" real.out && replays real &&
    async-workflow report --format json real >json && grep "\"durations_from\":\"one\"" json &&
    async-workflow report --format json file >json && grep "\"durations_from\":null" json
'

test_expect_success 'one set is known from the run, another from the file' '
    sed "s/\"last\"/\"new\"/" wrong.json >partly.json &&
    run 0 partly partly.json --durations one --durations one --test-only &&
    grep "model: 7[.0-9]* s" partly.out && grep "the spread of 1 of 3 sets is not known" partly.out &&
    high=$(sed -n "s/.* runs take .* to \([0-9.]*\) s, .*/\1/p" partly.out) && is "$high < 12"
'

# The prediction of the remainder needs the duration of "last".
test_expect_success 'a run that is killed continues with what its journal has; so does its planner' '
    flow unknown.json 2 "" "" "" && touch wait &&
    async-workflow run --local --cpus 2 unknown.json --durations one --dir killed >killed.out 2>&1 </dev/null &
    pid=$! &&
    wait_for 60 "grep -qs \"start.*last@1\" killed/journal.jsonl" && kill -KILL $pid &&
    { wait $pid; rm wait; mkdir before; } && cp killed/*.json* before &&
    async-workflow replan --always --evaluations 20 before >answer && grep "^end [0-9]" answer &&
    sed "1s/\"durations\":{.*}},//" killed/journal.jsonl >before/journal.jsonl &&
    async-workflow replan --always --evaluations 20 before >answer && grep ^cpu answer && ! grep ^end answer &&
    run 2 test --resume before --test-only --durations one &&
    run 0 test --resume before --test-only && grep "the duration of a task set is not known" test.out &&
    run 0 test --resume killed --test-only && grep "model: the remainder takes" test.out &&
    run 0 resumed --resume killed && grep "model: the remainder takes" resumed.err && replays killed &&
    grep "^  durations *as in one$" resumed.out
'

test_done
