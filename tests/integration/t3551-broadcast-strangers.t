#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Strangers at the port on which an agent gives staged data to other nodes'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 1 --gpus 0

. "$top_srcdir/tests/integration/strangers.sh"
# listening PID: the port of its listening socket
listening ()
{
    for inode in $(readlink /proc/$1/fd/* | sed -n 's/^socket:\[\(.*\)\]$/\1/p'); do
        cat /proc/net/tcp /proc/net/tcp6 | awk -v i="$inode" '$4 == "0A" && $10 == i { sub(".*:", "", $2); print $2 }'
    done | head -n 1
}

workflow wait.json '"tasks": { "w": { "count": 2, "stage_in": "data", "script": "echo x; until [ -e end ]; do sleep 0.1; done" } }'
head -c $((2 << 20)) /dev/urandom >data

test_expect_success 'a run whose nodes share data: the agent of a node listens' '
    srun -N2 --exclusive --async-workflow=wait.json --async-workflow-dir=wait >run.out 2>run.err </dev/null &
    echo $! >run.pid && wait_for 60 "started wait 2" &&
    test $(events wait "\"from_nodes\":2097152") = 1 &&
    for agent in $(agent_of n1); do
        printf "%d\n" "0x$(listening $agent)" 2>/dev/null
    done | grep -v "^0$" | head -n 1 >port && test -s port &&
    squeue --noheader --format=%i >job && test -s job
'
port=$(cat port)
JOB=$(cat job)
PROOF=$CLUSTER_DIR/public/proof
export JOB PROOF

test_expect_success 'a credential for the coordinator: refused' '
    knock 0 "closed 3 .*accepted 0" proof 3
'

test_expect_success 'one for another agent is accepted, once' '
    (JOB="$JOB data" && export JOB && knock 3 "accepted 1" proof 1)
'

test_expect_success 'played back on another connection by the same user: refused' '
    (JOB="$JOB data" && export JOB && knock 0 "closed 1 .*accepted 0" keep 1 && test -s "$PROOF" &&
        knock 0 "closed 1 .*accepted 0" replay 1)
'

test_expect_success OTHER 'another user, with a credential of his own or one that he has overheard: refused' '
    (JOB="$JOB data" && export JOB && AS=other knock 0 "closed 3 .*accepted 0" proof 3 &&
        AS=other knock 0 "closed 3 .*accepted 0" replay 3)
'

test_expect_success OTHER 'another user with garbage, too much, nothing, in crowds: refused' '
    AS=other knock 0 "unreachable 0 .*accepted 0" garbage,much,silent,hang-up,slow 300
'

test_expect_success 'the run ends well' '
    touch end && test_expect_code 0 wait $(cat run.pid) && finished wait 2 && nothing_left
'

test_done
