#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='Outside an allocation: srun --async-workflow gets one through salloc'
. "$(dirname "$0")/lib.sh"

if ! test -e "$top_builddir/plugin/.libs/async_workflow.so"; then
    skip_all="the plugin is not built"
    test_done
fi
cluster_start --nodes 2 --conf 'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE' \
    --conf 'KillWait=2'

run ()
{
    timeout 60 srun "$@"
}

# workflow NAME SCRIPT [MEMBERS]: NAME.json, with one task.
workflow ()
{
    printf '{ "async-workflow": 1, "name": "%s", "tasks": { "a": { "script": "%s"%s } } }\n' \
        "$1" "$2" "$3" >"$1.json"
}

no_job ()
{
    test -z "$(squeue --noheader)"
}

test_expect_success 'all that the options ask for is in the pool' '
    workflow all "squeue -h -o \\\"%j %C %D\\\"" ", \"count\": 2, \"cpus\": 16, \"gpus\": 2" &&
    run -n8 -c4 --gpus-per-node=2 --async-workflow=all.json >out 2>err &&
    grep "32 on 2 nodes" out &&
    grep -rh "^all 32 2$" all-*/logs
'

test_expect_success 'the exit status is handed on: a task fails' '
    workflow fails "exit 7" &&
    test_expect_code 1 run -n1 --async-workflow=fails.json
'

test_expect_success 'the exit status when there is no allocation to be had' '
    test_expect_code 4 run -p nowhere --async-workflow=all.json 2>err &&
    grep "salloc: error: invalid partition" err
'

test_expect_success 'an option that has no place here is refused before anything is asked for' '
    test_expect_code 2 run -n1 --output=x --async-workflow=all.json 2>err &&
    grep "async-workflow: --output: cannot be given with a workflow" err &&
    test_must_fail grep salloc err
'

test_expect_success 'a run directory that cannot be made is refused before anything is asked for' '
    mkdir there &&
    for dir in there none/run; do
        test_expect_code 2 run -n1 --async-workflow=all.json --async-workflow-dir=$dir 2>err &&
        grep "^async-workflow: $dir: " err && test $(wc -l <err) = 1 || return 1
    done
'

test_expect_success 'the name of the job; variables that srun reads' '
    workflow name "squeue -h -o \\\"%j %C\\\"" &&
    run -J mine --async-workflow=name.json --async-workflow-dir=first &&
    grep -rh "^mine 1$" first/logs &&
    SLURM_NTASKS=3 SLURM_CPUS_PER_TASK=2 SALLOC_PARTITION=nowhere \
        run --async-workflow=name.json --async-workflow-dir=second &&
    grep -rh "^name 6$" second/logs &&
    SLURM_PARTITION=nowhere test_expect_code 4 run --async-workflow=name.json
'

test_expect_success 'stdin is left to the caller' '
    printf "one\ntwo\n" >expected &&
    (
        run --async-workflow=name.json --async-workflow-dir=third >/dev/null &&
        cat >rest
    ) <expected &&
    test_cmp expected rest
'

test_expect_success 'another job by --jobid' '
    sbatch --parsable --nodes=2 --exclusive --output=/dev/null --wrap "sleep 1000" >id &&
    wait_for 60 "test \$(squeue -h -o %T) = RUNNING" &&
    run --jobid=$(cat id) --overlap -N1 --async-workflow=name.json --async-workflow-dir=fourth \
        >out 2>err &&
    grep "16 on 1 node" out &&
    scancel $(cat id) &&
    wait_for 60 no_job
'

test_expect_success 'Ctrl-C while the allocation is waited for' '
    sbatch --parsable --nodes=2 --exclusive --output=/dev/null --wrap "sleep 1000" >id &&
    wait_for 60 "test \$(squeue -h -o %T) = RUNNING" &&
    { $INTERRUPTIBLE srun -n1 --async-workflow=name.json >out 2>err & } &&
    pid=$! &&
    wait_for 60 "squeue -h -o %T | grep PENDING" &&
    kill -INT $pid &&
    test_expect_code 3 wait $pid &&
    scancel $(cat id) &&
    wait_for 60 no_job
'

test_expect_success 'scancel ends everything' '
    workflow long "touch has_begun; exec sleep 1000" &&
    { run -N2 --async-workflow=long.json --async-workflow-dir=fifth >out 2>err & } &&
    pid=$! &&
    wait_for 60 "test -e has_begun" &&
    scancel $(squeue -h -o %i) &&
    test_expect_code 3 wait $pid &&
    wait_for 60 no_job &&
    no_process_left
'

test_expect_success 'Ctrl-C without a terminal on stdin ends everything' '
    rm -f has_begun &&
    { $INTERRUPTIBLE srun -N2 --async-workflow=long.json --async-workflow-dir=sixth >out 2>err </dev/null & } &&
    pid=$! &&
    wait_for 60 "test -e has_begun" &&
    kill -INT $pid &&
    test_expect_code 3 wait $pid &&
    wait_for 60 no_job &&
    no_process_left
'

if command -v script >/dev/null; then
    test_set_prereq SCRIPT
fi

# on_terminal DIRECTORY KEYS: types KEYS while a long workflow runs on a terminal of its own.
on_terminal ()
{
    rm -f has_begun keys &&
    mkfifo keys &&
    { timeout 60 script --quiet --return --flush --command \
        "srun -N2 --async-workflow=long.json --async-workflow-dir=$1" typescript \
        <keys >/dev/null & } &&
    pid=$! &&
    exec 8>keys &&
    wait_for 60 "test -e has_begun" &&
    printf "$2" >&8 &&
    test_expect_code 3 wait $pid &&
    exec 8>&- &&
    wait_for 60 no_job &&
    no_process_left
}

test_expect_success SCRIPT 'Ctrl-C on a terminal' '
    on_terminal seventh "\003"
'

# salloc ignores it: were its command to stop, the shell would not get the terminal back.
test_expect_success SCRIPT 'Ctrl-Z on a terminal has no effect, Ctrl-C still has' '
    on_terminal eighth "\032\003"
'

test_done
