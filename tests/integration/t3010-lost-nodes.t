#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='nodes that do not answer, and daemons that come back: the run goes on'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 0

ASYNC_WORKFLOW_NODE_TIMEOUT=4
export ASYNC_WORKFLOW_NODE_TIMEOUT

workflow gate.json "\"tasks\": { \"m\": { \"count\": 4, \"cpus\": 2,
    \"script\": \"echo up; until test -e {task}.go -o -e go; do sleep 0.1; done\" } }"
workflow long.json "\"tasks\": { \"s\": { \"count\": 4, \"cpus\": 2,
    \"script\": \"echo up; exec sleep $MARK\" } }"

begun () { wait_for 60 "test \"\$(cat $1/logs/*.out 2>/dev/null | grep -c up)\" -ge $2"; }
none_sleeps () { test "$(sleepers)" = 0; }

# start NAME FILE: in the background, over both nodes; $pid is the command, $coordinator what salloc has started
start ()
{
    rm -f go
    srun -n8 --async-workflow=$2 --async-workflow-dir=$1 >$1.out 2>$1.err </dev/null &
    pid=$!
    begun $1 4 || { cat $1.out $1.err; return 1; }
    coordinator=$(coordinator_of $pid)
}

gone () { ! kill -0 $pid 2>/dev/null; }
ends () { wait_for 60 gone && test_expect_code $1 wait $pid; }
agent_gone () { ! kill -0 $frozen 2>/dev/null; }

test_expect_success 'an agent stopped by SIGSTOP: its tasks run elsewhere, once; awake again it leaves' '
    start frozen gate.json &&
    frozen=$(agent_of n1) &&
    kill -STOP $frozen &&
    wait_for 30 "test \$(events frozen node_lost) = 1" &&
    grep -q "n1 is lost: no heartbeat for 4 s" frozen.err &&
    touch go &&
    wait_for 30 "test \$(events frozen \"\\\"status\\\":\\\"completed\\\"\") = 4" &&
    kill -CONT $frozen && wait_for 30 agent_gone &&
    ends 0 && finished frozen 4 &&
    test $(events frozen "\"status\":\"node_fail\"") = 2 &&
    test $(events frozen "\"event\":\"start\"" "\"attempt\":1" "\"node\":\"n2\"") = 2 &&
    test $(ls frozen/logs/*retry1.out | wc -l) = 2 &&
    nothing_left
'

test_expect_success 'awake while the run goes on: its tasks are killed, what it says is not heard' '
    start woken gate.json &&
    frozen=$(agent_of n1) &&
    kill -STOP $frozen &&
    wait_for 30 "test \$(events woken node_lost) = 1" &&
    kill -CONT $frozen && wait_for 30 agent_gone &&
    test $(events woken "\"event\":\"finish\"" "\"status\":\"completed\"") = 0 &&
    touch go &&
    ends 0 && finished woken 4 &&
    nothing_left
'

test_expect_success 'a second Ctrl-C does not wait for a node that does not answer' '
    (ASYNC_WORKFLOW_NODE_TIMEOUT=0 && export ASYNC_WORKFLOW_NODE_TIMEOUT && start hurry long.json &&
        echo $pid $coordinator >pids) &&
    read pid coordinator <pids &&
    frozen=$(agent_of n1) &&
    kill -STOP $frozen &&
    kill -INT $coordinator &&
    wait_for 60 "test \$(events hurry \"\\\"event\\\":\\\"stop\\\"\") = 1" &&
    sleep 0.3 && # what comes at once counts once
    kill -INT $coordinator &&
    wait_for 60 "ended hurry 3" &&
    test $(events hurry "\"status\":\"node_fail\"" "\"node\":\"n1\"") = 2 &&
    test $(events hurry "\"status\":\"cancelled\"" "\"node\":\"n2\"") = 2 &&
    wait_for 30 gone &&
    kill -CONT $frozen 2>/dev/null; nothing_left && none_sleeps
'

test_expect_success 'slurmctld ended and started again in mid-run: nothing happens' '
    start restart gate.json &&
    kill -TERM $(pgrep -f "slurmctld -D -c -f $CLUSTER_DIR/slurm.conf") &&
    wait_for 30 "! scontrol ping | grep -q \"is UP\"" &&
    touch "m[0].go" &&
    wait_for 30 "test \$(events restart \"\\\"status\\\":\\\"completed\\\"\") = 1" &&
    { PATH=$PATH:/usr/sbin setsid slurmctld -D -f $CLUSTER_DIR/slurm.conf >>$CLUSTER_DIR/log/slurmctld.log 2>&1 </dev/null & } &&
    wait_for 60 "scontrol ping | grep -q \"is UP\"" &&
    touch go &&
    ends 0 && finished restart 4 &&
    test $(events restart node_lost) = 0 &&
    nothing_left
'

test_expect_success 'a node on which task after task fails is set aside, and the run ends well' '
    workflow hole.json "\"tasks\": { \"h\": { \"count\": 60, \"retries\": 20,
        \"script\": \"test \$SLURMD_NODENAME != n1 && sleep 0.3\" } }" &&
    run 0 hole -n8 --async-workflow=hole.json --async-workflow-dir=hole &&
    finished hole 60 &&
    test $(events hole "\"event\":\"node_aside\"" "\"node\":\"n1\"") = 1 &&
    test $(events hole "\"event\":\"node_aside\"") = 1 &&
    n=$(grep -n "\"event\":\"node_aside\"" hole/journal.jsonl | cut -d: -f1) &&
    ! sed "1,${n}d" hole/journal.jsonl | grep "\"event\":\"start\"" | grep -q "\"node\":\"n1\"" &&
    grep -q "node n1 is drained: [0-9]* tasks in a row failed there, the last h.*, and elsewhere they do not" hole.err &&
    PATH=$top_builddir/tests/integration:$PATH replay hole &&
    nothing_left
'

test_done
