#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what tasks see of Slurm, and mpirun, srun and sbatch inside them'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 2

PATH=$top_builddir/helpers:$PATH
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export PATH OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
# That of Debian 13 crashes in every job of Slurm, and that of sid starts nothing: without us, too.
printf '#!/bin/sh\nmpirun.openmpi -n 4 true\n' >openmpi.sh
sbatch --wait --quiet -N1 -n4 -o /dev/null openmpi.sh && test_set_prereq OPENMPI
command -v mpiexec.hydra >/dev/null && test_set_prereq MPICH

# described FILE: Slurm's variables in it, without what makes a process a rank, and without what
# differs from job to job
described ()
{
    sed -n '/^SLURM_/p' "$1" | sed -E '/^SLURM_(PROCID|LOCALID|NODEID|GTIDS|NTASKS|NPROCS|TASK_PID|PRIO_PROCESS|STEP_?ID)=/d
        /^SLURM_(MEM_PER_[A-Z]*|OVERLAP|SCRIPT_CONTEXT|WORKING_CLUSTER|OOM_KILL_STEP|TRES_PER_TASK|SUBMIT_[A-Z]*|TOPOLOGY_[A-Z_]*|JOB_EXCLUSIVE|JOB_GROUP)=/d
        s/^(SLURM_(JOB_ID|JOBID|JOB_SLUID|JOB_NAME|JOB_START_TIME|JOB_END_TIME))=.*/\1/
        s/=n[12]$/=NODE/' | sort
}

test_expect_success 'a task sees what a batch script of its size sees' '
    printf "#!/bin/sh\n/usr/bin/env\n" >print.sh &&
    workflow env.json "\"tasks\": { \"gpu\": { \"count\": 2, \"cpus\": 2, \"gpus\": 2, \"script\": \"env\" },
        \"cpu\": { \"cpus\": 1, \"after\": [\"gpu\"], \"script\": \"env\" } }" &&
    batch 0 env -N2 --exclusive --gpus=4 &&
    sbatch --wait -N1 -n1 -c2 --gpus=2 -o batch.gpu print.sh &&
    sbatch --wait -N1 -n1 -c1 -o batch.cpu print.sh &&
    for i in 0 1; do
        described batch.gpu >expected && described env/logs/gpu.$i.out >seen && test_cmp expected seen || return 1
    done &&
    described batch.cpu >expected && described env/logs/cpu.0.out >seen && test_cmp expected seen &&
    test "$(cat env/logs/gpu.*.out | sed -n "s/^SLURM_JOB_NODELIST=//p" | sort | xargs)" = "n1 n2" &&
    ! grep -E "^(PMI|SLURM_STEP|SLURM_PROCID|SLURM_NTASKS|SLURM_LOCALID)" env/logs/*.out
'

# mpi NAME COMMAND: a task of 4 CPUs on each node at once, whose MPI has 4 ranks
#
# On a busy machine mpiexec.hydra fails now and then, also outside of a pool: it is tried three times.
mpi ()
{
    try="$2 >$1.{index} && cat $1.{index} && exit 0"
    workflow $1.json "\"tasks\": { \"a\": { \"count\": 2, \"cpus\": 4, \"script\": \"for n in 1 2 3; do $try; done; exit 1\" } }" &&
    batch 0 $1 -N2 --exclusive &&
    test $(grep -c "of 4$" $1/logs/a.0.out) = 4 &&
    test $(grep -c "of 4$" $1/logs/a.1.out) = 4
}

test_expect_success OPENMPI 'mpirun of Open MPI' '
    mpi openmpi "mpirun.openmpi -n 4 sh -c \\\"echo \\\\\$OMPI_COMM_WORLD_RANK of \\\\\$OMPI_COMM_WORLD_SIZE\\\""
'

test_expect_success MPICH 'mpirun of MPICH' '
    mpi mpich "mpiexec.hydra -n 4 sh -c \\\"echo \\\\\$PMI_RANK of \\\\\$PMI_SIZE\\\""
'

test_expect_success 'srun: one node, one rank, beside the agents' '
    workflow srun.json "\"tasks\": { \"plain\": { \"cpus\": 2, \"script\": \"srun printenv SLURM_NTASKS SLURM_NNODES\" },
        \"gpu\": { \"cpus\": 2, \"gpus\": 1, \"script\": \"srun printenv CUDA_VISIBLE_DEVICES\" } }" &&
    batch 0 srun -N2 --exclusive &&
    printf "1\n1\n" >expected &&
    test_cmp expected srun/logs/plain.0.out &&
    test $(wc -w <srun/logs/gpu.0.out) = 1
'

# What the task of another job finds of us is not for it.
test_expect_success 'sbatch: the new job is no task of the run' '
    printf "#!/bin/sh\nasync-workflow send topic x; echo \$? >status\n" >send.sh &&
    workflow sbatch.json "\"tasks\": { \"a\": { \"script\": \"sbatch --wait -n1 -o send.out send.sh\" } }" &&
    batch 0 sbatch -N1 -n2 &&
    test "$(cat status)" != 0 &&
    grep "in another job than the workflow" send.out
'

test_expect_success 'sbatch as the manual says: nothing of the task' '
    printf "#!/bin/sh\n/usr/bin/env\n" >print.sh &&
    workflow bare.json "\"tasks\": { \"a\": { \"cpus\": 2, \"script\": \"env -u SLURM_OVERLAP sbatch --export=NONE --wait -n1 -o bare.out print.sh\" } }" &&
    batch 0 bare -N1 -n3 &&
    grep "^SLURM_JOB_ID=" bare.out &&
    grep -v "=--external-launcher$" bare.out >ours && # of Slurm itself, from 24.11 on
    ! grep -E "^(OMP_|OMPI_|PRTE_|ASYNC_WORKFLOW_|SLURM_OVERLAP|CUDA_VISIBLE)" ours
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
