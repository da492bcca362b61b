#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='all running tasks of two nodes wait for messages, also the ranks of a step'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
cluster_start --nodes 2 --cores 3

stalls () { test "$(events "$1" '"event":"stall"')" = "$2"; }

test_expect_success 'another rank, on the other node, sends later: that is reported, and all is received' '
    workflow rank.json "\"tasks\": {
        \"wait\": { \"count\": 2, \"cpus\": 2, \"script\": \"async-workflow recv go\" },
        \"step\": { \"nodes\": 2, \"ranks\": 2,
            \"script\": \"test \$SLURM_PROCID = 0 || { sleep 6; async-workflow send go x; exit; }; async-workflow recv go\" } }" &&
    run 0 rank -N2 --exclusive --async-workflow=rank.json --async-workflow-dir=rank &&
    finished rank 3 && stalls rank 1 &&
    grep "all 3 running tasks wait for messages (wait\[0\] on topic go), and no other task can start" rank.err
'

test_expect_success 'a task on the other node sends' '
    workflow node.json "\"tasks\": {
        \"wait\": { \"cpus\": 3, \"script\": \"async-workflow recv go\" },
        \"send\": { \"cpus\": 3, \"script\": \"sleep 4; async-workflow send go x\" } }" &&
    run 0 node -N2 --exclusive --async-workflow=node.json --async-workflow-dir=node &&
    finished node 2 && stalls node 0
'

test_expect_success 'nobody is left: tasks of both nodes and all ranks of a step end by themselves' '
    workflow none.json "\"tasks\": {
        \"wait\": { \"count\": 2, \"cpus\": 2, \"on_failure\": \"continue\", \"script\": \"async-workflow recv go\" },
        \"step\": { \"nodes\": 2, \"ranks\": 2, \"on_failure\": \"continue\", \"script\": \"async-workflow recv go\" } }" &&
    run 0 none -N2 --exclusive --async-workflow=none.json --async-workflow-dir=none &&
    stalls none 1 && ! grep "\"event\":\"kill\"" none/journal.jsonl &&
    test "$(grep -h -c "no message can come: all 3 running tasks" none/logs/step.0.err)" = 2 &&
    test "$(cat none/logs/wait.*.err | grep -c "no message can come")" = 2 &&
    "$top_builddir/tests/integration/replay" none
'

test_expect_success 'nothing is left' 'no_process_left'

test_done
