#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='data staging over nodes that are lost, agents and coordinators that are killed: nothing is left, nothing is half there'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 0

# Both nodes are this machine, each with a scratch directory of its own below this one.
mkdir data data/many results &&
above=$(mktemp -d "$top_builddir/tests/scratch.XXXXXX") && # on a disk: TMPDIR may be memory
ASYNC_WORKFLOW_SCRATCH=$above &&
export ASYNC_WORKFLOW_SCRATCH &&
head -c 100000 /dev/zero >data/model &&
head -c 800 /dev/zero | (cd data/many && split -b 1 -a 4 - f) || exit 1

# What takes a while: each of the files is written to the disk and read again.
slow="{ \"from\": \"data/many\", \"to\": \"many\", \"checksum\": true }"

no_scratch () { test -z "$(ls $above)"; }
# agent_alone NODE: without the processes that copy, which are its children and look like it
agent_alone ()
{
    for alone in $(agent_of $1); do
        test "$(ps -o comm= -p $(ps -o ppid= -p $alone))" = aw-supervisor && echo $alone
    done
}
gone () { ! kill -0 $pid 2>/dev/null; }
start ()
{
    name=$1
    shift
    srun -N2 --exclusive --async-workflow="$name.json" --async-workflow-dir="$name" "$@" >"$name.out" 2>"$name.err" </dev/null &
    pid=$!
}

test_expect_success 'two nodes: one copy each, in a directory of its own that is gone at the end' '
    workflow two.json "\"tasks\": { \"w\": { \"count\": 16, \"stage_in\": \"data/model\",
        \"script\": \"wc -c <{scratch}/model; echo {scratch} >>dirs; sleep 0.1\" } }" &&
    run 0 two -N2 --exclusive --async-workflow=two.json --async-workflow-dir=two &&
    finished two 16 &&
    test $(sort -u dirs | wc -l) = 2 &&
    test "$(sort -u dirs | sed "s,.*/,," | tr "\n" " ")" = "n1 n2 " &&
    test $(events two "\"event\":\"staged\"" "\"bytes\":100000") = 2 &&
    test $(events two "\"event\":\"staged\"" "\"bytes\":0") = 14 &&
    wait_for 30 no_scratch && nothing_left
'

test_expect_success 'a node lost while data comes: it is brought elsewhere; nothing is left where it came' '
    workflow lost.json "\"tasks\": { \"w\": { \"count\": 2, \"cpus\": 4, \"stage_in\": $slow, \"script\": \"ls {scratch}/many | wc -l\" } }" &&
    start lost &&
    wait_for 60 "test -n \"\$(ls $above/*/n1/many 2>/dev/null)\"" &&
    test $(events lost "\"event\":\"staged\"" "\"node\":\"n1\"") = 0 &&
    kill -KILL $(agent_alone n1) &&
    wait_for 60 gone && test_expect_code 0 wait $pid && finished lost 2 &&
    test $(events lost "\"event\":\"stage\"" "\"node\":\"n1\"" "\"attempt\":0") = 1 &&
    test $(events lost "\"event\":\"finish\"" "\"status\":\"node_fail\"" "\"node\":\"n1\"") = 1 &&
    test $(events lost "\"event\":\"start\"" "\"node\":\"n2\"") = 2 &&
    test $(cat lost/logs/*.out | grep -c 800) = 2 &&
    wait_for 30 no_scratch && nothing_left
'

test_expect_success 'the coordinator killed while data comes: --resume brings it again' '
    workflow again.json "\"tasks\": { \"first\": { \"script\": \"echo once >>first\" },
        \"w\": { \"after\": [\"first\"], \"count\": 2, \"cpus\": 4, \"stage_in\": $slow, \"script\": \"ls {scratch}/many | wc -l\" } }" &&
    start again &&
    wait_for 60 "test -n \"\$(ls $above/*/n1/many 2>/dev/null)\"" &&
    coordinator=$(coordinator_of $pid) &&
    kill -KILL $coordinator &&
    wait_for 60 gone && { wait $pid || true; } &&
    wait_for 30 no_scratch && nothing_left &&
    test $(events again "\"event\":\"staged\"") = 0 &&
    run 0 again.2 -N2 --exclusive --async-workflow=again.json --async-workflow-resume=again &&
    test $(events again "\"event\":\"staged\"") = 2 &&
    test $(events again "\"event\":\"resume\"") = 1 &&
    test $(wc -l <first) = 1 &&
    test $(cat again/logs/*.out | grep -c 800) = 2 &&
    wait_for 30 no_scratch && nothing_left
'

test_expect_success 'an agent killed while results leave: nothing half there, and the task runs again' '
    workflow cut.json "\"tasks\": { \"w\": { \"stage_out\": { \"from\": \"big\", \"to\": \"results/\", \"checksum\": true },
        \"script\": \"truncate -s 200M {scratch}/big; echo \$SLURMD_NODENAME >>where\" } }" &&
    start cut &&
    wait_for 60 "ls results/.big.aw-copy-* 2>/dev/null" &&
    test ! -e results/big &&
    kill -KILL $(agent_alone $(cat where)) &&
    wait_for 60 gone && test_expect_code 0 wait $pid && finished cut 1 &&
    test $(wc -l <where) = 2 &&
    test "$(ls -A results)" = big && test $(stat -c %s results/big) = $((200 << 20)) &&
    rm results/big &&
    wait_for 30 no_scratch && nothing_left
'

rm -rf "$above"
test_done
