#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The runs of a requeued job continue the runs that it had before'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 1 --cores 4 --gpus 0

# again COUNT NAME STATUS OPTION...: this run in the job of $job as in the script of a job that was requeued
# COUNT times; output in NAME.out and NAME.err
again ()
{
    count=$1 name=$2 want=$3
    shift 3
    test_expect_code "$want" env SLURM_JOB_ID=$job SLURM_RESTART_COUNT=$count \
        srun "$@" >$name.out 2>$name.err </dev/null || { tail -n 40 $name.out $name.err; false; }
}

# says NAME DIR WORDS: NAME.err has a line about DIR with WORDS
says () { grep -F "$3" $1.err | grep -qF "$2" || { cat $1.err; false; }; }

# The second run of the loop waits before the requeue, so that this is where the job is interrupted.
# Slurm lets a requeued job wait two minutes; in the second of its requeue its credentials would still be revoked.
test_expect_success 'a script with three runs in a loop: each continues its own' '
    workflow loop.json "\"name\": \"loop\", \"tasks\": {
        \"a\": { \"command\": [\"sh\", \"-c\", \"echo \$ASYNC_WORKFLOW_RUN >>ran\"] },
        \"b\": { \"after\": [\"a\"], \"command\": [\"sh\", \"-c\", \"test -e go || test ! -e begun || exec sleep $MARK; touch begun\"] }
    }" &&
    cat >loop.sh <<-END &&
	#!/bin/sh
	for i in 1 2 3; do
	    srun --async-workflow=loop.json
	    echo "run \$i: status \$?"
	done
	echo over
	END
    job=$(sbatch --parsable --nodes=1 --requeue --open-mode=append --output=loop.log loop.sh) &&
    { wait_for 60 "test \"\$(sleepers)\" = 1" || { cat loop.log; false; }; } &&
    grep -qx "run 1: status 0" loop.log &&
    scontrol requeue $job &&
    wait_for 60 "squeue --noheader --jobs=$job --states=PENDING --format=%i | grep -q $job" &&
    touch go &&
    wait_for 60 "scontrol update JobId=$job StartTime=now+3" &&
    wait_for 120 "grep -qsx over loop.log" &&
    cat loop.log &&
    grep -q "job $job was requeued: continuing its run in loop-$job\$" loop.log &&
    grep -q "job $job was requeued: continuing its run in loop-$job.1\$" loop.log &&
    test $(grep -c "was requeued" loop.log) = 2 &&
    sort ran >actual &&
    printf "%s\n" "$PWD/loop-$job" "$PWD/loop-$job.1" "$PWD/loop-$job.2" >expected &&
    test_cmp expected actual &&
    for dir in loop-$job loop-$job.1 loop-$job.2; do
        ended $dir 0 || return 1
    done &&
    test ! -e loop-$job.3 &&
    wait_for 30 no_job
'

test_expect_success 'a job that waits, for the tests below' '
    job=$(sbatch --parsable --nodes=1 --output=job.log --wrap="exec sleep $MARK") &&
    wait_for 60 "squeue --noheader --jobs=$job --states=RUNNING --format=%i | grep -q $job" &&
    workflow one.json "\"name\": \"one\", \"tasks\": { \"a\": { \"command\": [\"true\"] } }" &&
    workflow two.json "\"name\": \"one\", \"tasks\": { \"a\": { \"command\": [\"echo\", \"2\"] } }"
'

test_expect_success 'a finished run is not run again, at each requeue' '
    again 0 one 0 --async-workflow=one.json &&
    again 1 one 0 --async-workflow=one.json &&
    says one one-$job "was requeued: continuing" && says one one-$job "all tasks are done" &&
    again 2 one 0 --async-workflow=one.json &&
    says one one-$job "was requeued: continuing" &&
    test ! -e one-$job.1
'

test_expect_success 'a second run since the requeue makes a directory of its own' '
    again 2 more 0 --async-workflow=one.json &&
    test -d one-$job.1 && ! grep "was requeued" more.err
'

test_expect_success 'another workflow, mode, policy or directory makes a new run directory, and says so' '
    again 3 w 0 --async-workflow=two.json &&
    says w one-$job "has another workflow or other parameters: making a new run directory" &&
    test -d one-$job.2 &&
    again 4 m 0 --async-workflow=two.json --async-workflow-mode=sequential &&
    says m one-$job "making a new run directory" && test -d one-$job.3 &&
    again 5 p 0 --async-workflow=two.json --async-workflow-policy=fifo &&
    says p one-$job "making a new run directory" && test -d one-$job.4 &&
    again 6 d 0 --async-workflow=two.json --chdir=/ &&
    says d one-$job "making a new run directory" && test -d one-$job.5
'

test_expect_success 'each of these is found at the next requeue' '
    again 9 w 0 --async-workflow=two.json && says w one-$job.2 continuing &&
    again 9 m 0 --async-workflow=two.json --async-workflow-mode=sequential && says m one-$job.3 continuing &&
    again 9 p 0 --async-workflow=two.json --async-workflow-policy=fifo && says p one-$job.4 continuing &&
    again 9 d 0 --async-workflow=two.json --chdir=/ && says d one-$job.5 continuing &&
    test ! -e one-$job.6
'

test_expect_success 'the same with --dir' '
    again 0 e 0 --async-workflow=one.json --async-workflow-dir=E &&
    again 1 e 0 --async-workflow=one.json --async-workflow-dir=E && says e E continuing &&
    again 1 f 2 --async-workflow=one.json --async-workflow-dir=E && says f E "File exists" &&
    again 2 e 0 --async-workflow=two.json --async-workflow-dir=E &&
    says e E.1 "making a new run directory" && test -d E.1 &&
    again 3 e 0 --async-workflow=two.json --async-workflow-dir=E && says e E.1 continuing &&
    mkdir foreign && again 1 g 2 --async-workflow=one.json --async-workflow-dir=foreign &&
    says g foreign "File exists"
'

test_expect_success 'the sources of values have gone: the requeued job has them in its run directory' '
    printf "a\nb\n" >names && workflow each.json "\"tasks\": { \"a\": { \"foreach\": { \"x\": { \"lines\": \"names\" } },
        \"command\": [\"test\", \"-e\", \"$PWD/each.now\"] } }" &&
    again 0 v 1 --async-workflow=each.json && again 0 v 1 --async-workflow=each.json --async-workflow-dir=V &&
    rm names && touch each.now &&
    again 1 v 0 --async-workflow=each.json && says v each-$job continuing && ended each-$job 0 &&
    again 1 v 0 --async-workflow=each.json --async-workflow-dir=V && says v V continuing && ended V 0 &&
    again 1 v 2 --async-workflow=each.json && grep -q "each.json: tasks.a.foreach.x: names: cannot be read: No such file" v.err &&
    again 0 v 2 --async-workflow=each.json && grep -q "each.json: tasks.a.foreach.x: names: cannot be read: No such file" v.err
'

test_expect_success 'srun --async-workflow-resume needs no workflow file' '
    workflow half.json "\"name\": \"half\", \"tasks\": { \"a\": { \"command\": [\"test\", \"-e\", \"$PWD/now\"] } }" &&
    again 0 h 1 --async-workflow=half.json --async-workflow-dir=H &&
    touch now &&
    again 0 h 0 --async-workflow-resume=H && ended H 0 &&
    again 0 h 2 --async-workflow-resume=H hostname &&
    grep -q "no command is allowed" h.err &&
    again 0 h 2 --async-workflow-mode=async hostname &&
    grep -q "has no effect without --async-workflow=FILE or --async-workflow-resume=DIRECTORY" h.err
'

test_expect_success 'nothing is left' 'scancel $job && nothing_left'

test_done
