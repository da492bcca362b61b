#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='sets that run once, with all else: until, failures, cancel, messages, staging, added tasks, resume, reports'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH

# run STATUS NAME [OPTION]...: of NAME.json in the run directory NAME
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" timeout 120 async-workflow run --local --cpus 4 --dir "$name" "$@" "$name.json" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

# of DIR EVENT TASK: how many such lines the journal has
of () { grep -cF "\"event\":\"$2\",\"task\":\"$3" "$1/journal.jsonl"; }

# completed DIR SET: how many of its tasks have
completed () { grep -F '"status":"completed"' "$1/journal.jsonl" | grep -cE "\"task\":\"$2[[@]"; }

# again DIR: a replay decides the same
again () { replay "$1" >"$1.replay" 2>&1 && grep -q ": the same" "$1.replay" || { cat "$1.replay"; false; }; }

cat >until.json <<\END
{ "async-workflow": 1, "iterations": { "max": 9, "until": "test" }, "tasks": {
    "get": { "once": true, "script": "echo got" },
    "work": { "after": ["get", "test@-1"], "script": "echo {iteration}" },
    "test": { "after": ["work"], "script": "test {iteration} = 2" },
    "sum": { "once": true, "after": ["work", "test"], "script": "echo {iteration} {task}" } } }
END

test_expect_success 'until: a set after all iterations waits for those that are needed' '
    run 0 until && test $(completed until work) = 3 && test $(completed until sum) = 1 &&
    grep "8 of 20 tasks done in .*; 12 were not needed" until.out &&
    test "$(cat until/logs/sum.0.out)" = "0 sum[0]" && again until
'

cat >early.json <<\END
{ "async-workflow": 1, "iterations": 2, "defaults": { "on_failure": "skip" }, "tasks": {
    "get": { "once": true, "count": 2, "script": "exit {index}" },
    "work": { "after": ["get"], "script": "true" },
    "free": { "script": "true" },
    "sum": { "once": true, "after": ["work"], "script": "true" },
    "other": { "once": true, "after": ["free"], "script": "true" } } }
END
cat >late.json <<\END
{ "async-workflow": 1, "iterations": 3, "defaults": { "on_failure": "skip" }, "tasks": {
    "work": { "script": "test {iteration} = 1" },
    "next": { "after": ["work"], "script": "true" },
    "sum": { "once": true, "after": ["work"], "script": "true" } } }
END

test_expect_success 'a failure before the iterations skips them all, and what comes after them' '
    run 1 early && test $(of early skip "work@") = 2 && test $(of early skip "sum[0]") = 1 &&
    test $(completed early free) = 2 && test $(completed early other) = 1 && again early &&
    async-workflow explain early "sum[0]" >out && grep -F "sum[0]: skipped, because of get[1]: failed: exit code 1" out &&
    async-workflow explain early "get[1]" >out && grep "3 tasks" out || { cat out; false; }
'

test_expect_success 'a failure in one iteration skips what comes after all of them' '
    run 1 late && test $(completed late next) = 1 && test $(of late skip "next@") = 2 && test $(of late skip "sum[0]") = 1 &&
    again late
'

cat >cancel.json <<\END
{ "async-workflow": 1, "iterations": 2, "tasks": {
    "look": { "once": true, "script": "async-workflow cancel --release slow && async-workflow cancel sum && ! async-workflow cancel sum@1" },
    "slow": { "once": true, "count": 2, "script": "sleep 300" },
    "work": { "after": ["look", "slow"], "script": "true" },
    "sum": { "once": true, "after": ["work"], "script": "true" },
    "end": { "once": true, "after": ["sum"], "script": "true" } } }
END

test_expect_success 'cancel: a set before the iterations, which then run, and one after them' '
    run 0 cancel && test $(completed cancel work) = 2 && test $(completed cancel sum) = 0 && test $(of cancel skip "end[0]") = 1 &&
    grep "the workflow has no tasks \"sum@1\"" cancel/logs/look.0.err && again cancel
'

cat >messages.json <<\END
{ "async-workflow": 1, "iterations": 3, "tasks": {
    "start": { "once": true, "after": [{ "message": "go", "count": 2 }], "script": "true" },
    "tell": { "script": "async-workflow send go {iteration}; async-workflow send part {iteration}" },
    "work": { "after": ["start"], "script": "true" },
    "each": { "once": true, "count": 3, "after": [{ "message": "part", "every": 1 }], "script": "true" } } }
END

test_expect_success 'messages start sets that run once' '
    run 0 messages && test $(completed messages each) = 3 && test $(completed messages work) = 3 && again messages
'

cat >staging.json <<\END
{ "async-workflow": 1, "iterations": 2, "tasks": {
    "make": { "once": true, "stage_out": [{ "from": "model", "to": "shared/model" }], "script": "echo model >{scratch}/model" },
    "work": { "after": ["make"], "count": 2, "stage_in": ["shared/model"],
        "stage_out": [{ "from": "made.{iteration}.{index}", "to": "shared/part.{iteration}.{index}" }],
        "script": "cat {scratch}/model >{scratch}/made.{iteration}.{index}; echo {task} >>{scratch}/made.{iteration}.{index}" },
    "sum": { "once": true, "after": ["work"], "stage_in": [{ "from": "shared/part.*", "to": "parts" }], "script": "cat {scratch}/parts/*" } } }
END

scratch=$(mktemp -d) && at_exit_also="rm -rf $scratch" || exit 1

test_expect_success 'what one writes before the iterations is copied to their tasks, and the reverse' '
    mkdir shared && run 0 staging --scratch "$scratch" &&
    for task in "work@0[0]" model "work@0[1]" model "work@1[0]" model "work@1[1]" model; do echo "$task"; done | sort >expected &&
    sort staging/logs/sum.0.out >actual && test_cmp expected actual && again staging
'

cat >grow.json <<\END
{ "async-workflow": 1, "iterations": 2, "tasks": {
    "get": { "once": true, "count": 2, "script": "true" },
    "work": { "after": ["get"], "script": "test {iteration} = 1 || async-workflow add more.json" },
    "sum": { "once": true, "after": ["work"], "count": 2, "script": "true" } } }
END
cat >more.json <<\END
{ "async-workflow": 1, "tasks": {
    "check": { "once": true, "after": ["get[i]", "work"], "count": 2, "script": "true" },
    "last": { "after": ["sum[i]", "check"], "count": 2, "script": "true" } } }
END

test_expect_success 'a task adds tasks after sets that run once' '
    run 0 grow && test $(completed grow check) = 2 && test $(completed grow last) = 2 && again grow &&
    grep "added  *4 tasks in 2 sets, by tasks" grow.out
'

cat >more-work.json <<\END
{ "async-workflow": 1, "name": "more-work", "iterations": 2, "tasks": {
    "get": { "once": true, "count": 2, "script": "true" },
    "work": { "after": ["get", "work@-1"], "count": 2, "script": "true" },
    "sum": { "once": true, "after": ["work"], "script": "true" },
    "end": { "once": true, "after": ["sum"], "script": "true" } } }
END

test_expect_success 'resumed with more iterations: what comes after them runs again, what came before does not' '
    run 0 more-work && sed "s/\"iterations\": 2/\"iterations\": 4/" more-work.json >most.json &&
    async-workflow run --local --cpus 4 --resume more-work most.json >out 2>err </dev/null &&
    grep "tasks.sum: depends on work: 1 finished task runs again" err &&
    grep "tasks.end: depends on sum: 1 finished task runs again" err &&
    test $(completed more-work get) = 2 && test $(completed more-work work) = 8 &&
    test $(completed more-work sum) = 2 && test $(completed more-work end) = 2 && again more-work
'

test_expect_success 'resumed with a set that is no longer one that runs once: its tasks are others' '
    sed "s/\"end\": { \"once\": true, \"after\": \[\"sum\"\]/\"end\": { \"after\": [\"work\"]/" most.json >other.json &&
    async-workflow run --local --cpus 4 --resume more-work other.json >out 2>err </dev/null &&
    test $(completed more-work get) = 2 && test $(completed more-work end) = 6 && again more-work || { cat out err; false; }
'

test_expect_success 'reports, status and logs name tasks without an iteration' '
    for format in text json html svg trace prometheus wfformat; do
        async-workflow report --format $format --output report.$format until || return 1
    done &&
    grep "  sum  *1  *1  *0 " report.text && grep "^  get\[0\] " report.text &&
    async-workflow status until >status && grep "^sum  *1  *1 " status &&
    async-workflow logs until "get[0]" >out && test "$(cat out)" = got &&
    test_expect_code 2 async-workflow logs until get@0
'

# In the example: 1 task before, 2 of them in each of 9 iterations; "sum" waits for all of these.
test_expect_success 'wfformat has the edges to all iterations' '
    python3 - report.wfformat <<-\END
	import json, sys
	tasks = json.load(open(sys.argv[1]))["workflow"]["specification"]["tasks"]
	get, = (task for task in tasks if task["name"] == "get")
	last, = (task for task in tasks if task["name"] == "sum")
	assert len(get["children"]) == 9 and not get["parents"]
	assert len(last["parents"]) == 18 and not last["children"]
	work = [task for task in tasks if task["name"] == "work"]
	assert sorted(get["children"]) == sorted(task["id"] for task in work)
	assert all(get["id"] in task["parents"] and last["id"] in task["children"] for task in work)
	END
'

test_expect_success 'import reads them' '
    async-workflow import report.wfformat >imported.json && async-workflow check imported.json >out && grep "20 tasks" out
'

test_done
