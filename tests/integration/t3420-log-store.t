#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The log store on several nodes: steps of their own, a killed agent, a job that ends'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 0

test_expect_success 'two files a node; steps of their own have files, and logs prints both' '
    workflow many.json "\"logs\": \"store\", \"tasks\": {
        \"a\": { \"count\": 60, \"script\": \"echo {task} on \$(hostname); seq {index} 2000; sleep 0.05\" },
        \"step\": { \"ranks\": 2, \"nodes\": 2, \"command\": [\"echo\", \"rank\"] },
        \"silent\": { \"launch\": \"step\", \"command\": [\"true\"] } }" &&
    run 0 many -N2 --exclusive --async-workflow=many.json --async-workflow-dir=many &&
    ls many/logs >got && test $(grep -c "\.log$" got) = 2 && test $(grep -c "\.idx$" got) = 2 &&
    test -e many/logs/step.0.out && test ! -e many/logs/step.0.err && test ! -e many/logs/silent.0.out &&
    async-workflow logs many step >got && printf "rank\nrank\n" | test_cmp - got &&
    for i in $(seq 0 59); do
        async-workflow logs many "a[$i]" | sed 1d >got && seq $i 2000 >want && cmp want got || return 1
    done &&
    async-workflow logs many a | grep -c "^==> a" >got && echo 60 | test_cmp - got
'

test_expect_success 'the option of srun chooses, and a run of more than 1,000 tasks says so' '
    workflow few.json "\"tasks\": { \"a\": { \"count\": 4, \"command\": [\"echo\", \"{index}\"] } }" &&
    run 0 few -N2 --exclusive --async-workflow=few.json --async-workflow-dir=few --async-workflow-logs=store &&
    async-workflow logs few "a[3]" >got && echo 3 | test_cmp - got && test ! -e few/logs/a.3.out &&
    workflow more.json "\"tasks\": { \"a\": { \"count\": 1001, \"command\": [\"true\"] } }" &&
    run 0 more -N2 --exclusive --async-workflow=more.json --async-workflow-dir=more &&
    grep -q "1001 tasks share their log files: async-workflow logs .*more TASK" more.err
'

# agent_of NODE: its agent, not the supervisor above it
agent_of ()
{
    for process in $(pgrep -x async-workflow-); do
        tr "\\0" "\\n" <"/proc/$process/environ" 2>/dev/null | grep -qxF "SLURMD_NODENAME=$1" &&
            tr "\\0" "\\n" <"/proc/$process/environ" | grep -qxF "SLURM_CONF=$SLURM_CONF" && echo "$process"
    done | tail -n 1
}

workflow half.json '"logs": "store", "tasks": { "a": { "count": 200, "script": "seq {index} 3000; sleep 0.05" } }'

# completed DIR: each completed task has its output; in "indexes" are their indexes
completed ()
{
    sed -n 's/.*"event":"finish","task":"a\[\([0-9]*\)\]".*"status":"completed".*/\1/p' "$1/journal.jsonl" >indexes &&
    for i in $(cat indexes); do
        async-workflow logs "$1" "a[$i]" >got && seq $i 3000 >want && cmp want got || return 1
    done
}

test_expect_success 'an agent is killed: no output of a completed task is lost, and the run ends well' '
    { run 0 half -N2 --exclusive --async-workflow=half.json --async-workflow-dir=half & } && pid=$! &&
    wait_for 60 "test \$(grep -c completed half/journal.jsonl) -gt 30" &&
    agent=$(agent_of $(sed -n "s/.*\"event\":\"node\",\"node\":\"\([^\"]*\)\".*/\1/p" half/journal.jsonl | tail -n 1)) &&
    kill -KILL $agent && wait $pid &&
    completed half && test $(wc -l <indexes) = 200
'

test_expect_success 'the job is cancelled, and another one resumes: a new pair for each agent, nothing lost' '
    rm -rf half && { test_expect_code 3 srun -N2 --exclusive --async-workflow=half.json --async-workflow-dir=half >half.out 2>half.err </dev/null & } &&
    pid=$! && wait_for 60 "test \$(grep -c completed half/journal.jsonl) -gt 30" &&
    scancel --user $(id -un) && { wait $pid; true; } && completed half && test $(wc -l <indexes) -lt 200 &&
    run 0 again -N2 --exclusive --async-workflow-resume=half &&
    completed half && test $(wc -l <indexes) = 200 && test $(ls half/logs/*.log | wc -l) = 4
'

test_expect_success 'nothing is left' nothing_left

test_done
