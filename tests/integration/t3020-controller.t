#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what a run asks of slurmctld does not grow with its tasks'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 4 --cores 16 --gpus 0

# Periodic queries of a longer run are allowed for; a step a task would be thousands.
MOST=20 GROWTH=5

workflow few.json '"tasks": { "a": { "count": 20, "command": ["true"] } }'
workflow many.json '"tasks": { "a": { "count": 2000, "command": ["true"] } }'

# requests FILE: "REQUEST COUNT" a line, of what clients sent since "sdiag --reset"
requests ()
{
    sdiag >sdiag.out &&
        sed -n '/statistics by message type/,/statistics by user/s/^[^A-Z]*\(REQUEST_[A-Z_]*\) *(.*count: *\([0-9]*\) .*/\1 \2/p' \
            sdiag.out | grep -v STATS_INFO | sort >"$1" && test -s "$1"
}

total () { awk '{ n += $2 } END { print n + 0 }' "$1"; }

test_expect_success 'one step, whatever the number of tasks; few requests besides' '
    for size in few many; do
        sdiag --reset >reset.out &&
        run 0 $size -N4 --exclusive --async-workflow=$size.json --async-workflow-dir=$size &&
        requests $size.requests || return 1
    done &&
    finished few 20 && finished many 2000 &&
    cat few.requests many.requests &&
    grep -x "REQUEST_JOB_STEP_CREATE 1" many.requests &&
    test $(total many.requests) -le $MOST &&
    test $(total many.requests) -le $(($(total few.requests) + GROWTH))
'

test_expect_success 'inside an allocation' '
    salloc -Q -N4 --exclusive sh -c "sdiag --reset >reset.out &&
        srun --async-workflow=many.json --async-workflow-dir=inside >inside.out 2>&1" &&
    requests inside.requests &&
    cat inside.requests &&
    grep -x "REQUEST_JOB_STEP_CREATE 1" inside.requests &&
    test $(total inside.requests) -le $MOST
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
