#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Makeflow, unmodified, with -T slurm in one allocation: a failing job, Makeflow killed, Ctrl-C, its node lost'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

if ! command -v makeflow >/dev/null; then
    skip_all="Makeflow is not installed"
    test_done
fi
cluster_start --nodes 2 --cores 4 --gpus 0

PATH=$top_builddir/helpers:$PATH
export PATH

# pipeline DIR [RULE]: two jobs and one after them, and a workflow that runs Makeflow in one task with one retry. The two
# wait for the file "go." with the number of Makeflow's attempt, which second ones have.
pipeline ()
{
    mkdir "$1" && echo x >"$1/in" &&
    printf "$2\nout.1: in\n\t./job 1 && cat in > out.1\nout.2: in\n\t./job 2 && cat in in > out.2\n" >"$1/Makeflow" &&
    printf "all: out.1 out.2\n\tcat out.1 out.2 > all; echo all >>ran\n" >>"$1/Makeflow" &&
    cat >"$1/job" <<-\END &&
	#!/bin/sh
	exec 9>lock.$1.$LOST; flock -n 9 || { echo $1 >>twice; exit 1; }
	echo $1 >>began
	until test -e go.$CLIENT; do sleep 0.1; done
	echo $1 >>ran
	END
    cat >"$1/client" <<-\END &&
	#!/bin/sh
	echo $$ >pid; echo $SLURMD_NODENAME >node.$ASYNC_WORKFLOW_ATTEMPT
	test $ASYNC_WORKFLOW_ATTEMPT = 0 || touch go.$ASYNC_WORKFLOW_ATTEMPT
	export CLIENT=$ASYNC_WORKFLOW_ATTEMPT
	test ! -e lost || export LOST=$CLIENT # its processes may live on for a moment
	exec makeflow -T slurm -r 1 Makeflow
	END
    chmod +x "$1/client" "$1/job" &&
    printf '{ "async-workflow": 1, "tasks": { "client": { "command": ["./client"], "cpus": 3, "retries": 1, "slurm_commands": true } } }\n' >"$1/w.json"
}

# start DIR [OPTION]...: runs it in the background, in a job of its own
start ()
{
    (cd "$1" && shift && exec $INTERRUPTIBLE srun -N2 --exclusive --async-workflow=w.json --async-workflow-dir=run "$@" >out 2>err </dev/null) &
    pid=$!
}

# begun DIR: both jobs run
begun () { test "$(sort -u "$1/began" 2>/dev/null | wc -l)" = 2; }

# done_well DIR: all is as it must be, and each job ran once to its end
done_well ()
{
    test "$(wc -l <"$1/all")" = 3 && test "$(sort "$1/ran" | xargs)" = "1 2 all" && test_must_fail test -e "$1/twice" ||
        { head "$1"/out "$1"/err "$1"/ran "$1"/began "$1"/run/logs/client* >&4; false; }
}

test_expect_success 'a pipeline' '
    pipeline well && touch well/go.0 && start well && test_expect_code 0 wait $pid && done_well well &&
    test $(events well/run "\"event\":\"finish\",\"task\":\"makeflow" completed) = 3
'

# Makeflow 9.9 itself exits with 0 then.
test_expect_success 'a failing job is a failure for Makeflow, which tries again and gives up' '
    pipeline bad "bad: in\\n\\tcat in > bad; false" && touch bad/go.0 && start bad && test_expect_code 0 wait $pid &&
    grep "failed with exit code 1" bad/run/logs/client.0.err && grep "failed too many times" bad/run/logs/client.0.err
'

test_expect_success 'Makeflow is killed: its jobs end with it, and the next attempt does them again' '
    pipeline killed && start killed && wait_for 60 begun killed && kill -9 $(cat killed/pid) && test_expect_code 0 wait $pid &&
    done_well killed &&
    test $(events killed/run "\"event\":\"cancel\",\"task\":\"makeflow" "client[0]") = 2
'

test_expect_success 'its node is lost: the same' '
    pipeline lost && touch lost/lost && start lost && wait_for 60 begun lost && kill -9 $(agent_of $(cat lost/node.0)) && test_expect_code 0 wait $pid &&
    done_well lost && test $(events lost/run node_lost) = 1
'

test_expect_success 'Ctrl-C, and the run is resumed' '
    pipeline stopped && start stopped && wait_for 60 begun stopped && kill -INT $pid &&
    wait_for 60 "grep -q stopping stopped/err" && kill -INT $pid; test_expect_code 3 wait $pid &&
    (cd stopped && srun -N2 --exclusive --async-workflow-resume=run >>out 2>>err </dev/null) && done_well stopped
'

test_expect_success 'nothing is left running' 'nothing_left'

test_done
