#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='run --resume: a run goes on, whatever ended it'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH
step=${AW_CUT_STEP:-61} # bytes between two places where the journal is cut; 1: at each

# Each task that ends well writes a line to `ran`. While the file hold is there, no task b ends.
cat >flow.json <<\END
{ "async-workflow": 1, "tasks": {
    "a": { "count": 3, "script": "echo {task} >>\"{run}/ran\"" },
    "b": { "after": ["a[i]"], "count": 3, "script": "sleep 0.2; while test -e hold; do sleep 0.05; done; echo {task} >>\"{run}/ran\"" },
    "c": { "after": ["b"], "script": "test ! -e \"{run}/bad\" && echo {task} >>\"{run}/ran\"" } } }
END
printf '%s\n' 'a[0]' 'a[1]' 'a[2]' 'b[0]' 'b[1]' 'b[2]' 'c[0]' >all

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1"; }

# run STATUS NAME OPTION...: output in NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    rm -f hold
    test_expect_code "$want" async-workflow run --local --cpus 2 "$@" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

# background NAME OPTION...: the same in the background, $! is its process
background ()
{
    name=$1
    shift
    $INTERRUPTIBLE async-workflow run --local --cpus 2 "$@" >"$name.out" 2>"$name.err" </dev/null &
}

# hold NAME: starts a run in this directory, which does not end by itself until a next one starts. All tasks find a CPU.
hold () { : >hold && background "$1" --cpus 4 --dir "$1" flow.json; }

# underway NAME: waits until some task b has started, and all tasks a have ended: one that is interrupted would run again
underway () { wait_for 60 "grep -qs \"start.*b.0\" $1/journal.jsonl && test \$(grep -c \"finish.*a.\" $1/journal.jsonl) = 3"; }

# tasks_gone NAME: waits until none of this directory runs
tasks_gone () { wait_for 60 "! pgrep -f \"$PWD/$1/ran\" >/dev/null"; }

# events DIR WORD: lines of the journal with it
events () { grep -cF -- "$2" "$1/journal.jsonl"; }

# done_once DIR: every task has run, none twice
done_once () { sort "$1/ran" >"$1.ran" && test_cmp all "$1.ran"; }

# completed_once DIR: by the journal
completed_once ()
{
    grep '"status":"completed"' "$1/journal.jsonl" | sed 's/.*"task":"\([^"]*\)".*/\1/' | sort >"$1.completed" &&
        test_cmp all "$1.completed"
}

test_expect_success 'which directory?' '
    run 2 missing --resume missing && grep -q "missing: No such file or directory" missing.err &&
    mkdir empty && run 2 empty --resume empty && grep -q "empty: not a run directory: workflow.json is missing" empty.err &&
    run 2 both --resume empty --dir other && grep -q -- "--dir: has no effect with --resume" both.err &&
    ASYNC_WORKFLOW_DIR=other run 2 both --resume empty && grep -q "not a run directory" both.err
'

# Permissions count for root, too.
limited=
test "$(id -u)" != 0 || limited='setpriv --bounding-set=-dac_override,-dac_read_search'

test_expect_success 'a journal that is missing or cannot be read is not a run that has not begun' '
    workflow once.json "\"tasks\": { \"a\": { \"script\": \"echo >>ran.once\" } }" &&
    run 0 once --dir once once.json && mv once/journal.jsonl kept &&
    run 2 once --resume once && grep -q "once/journal.jsonl: missing, but tasks have been started" once.err &&
    chmod u-r once/logs &&
    test_expect_code 2 $limited async-workflow run --local --resume once 2>once.err &&
    grep -q "once/journal.jsonl: missing, but tasks have been started" once.err && chmod u+r once/logs &&
    mv kept once/journal.jsonl && chmod u-r once/journal.jsonl &&
    test_expect_code 2 $limited async-workflow run --local --resume once 2>once.err &&
    grep -q "once/journal.jsonl: cannot be read: Permission denied" once.err && chmod u+r once/journal.jsonl &&
    run 0 once --resume once && test $(wc -l <ran.once) = 1
'

test_expect_success 'a run that had not begun starts from the beginning' '
    : >once/journal.jsonl && run 0 once --resume once && grep -q "the run had not begun" once.err &&
    test $(wc -l <ran.once) = 2 &&
    rm -r once/logs once/journal.jsonl && mkdir once/logs && run 0 once --resume once && test $(wc -l <ran.once) = 3
'

test_expect_success 'the coordinator is killed: what was done stays, what ran runs again' '
    hold killed &&
    underway killed && kill -KILL $! && { wait $! 2>/dev/null; true; } &&
    tasks_gone killed && run 0 killed.2 --resume killed &&
    grep -q "killed: resuming: [0-9] of 7 tasks are done; [1-3] interrupted task" killed.2.err &&
    done_once killed && completed_once killed && test $(events killed "\"event\":\"resume\"") = 1 &&
    replay killed && async-workflow report killed | grep -q "resumed" &&
    async-workflow status killed | grep -q "7 of 7 tasks done"
'

test_expect_success 'a complete run has nothing left' '
    cp killed/journal.jsonl before && run 0 whole --resume killed &&
    grep -q "all tasks are done" whole.err && test_cmp before killed/journal.jsonl &&
    run 0 whole --resume killed flow.json && test_cmp before killed/journal.jsonl
'

test_expect_success 'no file is left that tells of a coordinator' '
    test ! -e killed/coordinator && test -z "$(ls -d killed/.partial.* 2>/dev/null)" && test ! -e killed/workflow.next.json
'

test_expect_success 'two coordinators on one directory: the second is refused' '
    workflow long.json "\"tasks\": { \"a\": { \"script\": \"test -e \\\"{run}/go\\\" || sleep 600\" } }" &&
    background two --dir two long.json && first=$! &&
    wait_for 60 "grep -qs start two/journal.jsonl" &&
    cp two/journal.jsonl before &&
    run 2 second --resume two &&
    grep -q "another coordinator runs it: process $first on" second.err &&
    test_cmp before two/journal.jsonl && kill -KILL $first && { wait $first 2>/dev/null; touch two/go; } &&
    run 0 second --resume two && test $(events two "\"attempt\":1") -ge 1
'

test_expect_success 'what a coordinator on another node wrote: it is given time to show that it lives' '
    run 0 far --dir far flow.json && sed -i "/\"end\"/d; /c.0/d" far/journal.jsonl && rm far/ran && touch beats &&
    mark () { printf "{\"host\":\"elsewhere\",\"boot\":\"x\",\"pid\":1,\"start\":1,\"job\":\"7\",\"nonce\":\"n\",\"beat\":%d}\n" "$1" >mark && mv mark far/coordinator; } &&
    mark 1 && { (n=1; while test -e beats; do sleep 0.2; n=$((n + 1)); mark $n; done) & } &&
    run 2 far --resume far && grep -q "another coordinator runs it: process 1 on elsewhere, job 7" far.err &&
    rm beats && wait &&
    run 0 far --resume far && grep -q "waiting 15 s to see whether it still runs" far.err &&
    test "$(cat far/ran)" = "c[0]"
'

test_expect_success 'a task that failed, and one that was skipped, get another chance' '
    sed "s/\"c\": {/\"c\": { \"on_failure\": \"skip\",/; s/} } }/}, \"d\": { \"after\": [\"c\"], \"command\": [\"true\"] } } }/" flow.json >skip.json &&
    : >hold && background bad --dir bad skip.json && wait_for 60 "test -e bad/logs" && touch bad/bad && rm hold && { wait $!; test $? = 1; } &&
    run 1 bad --resume bad && rm bad/bad && run 0 bad --resume bad && replay bad &&
    test $(events bad "\"event\":\"resume\"") = 2 && done_once bad &&
    test "$(grep -c "\"event\":\"start\",\"task\":\"c\[0\]\"" bad/journal.jsonl)" = 3
'

test_expect_success 'a stopped run goes on' '
    hold stopped &&
    underway stopped && kill -INT $! && { wait $!; test $? = 3; } &&
    run 0 stopped.2 --resume stopped && done_once stopped && replay stopped
'

test_expect_success 'the agent is killed' '
    hold agent &&
    underway agent &&
    kill -KILL $(pgrep -P $(pgrep -P $! -x aw-supervisor) | head -n 1) && { wait $!; test $? = 4; } &&
    tasks_gone agent &&
    run 0 agent --resume agent && completed_once agent
'

# A run that needs no time, to be cut.
sed 's/sleep 0.2; .*done; //' flow.json >fast.json

# whole_lines: those that end in a newline
whole_lines () { while IFS= read -r line; do printf '%s\n' "$line"; done; }

# cut_at N: cut, a copy of `whole` as it was when its journal had N bytes, goes on and is as it should be
cut_at ()
{
    rm -rf cut && cp -r whole cut && head -c "$1" whole/journal.jsonl >cut/journal.jsonl && rm cut/ran &&
        whole_lines <cut/journal.jsonl | sed -n "s/.*\"task\":\"\([^\"]*\)\".*\"status\":\"completed\".*/\1/p" | sort >had &&
        run 0 cut.run --progress none --resume cut &&
        { touch cut/ran && sort cut/ran had >have && test_cmp all have && completed_once cut; }
}

test_expect_success "a journal cut anywhere (every $step bytes): complete, and nothing runs again" '
    run 0 whole --dir whole fast.json && size=$(stat -c %s whole/journal.jsonl) && n=0 &&
    while test $n -le $size; do
        cut_at $n || { echo "cut at $n"; return 1; }
        n=$((n + step))
    done &&
    rm -r cut/logs cut/journal.jsonl cut/ran && mkdir cut/logs && run 0 cut --resume cut && done_once cut
'

test_expect_success 'the torn last line is cut off, and this is said' '
    rm -rf torn && cp -r whole torn && head -c 900 whole/journal.jsonl >torn/journal.jsonl &&
    left=$(tail -n 1 torn/journal.jsonl | wc -c) && run 0 torn --resume torn &&
    grep -q "journal.jsonl: the last line was incomplete: $left bytes removed" torn.err &&
    async-workflow report torn >/dev/null && replay torn
'

test_expect_success 'garbage within the journal: refused in one line that says where, and nothing is changed' '
    for line in 1 3 7; do
        rm -rf garbage && cp -r whole garbage && sed -i "${line}s/\"/\\\\/" garbage/journal.jsonl &&
        cp garbage/journal.jsonl before && run 2 garbage --resume garbage &&
        test $(wc -l <garbage.err) = 1 && grep -q "garbage/journal.jsonl: line $line: " garbage.err &&
        test_cmp before garbage/journal.jsonl && test -z "$(cat garbage.out)" || return 1
    done
'

test_expect_success 'a full disk: told, the run stops, what was on disk stays' '
    workflow many.json "\"tasks\": { \"a\": { \"count\": 60, \"command\": [\"true\"] } }" &&
    (trap "" XFSZ; ulimit -f 16; run 3 full --dir full many.json) &&
    grep -q "journal.jsonl: File too large: nothing more starts" full.err &&
    run 0 full.2 --resume full && had=$(sed -n "s/.*full: resuming: \([0-9]*\) of 60 .*/\1/p" full.2.err) &&
    test $had -gt 5 && test $had -lt 60 &&
    test $(events full "\"status\":\"completed\"") = 60
'

# changed NAME SED WANT: the workflow of a copy of `whole` is changed so, these tasks run again
changed ()
{
    rm -rf "$1" && cp -r whole "$1" && rm "$1/ran" && sed "$2" fast.json >"$1.json" &&
        run 0 "$1" --resume "$1" "$1.json" && touch "$1/ran" && test "$(sort "$1/ran" | tr "\n" " ")" = "$3" &&
        cmp "$1.json" "$1/workflow.json" && async-workflow report "$1" >/dev/null &&
        run 0 "$1.2" --resume "$1" && grep -q "all tasks are done" "$1.2.err"
}

test_expect_success 'a changed workflow: what was changed, and what comes after it, runs again, and this is said before' '
    changed command "s/\"b\": {/&\"environment\": { \"X\": \"1\" }, /" "b[0] b[1] b[2] c[0] " &&
    grep -q "tasks.b: \"environment\" has changed: 3 finished tasks run again" command.err &&
    grep -q "tasks.c: depends on b: 1 finished task runs again" command.err &&
    ! grep -qF "tasks.a:" command.err &&
    changed retries "s/\"b\": {/&\"retries\": 3, \"time_limit\": 60, \"mem\": \"1M\", \"duration\": 4, /" "" &&
    changed count "s/\"count\": 3/\"count\": 4/" "a[3] b[3] c[0] " &&
    grep -q "tasks.a: now 4 tasks instead of 3" count.err && grep -q "tasks.c: depends on b" count.err &&
    changed fewer "s/\"count\": 3/\"count\": 2/" "c[0] " &&
    changed removed "s/\"after\": \[\"a\[i\]\"\], //; /\"a\": {/d" "b[0] b[1] b[2] c[0] " &&
    grep -q "tasks.a: removed" removed.err &&
    changed added "s/\"c\": {/\"x\": { \"script\": \"echo {task} >>\\\\\"{run}\/ran\\\\\"\" }, &/" "x[0] " &&
    grep -q "tasks.x: new" added.err
'

test_expect_success '--test-only says it, too, and changes nothing' '
    sed "s/\"b\": {/&\"environment\": { \"X\": \"1\" }, /" fast.json >only.json && cp whole/journal.jsonl before &&
    run 0 only --test-only --resume whole only.json &&
    grep "tasks.b: \"environment\" has changed: 3 finished tasks run again" only.err &&
    grep "tasks.c: depends on b: 1 finished task runs again" only.err &&
    grep "whole: resuming: 3 of 7 tasks are done" only.err &&
    test_cmp before whole/journal.jsonl && cmp fast.json whole/workflow.json
'

test_expect_success 'a changed workflow with mistakes changes nothing' '
    cp whole/journal.jsonl before && sed "s/\"after\"/\"aftre\"/" fast.json >wrong.json &&
    run 2 wrong --resume whole wrong.json && grep -q "did you mean \"after\"" wrong.err &&
    test_cmp before whole/journal.jsonl && cmp fast.json whole/workflow.json
'

test_expect_success 'killed between the journal and the change of the workflow' '
    rm -rf between && cp -r command between && cp whole/workflow.json between/ &&
    cp command/workflow.json between/workflow.next.json && sed -i "/\"end\"/d; /c.0.*\"attempt\":1/d" between/journal.jsonl &&
    run 0 between --resume between && cmp command/workflow.json between/workflow.json &&
    test ! -e between/workflow.next.json &&
    rm -rf before.d && cp -r whole before.d && cp command/workflow.json before.d/workflow.next.json &&
    run 0 between --resume before.d && cmp whole/workflow.json before.d/workflow.json && test ! -e before.d/workflow.next.json
'

test_expect_success 'a changed workflow that cannot be read is not removed, and nothing runs' '
    rm -rf unread && cp -r command unread && cp whole/workflow.json unread/ && sed -i "/\"end\"/d" unread/journal.jsonl &&
    mkdir unread/workflow.next.json && cp unread/journal.jsonl before &&
    run 2 unread --resume unread && grep -q "unread/workflow.next.json: is a directory" unread.err &&
    test -d unread/workflow.next.json && test_cmp before unread/journal.jsonl
'

test_expect_success 'what is left can be asked for without running it' '
    cp whole/journal.jsonl before && sed "s/\"b\": {/&\"environment\": { \"X\": \"2\" }, /" fast.json >ask.json &&
    run 0 ask --test-only --resume whole ask.json && grep -q "3 of 7 tasks are done" ask.err &&
    test_cmp before whole/journal.jsonl && cmp fast.json whole/workflow.json
'

test_expect_success 'many deaths in a row' '
    rm -rf deaths && background deaths --dir deaths flow.json && n=0 &&
    while test $n -lt 12; do
        sleep 0.0$n && kill -KILL $! && { wait $! 2>/dev/null; n=$((n + 1)); } &&
        { test -e deaths/workflow.json || { rm -rf deaths; background deaths --dir deaths flow.json; continue; }; } &&
        background deaths --resume deaths || return 1
    done &&
    wait $! && completed_once deaths && replay deaths
'

test_done
