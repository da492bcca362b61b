#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --async-workflow-durations: earlier runs on another allocation, also in a batch script'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

need_slurm
cluster_start --nodes 2 --cores 4

workflow flow.json '"name": "flow", "iterations": 2, "parameters": { "n": 2 }, "tasks": {
    "a": { "count": "{n}", "command": ["true"] }, "b": { "after": ["a"], "command": ["true"] } }'

test_expect_success 'a run on two nodes takes the durations of one on one node' '
    run 0 one -N1 -n2 --async-workflow=flow.json --async-workflow-dir=one &&
    run 0 two -N2 -n4 --async-workflow=flow.json --async-workflow-dir=two --async-workflow-durations=one --async-workflow-param=n=4 &&
    grep "^  durations *as in one$" two.out && head -n 1 two/journal.jsonl | grep "\"durations\":{\"a\":{\"seconds\":" &&
    run 2 none -N1 --async-workflow=flow.json --async-workflow-dir=no --async-workflow-durations=none &&
    grep "none: No such file" none.err
'

# srun and the coordinator in the new job both read the workflow and the earlier run.
test_expect_success 'a new job prints each warning once' '
    workflow other.json "\"tasks\": { \"other\": { \"command\": [\"echo\", \"\$HOME\"] } }" &&
    run 0 other -N1 --async-workflow=other.json --async-workflow-dir=other --async-workflow-durations=one &&
    test "$(grep -c "one: no completed task of a set with a name of this workflow" other.err)" = 1 &&
    test "$(grep -c "warning: other.json: " other.err)" = 1
'

test_expect_success 'two of them: in the prediction, and in a batch script' '
    run 0 test -N1 -n2 --test-only --async-workflow=flow.json --async-workflow-durations=one --async-workflow-durations=two &&
    grep "durations vary as in one, two" test.out &&
    printf "%s\n" "#!/bin/sh" "#SBATCH -N1 -n2 -o batch.log" \
        "srun --async-workflow=flow.json --async-workflow-dir=three --async-workflow-durations=one --async-workflow-durations two" \
        "echo status \$?" >batch.sh &&
    sbatch batch.sh && wait_for 60 "grep -qs ^status batch.log" && grep "status 0" batch.log &&
    grep "^  durations *as in one, two$" batch.log && nothing_left
'

test_done
