#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='planning again during a run: durations that were wrong, a planner that dies or hangs, tasks that are added'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
replay=$top_builddir/tests/integration/replay

# run DIR FILE [OPTION]...
run ()
{
    dir=$1 file=$2
    shift 2
    timeout 120 async-workflow run --local --cpus 2 --dir "$dir" "$@" "$file" >"$dir.out" 2>"$dir.err" </dev/null ||
        { cat "$dir.out" "$dir.err"; false; }
}

# same DIR: a replay decides the same, without a planner
same () { "$replay" "$1" >replayed && grep "the same" replayed; }

# planner DIR: its process id; there is at most one
planner () { pgrep -f "^/proc/self/exe replan .*$PWD/$1\$"; }
no_planner () { ! planner "$1"; }

# The chain takes far longer than declared. Its first part shows that, so the remainder should begin before the others.
cat >chain.json <<-'END'
	{ "async-workflow": 1, "name": "chain", "iterations": 6, "tasks": {
	    "chain": { "after": ["chain@-1"], "duration": 0.01, "script": "sleep 0.9" },
	    "gate": { "once": true, "duration": 0.6, "script": "sleep 0.6" },
	    "other": { "once": true, "after": ["gate"], "count": 7, "duration": 0.6, "script": "sleep 0.6" } } }
END

test_expect_success 'a run that departs from its plan gets another, with the reason' '
    run again chain.json --plan-evaluations=100 &&
    grep "\"event\":\"plan\",\"order\":\"[^\"]*\",\"reason\":\".*: a new order ends .* earlier\"" again/journal.jsonl &&
    grep "the plan was changed: the run takes .* than was planned: a new order ends .* earlier" again.err &&
    grep "planned again .*: the run takes .* than was planned" again.out &&
    same again
'

test_expect_success 'report, status and explain know when and why' '
    async-workflow status again >out && grep "^planned again at .*: the run takes" out &&
    async-workflow explain again >out && grep "^Planned again .*at .*: the run takes" out &&
    async-workflow status --json again >out && grep "\"reason\":\"the run takes" out &&
    async-workflow report --format json again >out && grep "\"reason\":\"the run takes" out
'

test_expect_success 'a policy that is given, or no time to plan: the order stays' '
    run policy chain.json --policy fifo --plan-evaluations=100 &&
    run none chain.json --plan-time=0 &&
    ! grep "\"reason\":" policy/journal.jsonl none/journal.jsonl
'

# The search takes longer than the run. There is none before it, for a duration is not known.
cat >long.json <<-'END'
	{ "async-workflow": 1, "name": "long", "iterations": 4, "tasks": {
	    "step": { "after": ["step@-1"], "script": "sleep 0.5" },
	    "other": { "count": 100, "duration": 0.2, "script": "sleep 0.02" } } }
END

# begin DIR: in the background, until a planner runs
begin ()
{
    run "$1" long.json --plan-evaluations=65536 &
    pid=$!
    wait_for 60 "planner $1 >planner.pid || test -e $1.out -a ! -d /proc/$pid" && test -s planner.pid
}

test_expect_success 'a planner that is killed each time costs nothing' '
    begin killed &&
    while kill -0 $pid 2>/dev/null; do
        for victim in $(planner killed); do kill -KILL $victim; done
        sleep 0.02
    done &&
    wait $pid &&
    ! grep "\"event\":\"plan\"" killed/journal.jsonl &&
    grep "404 of 404 done" killed.out && no_planner killed && same killed
'

test_expect_success 'a planner that hangs: tasks start as ever, and it does not outlive the run' '
    begin hangs &&
    wait_for 60 "kill -STOP \$(planner hangs)" && # one that was found may have ended
    wait $pid &&
    grep "404 of 404 done" hangs.out && no_planner hangs && same hangs
'

test_expect_success 'a coordinator that is killed takes its planner with it; the resumed run plans' '
    begin dead &&
    pkill -KILL -f "^async-workflow run .*--dir dead" && # its agent, too, which may have ended with it
    { wait $pid; wait_for 30 no_planner dead; } &&
    timeout 120 async-workflow run --local --cpus 2 --resume dead --plan-evaluations=20 >out 2>&1 </dev/null &&
    no_planner dead && same dead
'

test_expect_success 'tasks that are added are planned with' '
    cat >more.json <<-END &&
	{ "async-workflow": 1, "tasks": { "more": { "count": 4, "duration": 0.3, "script": "sleep 0.3" } } }
	END
    sed "s|\"gate\": {|\"grow\": { \"once\": true, \"duration\": 0.1, \"script\": \"async-workflow add more.json\" }, &|" \
        chain.json >grow.json &&
    run grow grow.json --plan-evaluations=100 &&
    grep "19 of 19 done" grow.out && no_planner grow && same grow
'

test_expect_success 'the planner by itself: a directory that is none, and one of a run that has ended' '
    test_expect_code 2 async-workflow replan nowhere 2>err && grep "nowhere: " err &&
    async-workflow replan again --always >out && grep "^cpu " out &&
    ! async-workflow --help | grep replan
'

test_done
