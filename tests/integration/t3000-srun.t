#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --async-workflow on a cluster: ways to call it'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 2

SMALL='"tasks": { "a": { "count": 4, "gpus": 1, "duration": 1, "script": "echo $SLURM_JOB_ID" },
    "b": { "after": ["a"], "duration": 1, "command": ["true"] } }'
workflow small.json "$SMALL"
workflow bad.json '"tasks": { "a": { "script": "exit 7" } }'

test_expect_success 'outside an allocation: through salloc' '
    run 0 outside -N2 --gpus-per-node=2 --async-workflow=small.json --async-workflow-dir=outside &&
    finished outside 5 &&
    job=$(cat outside/logs/a.0.out) &&
    test $job -gt 0 &&
    grep -q "\"job\":\"$job\"" outside/journal.jsonl &&
    grep -q "5 of 5 done" outside.out
'

test_expect_success 'the run directory is NAME-JOBID' '
    run 0 name --gpus=1 --async-workflow small.json &&
    job=$(cat small-*/logs/a.0.out) &&
    finished small-$job 5
'

test_expect_success 'the exit status is handed on' '
    run 1 failed -N1 --async-workflow=bad.json --async-workflow-dir=failed &&
    ended failed 1 &&
    grep -q "exit code 7" failed.out
'

test_expect_success 'options before and after, a value in a word of its own, the last counts' '
    run 0 order -N 2 --async-workflow bad.json --gpus-per-node 2 --async-workflow small.json \
        --async-workflow-dir=order -J named &&
    finished order 5 &&
    pool order >actual &&
    printf "n1 1 2\nn2 1 2\n" >expected &&
    test_cmp expected actual
'

test_expect_success 'inside the shell of salloc, which goes on' '
    cat >commands <<-\END &&
	set -e
	srun --async-workflow=small.json --async-workflow-dir=inside
	echo after the first
	srun --async-workflow=bad.json --async-workflow-dir=inside-bad
	echo never
	END
    test_expect_code 1 salloc -N2 --gpus-per-node=2 --quiet sh <commands >inside.out &&
    grep -q "after the first" inside.out &&
    ! grep -q never inside.out &&
    finished inside 5 &&
    ended inside-bad 1
'

test_expect_success 'what follows on standard input stays there' '
    cat >lines.sh <<-\END &&
	#!/bin/sh
	#SBATCH -N1 --gpus=2
	printf "one\ntwo\n" | while read -r line; do
	    srun --async-workflow=small.json --async-workflow-dir=lines-$line >/dev/null 2>&1
	    echo "$line $?"
	done
	sh <<-\INNER
	srun --async-workflow=small.json --async-workflow-dir=lines-three >/dev/null 2>&1
	echo "three $?"
	INNER
	echo status 0
	END
    sbatch --output=lines.log lines.sh &&
    wait_for 60 "grep -qs ^status lines.log" &&
    printf "one 0\ntwo 0\nthree 0\nstatus 0\n" >expected &&
    test_cmp expected lines.log &&
    printf "x\ny\n" >given &&
    (srun -N1 --gpus=1 --async-workflow=small.json >/dev/null 2>&1 && cat) <given >rest &&
    test_cmp given rest
'

test_expect_success '--test-only allocates nothing' '
    wait_for 30 no_job && # of the tests before
    before=$(grep -c "_slurm_rpc_allocate\|sched: " "$CLUSTER_DIR/log/slurmctld.log") &&
    run 0 dry -N2 --gpus-per-node=2 --async-workflow=small.json --test-only \
        --async-workflow-dir=dry &&
    test -s dry.out &&
    no_job &&
    test $before = $(grep -c "_slurm_rpc_allocate\|sched: " "$CLUSTER_DIR/log/slurmctld.log") &&
    ! test -e dry
'

test_expect_success '--test-only: tasks that the allocation does not hold, parts of GPUs and several nodes too' '
    echo "{ \"async-workflow\": 1, \"tasks\": {
        \"part\": { \"gpus\": 0.25, \"script\": \"true\" },
        \"wide\": { \"ranks\": 6, \"nodes\": 3, \"script\": \"true\" } } }" >much.json &&
    run 2 much -N2 -n4 --async-workflow=much.json --test-only &&
    grep "much.json: tasks.part: a task needs 1 CPU and 0.25 GPUs on one node: no node" much.err &&
    grep "much.json: tasks.wide: a task needs 3 nodes with 2 CPUs and 0 GPUs each: this" much.err
'

# refused TEXT SRUN-OPTION...: status 2, this text, and no job
refused ()
{
    text=$1
    shift
    run 2 refused "$@" && grep -q "$text" refused.err && no_job
}

test_expect_success 'a command, or a ":", is refused' '
    refused "\"hostname\": no command is allowed" -N1 --async-workflow=small.json hostname &&
    refused "heterogeneous jobs" -N1 --async-workflow=small.json : -N1 true
'

test_expect_success 'a file that is missing, a directory, wrong: told before anything is allocated' '
    refused "missing.json: cannot be read: No such file" -N1 --async-workflow=missing.json &&
    mkdir -p dir.json && refused "dir.json: is a directory" -N1 --async-workflow=dir.json &&
    workflow typo.json "\"tasks\": { \"a\": { \"comand\": [\"true\"] } }" &&
    refused "typo.json: tasks.a.*did you mean \"command\"" -N1 --async-workflow=typo.json
'

test $(id -u) = 0 || test_set_prereq NOT_ROOT
test_expect_success NOT_ROOT 'a file that cannot be read' '
    cp small.json secret.json && chmod 000 secret.json &&
    refused "secret.json: cannot be read: Permission denied" -N1 --async-workflow=secret.json
'

# Root reads every file; nobody does not, and wants to see neither build tree nor cluster.
command -v setpriv >/dev/null && test_have_prereq !NOT_ROOT &&
    setpriv --reuid=65534 --clear-groups test -x "$top_builddir/helpers/async-workflow" 2>/dev/null &&
    test_set_prereq NOBODY
test_expect_success NOBODY 'a file that cannot be read, as another user' '
    cp small.json /tmp/aw-secret.$$.json && chmod 600 /tmp/aw-secret.$$.json &&
    test_when_finished "rm -f /tmp/aw-secret.$$.json" &&
    (cd / && test_expect_code 2 setpriv --reuid=65534 --clear-groups "$top_builddir/helpers/async-workflow" \
        run /tmp/aw-secret.$$.json) 2>secret.err &&
    grep -q "aw-secret.*json: cannot be read: Permission denied" secret.err
'

test_expect_success 'a file relative to the working directory, also with --chdir' '
    mkdir -p sub else &&
    workflow sub/here.json "\"tasks\": { \"a\": { \"command\": [\"pwd\"] } }" &&
    (cd sub && run 0 relative -N1 --async-workflow=here.json --async-workflow-dir=here &&
        finished here 1) &&
    (cd sub && run 0 chdir -N1 --chdir=../else --async-workflow=here.json --async-workflow-dir=moved) &&
    finished sub/moved 1 &&
    echo "$PWD/else" >expected &&
    test_cmp expected sub/moved/logs/a.0.out
'

test_expect_success 'option variables of SPANK change nothing' '
    OPTION=SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow &&
    test "$(env $OPTION=small.json srun -N1 echo plain)" = plain &&
    (export $OPTION=bad.json && run 0 spank --gpus=1 --async-workflow=small.json --async-workflow-dir=spank) &&
    finished spank 5
'

test_expect_success 'options of run, and their variables' '
    (ASYNC_WORKFLOW_MODE=sequential && export ASYNC_WORKFLOW_MODE &&
        run 0 mode --gpus=1 --async-workflow=small.json --async-workflow-dir=mode --async-workflow-policy=fifo) &&
    head -n 1 mode/journal.jsonl | grep -q "\"mode\":\"sequential\",\"policy\":\"fifo\"" &&
    refused "ode.*\"quick\"" -N1 --async-workflow=small.json --async-workflow-mode=quick
'

test_expect_success 'srun without the option is what it was' '
    test "$(srun -N2 echo plain 2>&1)" = "$(printf "plain\nplain")" &&
    test "$(echo text | srun -N1 cat)" = text &&
    test_expect_code 5 srun -N1 sh -c "exit 5"
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
