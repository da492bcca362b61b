#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what a job holds is in its pool, however it was asked for; what its tasks see'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 3 --cores 4 --gpus 4

workflow all.json '"tasks": { "a": { "script": "scontrol show job -d $SLURM_JOB_ID" } }'

# same NAME LINE...: a batch job with these lines has in its pool what Slurm says that it holds
same ()
{
    name=$1
    shift
    cp all.json $name.json
    batch 0 $name "$@" &&
    finished $name 1 &&
    held $name/logs/a.0.out >$name.held &&
    test -s $name.held &&
    pool $name >$name.pool &&
    test_cmp $name.held $name.pool
}

# or_told NAME LINE...: that, or exit status 4 and an error that names two different numbers
or_told ()
{
    same "$@" && return 0
    grep -qx "status 4" $1.log &&
    grep "holds [0-9]* [A-Z].* gave [0-9]*" $1.log
}

test_expect_success '--cpus-per-task and --ntasks-per-node' '
    same tasks --nodes=3 --cpus-per-task=2 --ntasks-per-node=2
'

test_expect_success '--mem-per-cpu and --gpus-per-node' '
    same memory --nodes=2 --mem-per-cpu=100 --gpus-per-node=3
'

test_expect_success 'all of them' '
    same both --nodes=3 --cpus-per-task=2 --ntasks-per-node=1 --mem-per-cpu=10 --gpus-per-node=2
'

test_expect_success '--gpus=N' '
    same gpus5 --nodes=2 --gpus=5 &&
    same gpus6 --nodes=3 --gpus=6 --ntasks=3
'

test_expect_success '--gpus-per-task on uneven nodes' '
    same per-task --nodes=2 --ntasks=4 --gpus-per-task=1
'

test_expect_success 'uneven nodes without GPUs' '
    same uneven --nodes=2 --ntasks=5
'

test_expect_success '--exclusive, with GPUs and without' '
    same exclusive --nodes=2 --exclusive --gpus=2 &&
    or_told exclusive-plain --nodes=2 --exclusive
'

test_expect_success 'a job array, --mem, --hint, --export=NONE' '
    same other --ntasks=3 --mem=200 --hint=nomultithread --export=NONE &&
    cp all.json array.json &&
    printf "#!/bin/sh\nsrun --async-workflow=array.json --async-workflow-dir=array.\$SLURM_ARRAY_TASK_ID\n" >array.sh &&
    sbatch --array=0-1 --ntasks=2 --output=array.%a.log array.sh &&
    wait_for 60 "ended array.0 0 2>/dev/null && ended array.1 0 2>/dev/null" &&
    finished array.0 1 &&
    finished array.1 1
'

test_expect_success 'a task sees its job, its CPUs and its GPUs' '
    workflow env.json "\"tasks\": {
        \"two\": { \"cpus\": 2, \"gpus\": 2, \"script\": \"env\" },
        \"none\": { \"script\": \"env\" },
        \"mine\": { \"environment\": { \"OMP_NUM_THREADS\": \"7\", \"WORD\": \"a b\" }, \"script\": \"env\" } }" &&
    (BROUGHT=along && export BROUGHT && batch 0 env --nodes=1 --ntasks=4 --gpus=3 --job-name=tell) &&
    finished env 3 &&
    grep -qx "SLURM_JOB_ID=$(cat env.id)" env/logs/two.0.out &&
    grep -qx "SLURMD_NODENAME=n1" env/logs/two.0.out &&
    grep -qx "BROUGHT=along" env/logs/two.0.out &&
    grep -qx "OMP_NUM_THREADS=2" env/logs/two.0.out &&
    grep -x "CUDA_VISIBLE_DEVICES=[0-9],[0-9]" env/logs/two.0.out &&
    grep -qx "CUDA_VISIBLE_DEVICES=" env/logs/none.0.out &&
    grep -qx "OMP_NUM_THREADS=1" env/logs/none.0.out &&
    grep -qx "OMP_NUM_THREADS=7" env/logs/mine.0.out &&
    grep -qx "WORD=a b" env/logs/mine.0.out &&
    ! grep "^ASYNC_WORKFLOW_RESTARTED\|SPANK_OPTION" env/logs/*.out
'

test_expect_success 'a demand that no node can meet is reported, status 2, nothing runs' '
    workflow wide.json "\"tasks\": { \"w\": { \"gpus\": 4, \"command\": [\"touch\", \"ran\"] } }" &&
    batch 2 wide --nodes=2 --gpus-per-node=3 &&
    grep -q "tasks.w: a task needs .*4 GPUs on one node" wide.log &&
    ! test -e ran
'

# Each task holds the directories of its GPUs while it runs.
test_expect_success '300 tasks on 12 GPUs of 3 nodes: none is held twice at once, no output is mixed' '
    mkdir held &&
    cat >hold.sh <<-\END &&
	for gpu in $(echo $CUDA_VISIBLE_DEVICES | tr , " "); do
	    mkdir held/$SLURMD_NODENAME.$gpu || exit 1
	done
	for i in 1 2 3 4 5 6 7 8; do echo $ASYNC_WORKFLOW_TASK; done
	for gpu in $(echo $CUDA_VISIBLE_DEVICES | tr , " "); do
	    rmdir held/$SLURMD_NODENAME.$gpu || exit 1
	done
	END
    workflow many.json "\"iterations\": 2, \"tasks\": {
        \"one\": { \"count\": 100, \"command\": [\"sh\", \"hold.sh\"], \"gpus\": 1, \"after\": [\"two@-1\"] },
        \"two\": { \"count\": 50, \"command\": [\"sh\", \"hold.sh\"], \"gpus\": 2, \"after\": [\"three@-1\"] },
        \"three\": { \"command\": [\"sh\", \"hold.sh\"], \"gpus\": 4, \"cpus\": 2, \"after\": [\"one\"] } }" &&
    batch 0 many --nodes=3 --ntasks-per-node=4 --gpus-per-node=4 &&
    finished many 302 &&
    test -z "$(ls held)" &&
    for it in 0 1; do
        for i in 0 7 99; do
            test "$(sort -u many/logs/one@$it.$i.out)" = "one@$it[$i]" &&
            test $(wc -l <many/logs/one@$it.$i.out) = 8 || return 1
        done
    done &&
    test $(ls many/logs/*.out | wc -l) = 302 &&
    test $(cut -d@ -f1 many/logs/two*.out | sort -u) = two
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
