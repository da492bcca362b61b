#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Run directories of version 0.1.0: they are read, reported and resumed as before, with a file per task'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# old NAME: a copy of that run directory, which began here
old ()
{
    rm -rf "$1" && cp -r "$top_srcdir/tests/data/run-0.1.0/$1" "$1" && chmod -R u=rwX,go= "$1" &&
        sed -i "1s|@HERE@|$PWD|" "$1/journal.jsonl"
}

# resume NAME OPTION...: to its end
resume ()
{
    name=$1
    shift
    timeout 60 async-workflow run --local --cpus 2 --grace 1 --resume "$name" "$@" >"$name.out" 2>"$name.err" </dev/null ||
        { cat "$name.out" "$name.err" >&4; false; }
}

test_expect_success 'a finished run: check, status, report, logs, and nothing to resume' '
    old done && async-workflow check done/workflow.json &&
    async-workflow status done >out && grep -q "^done: completed, 10 of 10 tasks done" out &&
    async-workflow report done >out && grep -q "10 of 10 done" out && grep -q "^Logs are in done/logs" out &&
    async-workflow report --format json done | grep -q "\"state\":\"completed\"" &&
    async-workflow logs done "simulate@1[2]" >got && printf "frame 1 2\nnote 2\n" | test_cmp - got &&
    async-workflow logs done "flaky@0" >got && echo "try 1" | test_cmp - got &&
    async-workflow logs done "flaky@0" --attempt 1 >got && echo "try 0" | test_cmp - got &&
    cp done/journal.jsonl before && resume done && grep -q "all tasks are done" done.err && test_cmp before done/journal.jsonl
'

test_expect_success 'a failed run: its report has the reason, and it is continued' '
    old failed && echo prepared >prepared && rm -f repaired &&
    async-workflow report failed >out && grep -q "| no input" out && grep -q "from $PWD/failed/logs/work.2.err\|from failed/logs/work.2.err" out &&
    async-workflow logs failed --failed >got && printf "work 2\nno input\n" | test_cmp - got &&
    : >repaired && resume failed && grep -q "4 of 6 tasks are done" failed.err &&
    test "$(cat failed/logs/collect.0.out)" = "$(printf "prepared\ncollected")" &&
    test "$(cat failed/logs/work.2.retry1.out)" = "work 2" &&
    test ! -e failed/logs/*.log && async-workflow logs failed collect >got && printf "prepared\ncollected\n" | test_cmp - got
'

test_expect_success 'a killed run is continued, with files even if the workflow says otherwise' '
    old killed && : >go && printf "0\n1\n" >ran &&
    sed "s/\"name\"/\"logs\": \"store\", \"name\"/" killed/workflow.json >changed.json &&
    resume killed changed.json && grep -q "\"logs\" stays \"files\"" killed.err &&
    sort ran >got && seq 0 5 | test_cmp - got &&
    async-workflow logs killed "work[1]" >got && echo "work 1" | test_cmp - got &&
    test "$(cat killed/logs/grow.5.out)" = "grown 5" && test ! -e killed/logs/*.log
'

test_expect_success 'the files of version 0.1.0 run' '
    for name in done failed killed; do
        rm -rf new && async-workflow run --local --cpus 2 --dir new "$top_srcdir/tests/data/run-0.1.0/$name/workflow.json" >out 2>err </dev/null ||
            return 1
    done
'

test_done
