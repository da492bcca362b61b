#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Jobs in which a workflow cannot run, and steps from which it is started'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

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

test_expect_success 'nothing is left' nothing_left

test_done
