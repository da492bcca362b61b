#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='processes killed at random moments, runs resumed until done: tests/faults'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

test_expect_success 'a wrong line is refused' '
    test_expect_code 2 "$top_srcdir/tests/faults" --kill 3 2>err && grep -q "unknown option" err &&
    test_expect_code 2 "$top_srcdir/tests/faults" --kills many 2>err && grep -q "not a number" err
'

test_expect_success 'without Slurm: coordinator, agent, tasks' '
    "$top_srcdir/tests/faults" --local --seed 11 --kills 8 >local 2>&1 ||
        { cat local; false; } && tail -n 1 local | grep -q " 0 hangs, 0 processes left, 0 faults"
'

missing_slurm >/dev/null || test_set_prereq SLURM

test_expect_success SLURM 'on a cluster: srun, slurmd and slurmctld, too' '
    "$top_srcdir/tests/faults" --seed 12 --kills 12 >slurm 2>&1 ||
        { cat slurm; false; } && tail -n 1 slurm | grep -q " 0 hangs, 0 processes left, 0 faults"
'

test_done
