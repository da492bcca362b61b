#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='runs that are stopped: by signals, by scancel, by the time limit'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 0

workflow long.json "\"tasks\": { \"s\": { \"count\": 6, \"cpus\": 2,
    \"script\": \"echo up; exec sleep $MARK\" } }"
workflow stubborn.json "\"tasks\": { \"s\": { \"count\": 6, \"cpus\": 2,
    \"script\": \"trap : TERM; echo up; while :; do sleep $MARK; done\" } }"

# begun DIR N: so many of its tasks are up
begun () { wait_for 60 "test \"\$(cat $1/logs/*.out 2>/dev/null | grep -c up)\" -ge $2"; }

none_sleeps () { test "$(sleepers)" = 0; }

# stopped DIR: the journal tells of a stop, and no task has been at fault
stopped ()
{
    grep -q '"event":"stop"' $1/journal.jsonl &&
        test "$(events $1 '"event":"finish"' '"status":"failed"')" = 0
}

# told SIGNAL STATUS NAME SRUN-OPTION...: one signal to the coordinator, which salloc has started, ends it so
told ()
{
    signal=$1 want=$2 name=$3
    shift 3
    srun -n8 --async-workflow-dir=$name "$@" >$name.out 2>$name.err </dev/null &
    pid=$!
    begun $name 4 &&
    kill -$signal $(coordinator_of $pid) &&
    test_expect_code $want wait $pid || { cat $name.out $name.err; return 1; }
}

test_expect_success 'SIGINT, SIGTERM or SIGHUP to the coordinator: a summary, exit 3' '
    for signal in INT TERM HUP; do
        told $signal 3 one-$signal --async-workflow=long.json &&
        stopped one-$signal && ended one-$signal 3 &&
        grep -q "stopped with 0 of 6 done\|0 of 6 tasks done" one-$signal.out &&
        test $(events one-$signal "\"status\":\"cancelled\"" "\"signal\":15") = 4 &&
        wait_for 60 none_sleeps || return 1
    done &&
    nothing_left
'

test_expect_success 'SIGTERM to srun, or to its whole process group, is told to the coordinator once' '
    for target in "" -; do
        name=srun$target &&
        { setsid srun -n8 --async-workflow=long.json --async-workflow-dir=$name >$name.out 2>$name.err </dev/null & } &&
        pid=$! &&
        begun $name 4 &&
        kill -TERM $target$pid &&
        test_expect_code 3 wait $pid &&
        stopped $name && ended $name 3 &&
        test $(events $name "\"event\":\"stop\"") = 1 &&
        test $(events $name "\"status\":\"cancelled\"" "\"signal\":15") = 4 &&
        nothing_left && none_sleeps || { cat $name.out $name.err; return 1; }
    done
'

test_expect_success 'a coordinator that is killed: exit 4, and how to go on' '
    { srun -n8 --async-workflow=long.json --async-workflow-dir=killed >killed.out 2>killed.err </dev/null & } &&
    pid=$! &&
    begun killed 4 &&
    kill -KILL $(coordinator_of $pid) &&
    test_expect_code 4 wait $pid &&
    test $(grep -c "run: the coordinator was killed: .*--resume=.*/killed\$" killed.err) = 1 ||
        { cat killed.err; false; } &&
    nothing_left && wait_for 60 none_sleeps
'

test_expect_success 'srun that is killed takes the run with it' '
    { srun -n8 --async-workflow=long.json --async-workflow-dir=outermost >outermost.out 2>&1 </dev/null & } &&
    pid=$! &&
    begun outermost 4 &&
    kill -KILL $pid &&
    wait_for 60 "ended outermost 3" &&
    nothing_left && wait_for 60 none_sleeps
'

test_expect_success 'SIGTERM while the job is pending: exit 3' '
    salloc -n8 --no-shell --quiet &&
    { srun -n8 --async-workflow=long.json --async-workflow-dir=wait >wait.out 2>wait.err </dev/null & } &&
    pid=$! &&
    wait_for 30 "grep -q queued wait.err" &&
    kill -TERM $pid &&
    test_expect_code 3 wait $pid &&
    grep -q "run: stopped by SIGTERM before the job began" wait.err &&
    ! test -e wait &&
    scancel $(squeue --noheader --format=%i) &&
    nothing_left
'

test_expect_success 'tasks that do not care for SIGTERM are killed after --grace' '
    (ASYNC_WORKFLOW_GRACE=0.5 && export ASYNC_WORKFLOW_GRACE &&
        told INT 3 grace --async-workflow=stubborn.json) &&
    test $(events grace "\"status\":\"cancelled\"" "\"signal\":9") = 4 &&
    nothing_left
'

# A batch script of which the shell stays alive, as far as it can.
batch_long ()
{
    {
        echo '#!/bin/bash'
        echo 'trap : TERM'
        echo "srun --async-workflow=$2.json --async-workflow-dir=$1 &"
        echo 'wait; wait $!; echo "status $?"'
    } >$1.sh
    shift 2
    sbatch --parsable -n8 --output=$name.log "$@" $name.sh >$name.id && begun $name 4
}

test_expect_success 'scancel ends tasks and agents; the journal tells that it was stopped' '
    name=cancel &&
    batch_long cancel long &&
    scancel $(cat cancel.id) &&
    nothing_left && none_sleeps &&
    wait_for 60 "stopped cancel" || { cat cancel.log cancel/journal.jsonl; false; }
'

test_expect_success 'so it is where they do not care for SIGTERM' '
    name=cancel2 &&
    batch_long cancel2 stubborn &&
    scancel $(cat cancel2.id) &&
    nothing_left && none_sleeps &&
    grep -q "\"event\":\"stop\"" cancel2/journal.jsonl
'

test_expect_success 'scancel with the coordinator outside the job: through salloc, exit 3' '
    srun -n8 --async-workflow=long.json --async-workflow-dir=outer >outer.out 2>outer.err </dev/null &
    pid=$! &&
    begun outer 4 &&
    scancel $(sed -n "s/.*\"job\":\"\([0-9]*\)\".*/\1/p" outer/journal.jsonl) &&
    test_expect_code 3 wait $pid &&
    stopped outer && ended outer 3 &&
    grep -q "0 of 6" outer.out &&
    nothing_left && none_sleeps
'

# Nobody tells this coordinator but the agents: its job is another one than where it runs.
test_expect_success 'agents alone are told: exit 3' '
    salloc -n8 --no-shell --quiet &&
    job=$(squeue --noheader --format=%i) &&
    { srun --jobid=$job --async-workflow=long.json --async-workflow-dir=apart >apart.out 2>apart.err </dev/null & } &&
    pid=$! &&
    begun apart 4 &&
    scancel $(squeue --noheader --format=%i) &&
    test_expect_code 3 wait $pid || { cat apart.out apart.err apart/journal.jsonl; false; } &&
    stopped apart && ended apart 3 &&
    why=$(sed -n "s/^async-workflow: stopping: \(the nodes leave: \)\{0,1\}//p" apart.err) &&
    case $why in # whichever the coordinator hears first
    "SIGTERM, by scancel or at the job"?"s time limit" | "Slurm ends the job (its state is CANCELLED)") ;;
    *) cat apart.err; false ;;
    esac &&
    { grep -qF " done ($why)" apart.out || { cat apart.out; false; }; } &&
    { async-workflow explain apart >why && grep -qF ": stopped ($why), " why || { cat why; false; }; } &&
    nothing_left && none_sleeps
'

test_expect_success 'SIGTERM to one agent alone: its node leaves, its tasks run elsewhere' '
    workflow move.json "\"tasks\": { \"m\": { \"count\": 4, \"cpus\": 2,
        \"script\": \"echo up; until test -e go; do sleep 0.1; done\" } }" &&
    { srun -n8 --async-workflow=move.json --async-workflow-dir=move >move.out 2>move.err </dev/null & } &&
    pid=$! &&
    begun move 4 &&
    kill -TERM $(agent_of n1) &&
    wait_for 30 "test \$(events move node_lost) = 1" &&
    touch go &&
    wait $pid &&
    finished move 4 &&
    test $(events move "\"status\":\"node_fail\"") = 2 &&
    nothing_left
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
