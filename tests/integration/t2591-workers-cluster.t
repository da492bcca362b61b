#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Workers on several nodes; an agent that dies, a job that is cancelled'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 2

# Notes node, process and GPU once, then answers calls.
cat >worker.sh <<\END
echo $SLURMD_NODENAME $$ $CUDA_VISIBLE_DEVICES >>$1
while read -r call <&3; do sleep 0.05; echo '{"result":"'$SLURMD_NODENAME'"}' >&3; done
END

gone () { cut -d" " -f2 $1 | while read -r pid; do wait_for 30 "! kill -0 $pid 2>/dev/null" || return 1; done; }
over () { ! kill -0 $pid 2>/dev/null; }

test_expect_success 'a worker for each place on both nodes, with CPUs and GPUs of its own; results from both' '
    workflow both.json "\"tasks\": { \"call\": { \"count\": 60, \"cpus\": 2, \"gpus\": 1, \"worker\": [\"sh\", \"worker.sh\", \"both.pids\"] } }" &&
    run 0 both -N2 --exclusive --async-workflow=both.json --async-workflow-dir=both && finished both 60 &&
    cut -d" " -f1,3 both.pids | sort >places && printf "n1 0\nn1 1\nn2 0\nn2 1\n" | test_cmp - places &&
    test $(grep -c "n1" both/messages/call:results.jsonl) -gt 0 && test $(grep -c "n2" both/messages/call:results.jsonl) -gt 0 &&
    gone both.pids
'

test_expect_success 'the agent of a node is killed: its workers are gone, its calls run on the other node' '
    workflow agent.json "\"tasks\": { \"call\": { \"count\": 100, \"cpus\": 2, \"worker\": [\"sh\", \"worker.sh\", \"agent.pids\"] } }" &&
    { srun -N2 --exclusive --async-workflow=agent.json --async-workflow-dir=agent >agent.out 2>agent.err </dev/null & } && pid=$! &&
    wait_for 60 "test \$(grep -c completed agent/journal.jsonl 2>/dev/null) -ge 10" &&
    grep "^n1 " agent.pids >n1.pids && kill -KILL $(agent_of n1) && gone n1.pids &&
    wait_for 120 over && { wait $pid; test $? = 0; } && finished agent 100 && gone agent.pids
'

test_expect_success 'scancel: no worker is left; the run is resumed' '
    workflow cancel.json "\"tasks\": { \"call\": { \"count\": 80, \"cpus\": 2, \"worker\": [\"sh\", \"worker.sh\", \"cancel.pids\"] } }" &&
    { srun -N2 --exclusive --async-workflow=cancel.json --async-workflow-dir=cancel >cancel.out 2>cancel.err </dev/null & } && pid=$! &&
    wait_for 60 "test \$(grep -c completed cancel/journal.jsonl 2>/dev/null) -ge 10" &&
    scancel $(squeue -h -o %A) && wait_for 60 over && gone cancel.pids &&
    wait_for 30 "test -z \"\$(squeue -h)\"" &&
    srun -N2 --exclusive --async-workflow=cancel.json --async-workflow-resume=cancel >resumed.out 2>&1 </dev/null &&
    test $(grep "\"status\":\"completed\"" cancel/journal.jsonl | grep -o "\"task\":\"[^\"]*\"" | sort -u | wc -l) = 80 &&
    test $(grep -c "\"status\":\"completed\"" cancel/journal.jsonl) = 80 && gone cancel.pids && nothing_left
'

test_done
