#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='A working directory of tasks that does not exist is noticed before anything starts'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 2 --gpus 0

workflow w.json '"tasks": { "w": { "command": ["true"] } }'
workflow own.json '"tasks": { "w": { "directory": "/", "command": ["pwd"] } }'
absent='No such file or directory'
: >file

# in_job NODE STATUS NAME SRUN-OPTION...: srun in the job of $job, as a script of the job on that node; NAME.out, NAME.err
in_job ()
{
    node=$1 want=$2 name=$3
    shift 3
    test_expect_code "$want" env SLURM_JOB_ID=$job SLURMD_NODENAME=$node srun "$@" >"$name.out" 2>"$name.err" </dev/null ||
        { tail -n 40 "$name.out" "$name.err"; false; }
}

# alone NAME LINE: this line is all that NAME.err has, and no run directory was made
alone () { echo "async-workflow: $2" >expected && test_cmp expected "$1.err" && test ! -e "$1"; }

test_expect_success 'on a node of the pool: refused, in one line' '
    salloc -N2 --exclusive --no-shell --quiet && job=$(squeue --noheader --format=%i) &&
    in_job n1 2 absent --chdir=/nowhere --async-workflow=w.json --async-workflow-dir=absent &&
    alone absent "--chdir=/nowhere: $absent: tasks run there: give a directory that exists" &&
    in_job n1 2 plain --chdir=file --async-workflow=w.json --async-workflow-dir=plain &&
    alone plain "--chdir=file: Not a directory: tasks run there: give a directory that exists"
'

test_expect_success 'tasks that have directories of their own do not need it' '
    in_job n1 0 own --chdir=/nowhere --async-workflow=own.json --async-workflow-dir=own && finished own 1 &&
    ! grep "^async-workflow.*nowhere" own.err
'

# Tasks of this cluster are on this machine, so that the warning comes true.
test_expect_success 'on another machine: a warning, for nodes may have it' '
    in_job n2 1 other --chdir=/nowhere -w n1 --async-workflow=w.json --async-workflow-dir=other &&
    test $(grep -c "^async-workflow: warning: --chdir=/nowhere: $absent on this host: tasks need it on their nodes\$" other.err) = 1 &&
    scancel $job && wait_for 60 no_job &&
    run 1 new -N1 --chdir=/nowhere --async-workflow=w.json --async-workflow-dir=new &&
    test $(grep -c "^async-workflow: warning: --chdir=/nowhere: $absent on this host" new.err) = 1 &&
    run 0 test -N1 --test-only --chdir=/nowhere --async-workflow=w.json --async-workflow-dir=test &&
    test $(grep -c "^async-workflow: warning: --chdir=/nowhere: $absent on this host" test.err) = 1
'

test_expect_success 'a run that continues, and whose directory is gone' '
    mkdir gone && workflow two.json "\"tasks\": { \"a\": { \"script\": \"test -e ../go\" } }" &&
    (cd gone && test_expect_code 1 async-workflow run --local --cpus 1 --dir ../two ../two.json) >out 2>&1 </dev/null &&
    rmdir gone && : >go && cp two/journal.jsonl before &&
    for more in --test-only ""; do
        test_expect_code 2 async-workflow run --local --cpus 1 --resume two $more >out 2>err </dev/null &&
            grep "^async-workflow: $PWD/gone: $absent: tasks run there: restore the directory\$" err &&
            test_cmp before two/journal.jsonl || return 1
    done &&
    mkdir gone && async-workflow run --local --cpus 1 --resume two >out 2>err </dev/null && rmdir gone &&
    async-workflow run --local --cpus 1 --resume two >out 2>err </dev/null && grep "nothing to run" err
'

test_done
