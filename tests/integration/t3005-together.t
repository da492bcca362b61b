#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='several runs at once; tasks that call srun'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 0

# Each waits for the other's mark.
workflow one.json '"name": "w", "tasks": { "a": { "script": "touch one; until test -e two; do sleep 0.1; done" } }'
workflow two.json '"name": "w", "tasks": { "a": { "script": "touch two; until test -e one; do sleep 0.1; done" } }'

test_expect_success 'two runs at once in one allocation, with --overlap' '
    cat >both.sh <<-\END &&
	srun --overlap --async-workflow=one.json & first=$!
	srun --overlap --async-workflow=two.json & second=$!
	wait $first && wait $second
	END
    salloc -n4 --quiet timeout 60 sh both.sh >both.out 2>&1 || { cat both.out; false; } &&
    test "$(ls -d w-* | wc -l)" = 2 &&
    for run in w-*; do
        finished $run 1 || return 1
    done
'

test_expect_success 'two jobs at once' '
    rm -rf w-* one two &&
    { run 0 first -n4 --async-workflow=one.json & } &&
    other=$! &&
    run 0 second -n4 --async-workflow=two.json &&
    wait $other &&
    test "$(ls -d w-* | wc -l)" = 2
'

test_expect_success 'a task that calls srun itself' '
    workflow nested.json "\"tasks\": { \"a\": { \"script\": \"env -u SLURM_JOB_NODELIST srun -N2 -n2 --overlap echo inner\" } }" &&
    batch 0 nested -n8 &&
    printf "inner\ninner\n" >expected &&
    test_cmp expected nested/logs/a.0.out
'

test_expect_success 'a task that starts a run in its own job: refused, or beside the pool' '
    workflow inner.json "\"tasks\": { \"a\": { \"script\": \"echo inner\" } }" &&
    workflow outer.json "\"tasks\": { \"a\": { \"script\":
        \"srun -N1 --async-workflow=inner.json --async-workflow-dir=not; test \$? = 2 && srun -N1 --overlap --async-workflow=inner.json --async-workflow-dir=beside\" } }" &&
    batch 0 outer -n8 &&
    grep "async-workflow: run: a task of job .* cannot start a second pool in it: use async-workflow add" outer/logs/a.0.err &&
    finished beside 1 && ! test -e not
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
