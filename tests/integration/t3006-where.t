#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Jobs in which a workflow cannot run, agents that come late, shells that are a step themselves'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

# A task prolog that takes as long as the file "slow" is there, on n2.
{
    echo '#!/bin/sh'
    echo "while test \$SLURMD_NODENAME = n2 && test -e '$PWD/slow'; do sleep 0.1; done"
} >prolog.sh && chmod +x prolog.sh
cluster_start --nodes 2 --cores 4 --gpus 2

workflow true.json '"tasks": { "a": { "command": ["true"] } }'

het="is heterogeneous: a workflow cannot run in it"

test_expect_success 'a heterogeneous job of salloc is refused' '
    test_expect_code 2 salloc --quiet -n1 : -n1 srun --async-workflow=true.json 2>err </dev/null &&
    grep "$het" err &&
    test_expect_code 2 salloc --quiet -n1 : -n1 async-workflow run true.json 2>err </dev/null &&
    grep "$het" err &&
    test_expect_code 2 salloc --quiet -n1 : -n1 srun --async-workflow=true.json --test-only 2>err </dev/null &&
    grep "$het" err &&
    test_expect_code 2 salloc --quiet -n1 : -n1 srun --het-group=1 --async-workflow=true.json 2>err </dev/null &&
    grep "het-group: cannot be given with a workflow: a heterogeneous job cannot run a workflow" err &&
    test "$(echo true-* run-*)" = "true-* run-*"
'

test_expect_success 'one of sbatch too, also from outside by --jobid' '
    {
        printf "%s\n" "#!/bin/sh" "#SBATCH -n1" "#SBATCH hetjob" "#SBATCH -n1"
        echo "srun --async-workflow=true.json; echo status \$?; until test -e go; do sleep 0.1; done"
    } >het.sh &&
    job=$(sbatch --parsable --output=het.log het.sh) &&
    wait_for 60 "grep -qs ^status het.log" && grep "$het" het.log && grep -qx "status 2" het.log &&
    run 2 outside --jobid=$job --async-workflow=true.json && grep "$het" outside.err &&
    touch go && wait_for 30 no_job
'

test_expect_success 'a slow prolog: the end tells which nodes are missing, and what to do' '
    touch slow &&
    run 4 late -N2 --task-prolog="$PWD/prolog.sh" --async-workflow=true.json --async-workflow-connect-timeout=2s &&
    cat late.err &&
    grep "1 of 2 agents connected within 2 s; missing: n2; .*: for more time use --connect-timeout" late.err &&
    rm slow && wait_for 30 no_job
'

test_expect_success 'with more time the run begins when all are there, and progress counts them' '
    touch slow &&
    { run 0 more -N2 --task-prolog="$PWD/prolog.sh" --async-workflow=true.json --async-workflow-connect-timeout=5m --async-workflow-dir=more & } &&
    other=$! &&
    wait_for 60 "grep -s \"1 of 2 agents connected\" more.err" &&
    rm slow && wait $other && finished more 1
'

# in_step NAME OPTION...: true.json from a shell that is the step of a new job with these options
in_step ()
{
    name=$1
    shift
    echo "test \$SLURM_PROCID != 0 || exec srun --async-workflow=gpu.json --async-workflow-dir=$name" >$name.sh
    srun "$@" sh $name.sh >$name.out 2>$name.err </dev/null || { cat $name.err; false; }
}

test_expect_success 'from a shell that is a step itself, all CPUs and GPUs of the job are used' '
    workflow gpu.json "\"tasks\": { \"a\": { \"count\": 4, \"gpus\": 1, \"command\": [\"true\"] } }" &&
    in_step one -N1 -n1 -c3 --gpus=2 && finished one 4 && test "$(pool one)" = "n1 3 2" &&
    in_step both -N2 -n2 -c3 --gpus-per-node=2 && finished both 4 &&
    pool both >actual && printf "n1 3 2\nn2 3 2\n" >expected && test_cmp expected actual &&
    in_step all -N2 --exclusive && finished all 4 &&
    pool all >actual && printf "n1 4 2\nn2 4 2\n" >expected && test_cmp expected actual
'

test_expect_success 'srun -n2 async-workflow run: one process runs the workflow, the other says why not' '
    test_expect_code 2 srun -N1 -n2 async-workflow run --dir=first true.json >first.out 2>first.err </dev/null &&
    finished first 1 && test ! -e first.1 &&
    grep -c "run: this is process 1 of a job step, and each would run the workflow: start it once" first.err
'

# 22.05 gives no overlapping step the GPUs of nodes with unlike numbers of them.
test_expect_success 'where Slurm refuses that, it is reported at once' '
    begin=$(date +%s) &&
    { in_step uneven -N2 -n3 --gpus=3 && finished uneven 4 ||
        grep "this shell is a step of the job: start from salloc or sbatch" uneven.err; } &&
    test $(($(date +%s) - begin)) -lt 45
'

test_expect_success 'nothing is left' nothing_left

test_done
