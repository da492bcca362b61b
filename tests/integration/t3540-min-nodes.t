#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='--min-nodes: a pool that begins with some of its nodes'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

# A task prolog that takes as long as the file "slow" is there, on n2.
{
    echo '#!/bin/sh'
    echo "while test \$SLURMD_NODENAME = n2 && test -e '$PWD/slow'; do sleep 0.1; done"
} >prolog.sh && chmod +x prolog.sh
cluster_start --nodes 0 --node 'n1 CPUs=2' --node 'n2 CPUs=4'

workflow two.json '"tasks": { "small": { "count": 2, "command": ["true"] }, "big": { "cpus": 4, "command": ["true"] } }'
workflow never.json '"tasks": { "small": { "command": ["true"] }, "huge": { "cpus": 5, "command": ["true"] } }'

# pool STATUS NAME FILE OPTION...: FILE on both nodes
pool ()
{
    code=$1 dir=$2 file=$3
    shift 3
    run "$code" "$dir" -N2 --exclusive --task-prolog="$PWD/prolog.sh" --async-workflow="$file" --async-workflow-dir="$dir" "$@"
}

test_expect_success 'what fits the nodes that are there starts, the rest waits for the others' '
    touch slow &&
    { pool 0 early two.json --async-workflow-min-nodes=1 --async-workflow-connect-timeout=10m & } &&
    other=$! &&
    wait_for 60 "test \$(events early finish small) = 2" &&
    test "$(events early start big)" = 0 && test "$(events early await "\"count\":1")" = 1 &&
    rm slow && wait $other && finished early 3 &&
    test "$(events early start big "\"node\":\"n2\"")" = 1 && test "$(events early await "\"count\":0")" = 1 &&
    "$top_builddir/tests/integration/replay" early
'

test_expect_success 'nodes that do not come in time are reported, and what needs them does not run' '
    touch slow &&
    pool 4 given-up two.json --async-workflow-min-nodes=1 --async-workflow-connect-timeout=3s &&
    grep "1 of 2 agents connected within 3 s; missing: n2: the run continues with these" given-up.err &&
    grep "1 task remains, and no node can run it" given-up.err &&
    test "$(events given-up finish small completed)" = 2 &&
    rm slow && wait_for 60 no_job
'

test_expect_success 'a resumed run does the rest' '
    run 0 resumed -N2 --exclusive --async-workflow-resume=given-up --async-workflow-min-nodes=1 &&
    finished given-up 3
'

test_expect_success 'what fits no node of the job is refused at once' '
    pool 2 never never.json --async-workflow-min-nodes=1 &&
    grep "tasks.huge: a task needs 5 CPUs" never.err && test "$(events never start)" = 0
'

test_expect_success 'more than the job has are all that it has' '
    pool 0 all two.json --async-workflow-min-nodes=9 && finished all 3 && test "$(events all await)" = 0
'

test_done
