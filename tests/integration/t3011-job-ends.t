#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the job ends, is suspended, or gets another time limit while a run goes on'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 3 --cores 2 --gpus 0

PATH=$top_builddir/helpers:$PATH
export PATH

workflow long.json "\"tasks\": { \"s\": { \"count\": 3, \"cpus\": 2, \"retries\": 3,
    \"script\": \"echo up; exec sleep $MARK\" } }"
workflow ranks.json "\"tasks\": {
    \"s\": { \"ranks\": 3, \"nodes\": 3, \"retries\": 3, \"script\": \"echo up; exec sleep $MARK\" },
    \"t\": { \"count\": 3, \"retries\": 3, \"script\": \"echo up; exec sleep $MARK\" } }"

# start NAME FILE SALLOC-OPTION...: a run over three nodes, of which Slurm signals only the pool; $job, $pid
start ()
{
    name=$1 file=$2
    shift 2
    salloc -N3 --exclusive --no-shell --quiet "$@" 2>$name.salloc || { cat $name.salloc; return 1; }
    job=$(squeue --noheader --format=%i)
    SLURM_JOB_ID=$job async-workflow run --dir $name --grace 2 --progress plain $file >$name.out 2>$name.err </dev/null &
    pid=$!
}

begun () { wait_for 60 "test \"\$(cat $1/logs/*.out 2>/dev/null | grep -c up)\" -ge $2" || { cat $1.err; return 1; }; }

# stopped NAME: the run ends with status 3; no task has failed, and none was tried again
stopped ()
{
    test_expect_code 3 wait $pid &&
    grep -q '"event":"stop"' $1/journal.jsonl &&
    test "$(events $1 '"event":"finish"' '"status":"failed"')" = 0 &&
    test "$(events $1 '"status":"node_fail"')" = 0 &&
    test "$(events $1 '"event":"start"' '"attempt":1')" = 0 || { cat $1.out $1.err $1/journal.jsonl; return 1; }
}

test_expect_success 'scancel of a job over several nodes: stopped, and no task has failed' '
    start cancel long.json && begun cancel 3 &&
    scancel $job &&
    stopped cancel && nothing_left
'

test_expect_success 'the first agent ends long before the others: Slurm is asked, and nothing is tried again' '
    start skewed long.json && begun skewed 3 &&
    frozen="$(agent_of n2) $(agent_of n3)" &&
    kill -STOP $frozen &&
    { while kill -STOP $frozen 2>/dev/null && ! grep -q stopping: skewed.err; do :; done & } && # Slurm wakes them
    scancel $job &&
    # Slurm may wake them before they are frozen again: then all agents report the SIGTERM themselves.
    wait_for 60 "grep -qE \"stopping: (Slurm ends the job .its state is C|the nodes leave: SIGTERM)\" skewed.err" &&
    { kill -CONT $frozen 2>/dev/null; true; } &&
    stopped skewed && nothing_left
'

test_expect_success 'only the pool step ends, a node after the other' '
    start step long.json && test_when_finished "scancel $job 2>/dev/null || :" && begun step 3 &&
    agents="$(agent_of n1) $(agent_of n2) $(agent_of n3)" && # to look for one takes a while
    for agent in $agents; do kill -TERM $agent && sleep 0.3 || return 1; done &&
    stopped step && scancel $job && nothing_left
'

test_expect_success 'scancel while tasks have steps of their own' '
    start ranks ranks.json && begun ranks 4 &&
    scancel $job &&
    stopped ranks && nothing_left
'

test_expect_success 'one node is lost: its task runs elsewhere' '
    workflow gate.json "\"tasks\": { \"s\": { \"count\": 3, \"cpus\": 2, \"script\": \"echo up; until test -e go; do sleep 0.1; done\" } }" &&
    start node gate.json --no-kill && begun node 3 &&
    kill -KILL $(agent_of n2) && touch go &&
    wait $pid && finished node 3 &&
    test "$(events node node_lost)" = 1 &&
    scancel $job && nothing_left
'

test_expect_success 'a job that is suspended loses no node' '
    rm -f go && ASYNC_WORKFLOW_NODE_TIMEOUT=4 && export ASYNC_WORKFLOW_NODE_TIMEOUT &&
    start suspended gate.json && unset ASYNC_WORKFLOW_NODE_TIMEOUT && begun suspended 3 &&
    scontrol suspend $job && sleep 10 && touch go && scontrol resume $job &&
    wait $pid && finished suspended 3 &&
    test "$(events suspended node_lost)" = 0 &&
    scancel $job && nothing_left
'

test_expect_success 'a longer time limit is noticed before a task is held back' '
    workflow limit.json "\"tasks\": { \"a\": { \"script\": \"echo up; sleep 32\" },
        \"b\": { \"after\": [\"a\"], \"time_limit\": 100, \"script\": \"echo up\" } }" &&
    start limit limit.json --time=2 && begun limit 1 &&
    scontrol update JobId=$job TimeLimit=10 &&
    wait $pid && finished limit 2 &&
    grep -q "time limit has changed: the run ends in 9m" limit.err &&
    test "$(events limit "\"event\":\"limit\"")" = 2 &&
    scancel $job && nothing_left
'

test_done
