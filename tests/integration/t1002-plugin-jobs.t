#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The plugin in jobs of salloc and sbatch, with a stub for the coordinator'

. "$(dirname "$0")/lib.sh"

STUB=$top_srcdir/tests/integration/stub-coordinator
cluster_start --nodes 4 --command "$STUB"

STUB_OUT=$PWD/told
export STUB_OUT

words ()
{
    printf '%s\n' "$@" >expected &&
    sed -n 's/^word //p' "$STUB_OUT" >actual &&
    test_cmp expected actual
}

# batch NAME [LINE]...: a batch script of these #SBATCH lines, whose one command it is to run the
# workflow. What srun says must be nothing, not even a warning. (sbatch --wait would poll slowly.)
batch ()
{
    name=$1
    shift
    {
        echo '#!/bin/sh'
        for line; do
            echo "#SBATCH $line"
        done
        echo 'srun --async-workflow=f.json'
        echo 'echo "status $?"'
    } >"$name.sh"
    rm -f "$STUB_OUT" "$name.out"
    sbatch --output="$name.out" "$name.sh" >/dev/null &&
    wait_for 30 "grep -qs ^status \"$name.out\"" &&
    words run f.json -- &&
    grep -q '^environment SLURM_JOB_ID=' "$STUB_OUT" &&
    echo 'status 0' >expected &&
    test_cmp expected "$name.out"
}

test_expect_success 'inside salloc' '
    salloc --nodes=2 --quiet srun --async-workflow=f &&
    words run f -- &&
    grep -q "^environment SLURM_JOB_ID=" told &&
    grep -qx "environment SLURM_JOB_NUM_NODES=2" told
'

test_expect_success 'inside the shell of salloc' '
    echo "srun --async-workflow=f --overlap; echo status \$?" |
        salloc --nodes=2 --quiet sh >output &&
    words run f -- --overlap &&
    echo "status 0" >expected &&
    test_cmp expected output
'

test_expect_success 'inside a batch script' '
    batch plain --nodes=4
'

test_expect_success 'with --cpus-per-task and --ntasks-per-node' '
    batch tasks --nodes=4 --cpus-per-task=3 --ntasks-per-node=2
'

test_expect_success 'with --mem-per-cpu and --gpus-per-node' '
    batch memory --nodes=4 --mem-per-cpu=100 --gpus-per-node=2
'

test_expect_success 'with all of them' '
    batch all --nodes=3 --cpus-per-task=2 --ntasks-per-node=2 --mem-per-cpu=10 --gpus-per-node=4
'

test_expect_success 'with --gpus=N, --gpus-per-task, --mem-per-gpu, --exclusive' '
    batch gpus --nodes=2 --gpus=3 &&
    batch per-task --ntasks=4 --gpus-per-task=1 &&
    batch per-gpu --nodes=2 --gpus-per-node=2 --mem-per-gpu=100 &&
    batch exclusive --nodes=2 --exclusive --gpus=2
'

test_expect_success 'with -n and a hint, a constraint on threads and a memory limit' '
    batch other --ntasks=5 --hint=nomultithread --mem=200 &&
    batch threads --ntasks=4 --threads-per-core=1 --distribution=cyclic
'

test_expect_success 'an option variable given to sbatch is ignored in the job' '
    cat >plant.sh <<-\END &&
	#!/bin/sh
	srun -n1 echo plain
	echo end
	END
    rm -f told &&
    SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow=f \
        sbatch --output=plant.out plant.sh &&
    wait_for 30 "grep -qs end plant.out" &&
    printf "plain\nend\n" >expected &&
    test_cmp expected plant.out &&
    ! test -e told
'

test_expect_success 'inside a step' '
    srun --nodes=1 --ntasks=1 --cpus-per-task=4 srun --overlap --async-workflow=f &&
    words run f -- --overlap
'

test_expect_success 'the daemons have nothing to say of the plugin' '
    ! grep -i "async.workflow.*\(error\|fail\)\|\(error\|fail\).*async.workflow" \
        "$CLUSTER_DIR"/log/*.log
'

test_expect_success 'nothing is left' '
    wait_for 60 "test -z \"\$(squeue --noheader)\"" &&
    no_process_left
'

test_done
