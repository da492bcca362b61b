#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --async-workflow on a terminal: Ctrl-C, Ctrl-Z, bg'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

if ! command -v script >/dev/null || ! command -v bash >/dev/null; then
    skip_all="no script(1) or bash"
    test_done
fi

cluster_start --nodes 1 --cores 4 --gpus 0

workflow long.json "\"tasks\": { \"s\": { \"count\": 4, \"script\": \"echo up; exec sleep $MARK\" } }"
workflow stubborn.json "\"tasks\": { \"s\": { \"count\": 4,
    \"script\": \"trap : TERM; echo up; while :; do sleep $MARK; done\" } }"
workflow gate.json "\"tasks\": { \"m\": { \"count\": 4,
    \"script\": \"echo up; until test -e go; do sleep 0.1; done\" } }"

begun () { wait_for 60 "test \"\$(cat $1/logs/*.out 2>/dev/null | grep -c up)\" -ge $2"; }
none_sleeps () { test "$(sleepers)" = 0; }

# terminal NAME COMMAND: it runs on a terminal of its own; keys go to descriptor 7, $pid is script's
terminal ()
{
    rm -f keys
    mkfifo keys &&
        { $INTERRUPTIBLE script -qefc "exec $2" $1.screen <keys >/dev/null 2>&1 & } &&
        pid=$! &&
        exec 7>keys
}

key () { printf "$1" >&7; }

gone () { ! kill -0 $pid 2>/dev/null; }

# leaves STATUS: the command ends so, within a minute
leaves ()
{
    wait_for 60 gone
    exec 7>&-
    gone || kill -KILL $pid
    test_expect_code $1 wait $pid
}

# how things stand, for a test that fails
show ()
{
    { cat -v $1.screen; ps -e -o pid,ppid,pgid,tpgid,stat,args | grep -v "\]$"; } | sed "s/^/# /" >&5
    false
}

on_screen () { wait_for 30 "grep -qa \"$2\" $1.screen" || { cat -v $1.screen; false; }; }

test_expect_success 'Ctrl-C once: a summary, exit 3' '
    terminal once "srun -n4 --async-workflow=long.json --async-workflow-dir=once" &&
    begun once 4 &&
    key "\003" &&
    leaves 3 &&
    on_screen once "0 of 4" &&
    ended once 3 &&
    test $(events once "\"status\":\"cancelled\"" "\"signal\":15") = 4 &&
    nothing_left && none_sleeps
'

test_expect_success 'Ctrl-C twice kills' '
    (ASYNC_WORKFLOW_GRACE=600 && export ASYNC_WORKFLOW_GRACE &&
        terminal twice "srun -n4 --async-workflow=stubborn.json --async-workflow-dir=twice" &&
        begun twice 4 &&
        key "\003" &&
        wait_for 30 "grep -q \"event\\\":\\\"kill\" twice/journal.jsonl" &&
        sleep 0.3 && # as people do: what comes at once counts once
        key "\003" &&
        leaves 3) &&
    test $(events twice "\"status\":\"cancelled\"" "\"signal\":9") = 4 &&
    nothing_left && none_sleeps
'

test_expect_success 'Ctrl-C while the job is pending: the request is given back' '
    salloc -n4 --no-shell --quiet &&
    terminal pending "srun -n4 --async-workflow=long.json --async-workflow-dir=pending" &&
    on_screen pending "queued and waiting" &&
    key "\003" &&
    leaves 3 &&
    on_screen pending "stopped by SIGINT before the job began" &&
    ! test -e pending &&
    test $(squeue --noheader | wc -l) = 1 &&
    scancel $(squeue --noheader --format=%i) &&
    nothing_left
'

test_expect_success 'Ctrl-Z, bg, and the end of a run in the background' '
    rm -f go &&
    terminal shell "bash --norc --noprofile -i" &&
    key "salloc -n4 --quiet bash --norc --noprofile -i\n" &&
    key "srun --async-workflow=gate.json --async-workflow-dir=bg; echo status \$((\$? + 100))\n" &&
    begun bg 4 &&
    key "\032" &&
    on_screen shell "Stopped" &&
    key "bg\n" &&
    touch go &&
    wait_for 60 "ended bg 0" &&
    key "wait\n" && key "exit\n" && key "exit\n" &&
    wait_for 60 gone && exec 7>&- &&
    finished bg 4 &&
    nothing_left
'

test_expect_success 'Ctrl-Z where salloc is between does nothing: the run goes on' '
    rm -f go &&
    terminal under "srun -n4 --async-workflow=gate.json --async-workflow-dir=under" &&
    begun under 4 &&
    key "\032" &&
    touch go &&
    leaves 0 &&
    finished under 4 &&
    nothing_left
'

test_expect_success 'salloc that is stopped stops srun; fg continues both' '
    rm -f go &&
    terminal job "bash --norc --noprofile -i" &&
    key "srun -n4 --async-workflow=gate.json --async-workflow-dir=job; echo status \$((\$? + 100))\n" &&
    begun job 4 &&
    srun=$(pgrep -P $(pgrep -P $pid)) &&
    kill -STOP $(pgrep -P $srun) &&
    on_screen job "Stopped" &&
    key "fg\n" &&
    { wait_for 30 "grep -q \"^State:.S\" /proc/$srun/status" || show job; } &&
    touch go &&
    { wait_for 60 "ended job 0" || show job; } &&
    { wait_for 30 "! kill -0 $srun" || show job; } &&
    key "exit\n" &&
    { wait_for 60 gone || show job; } && exec 7>&- &&
    finished job 4 &&
    nothing_left
'

test_done
