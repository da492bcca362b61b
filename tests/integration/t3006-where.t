#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Jobs in which a workflow cannot run, and agents that come late'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

# A task prolog that takes as long as the file "slow" is there, on n2.
{
    echo '#!/bin/sh'
    echo "while test \$SLURMD_NODENAME = n2 && test -e '$PWD/slow'; do sleep 0.1; done"
} >prolog.sh && chmod +x prolog.sh
cluster_start --nodes 2 --cores 4 --gpus 0

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

test_expect_success 'nothing is left' nothing_left

test_done
