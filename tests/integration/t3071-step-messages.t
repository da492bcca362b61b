#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='messages of ranks: tasks that are a job step of their own, over several nodes'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
cluster_start --nodes 3 --cores 2

test_expect_success 'ranks of two nodes publish; a task of the pool gets all, from one sender' '
    workflow frames.json "\"tasks\": {
        \"simulate\": { \"nodes\": 2, \"ranks\": 4,
            \"script\": \"for i in 1 2 3 4 5; do async-workflow send frames \$SLURM_PROCID.\$i; done\" },
        \"train\": { \"script\": \"async-workflow recv --header --count 20 --timeout 60 frames\" } }" &&
    run 0 frames -N3 --exclusive --async-workflow=frames.json --async-workflow-dir=frames &&
    finished frames 2 &&
    test "$(sed -n "s/^\(simulate[^ ]* 0\) .*/\1/p" frames/logs/train.0.out | sort -u)" = "simulate[0] 0" &&
    sed -n "s/^simulate\S* 0 \([0-9]*\) .*/\1/p" frames/logs/train.0.out >numbers &&
    seq 1 20 | test_cmp - numbers &&
    for rank in 0 1 2 3; do
        grep "^$rank\.[1-5]\$" frames/logs/train.0.out >order &&
        printf "$rank.%d\n" 1 2 3 4 5 | test_cmp - order || return 1
    done
'

# What a rank has sent last is there before its end is: else the set would be short of its messages.
test_expect_success 'a set starts by messages of ranks, and none is missing when the step has ended' '
    workflow every.json "\"tasks\": {
        \"simulate\": { \"count\": 3, \"nodes\": 2,
            \"script\": \"seq 1 20 | async-workflow send --lines frames\" },
        \"train\": { \"count\": 6, \"after\": [{ \"message\": \"frames\", \"every\": 20 }],
            \"script\": \"async-workflow recv --group trainers --count 20 --timeout 60 frames | wc -l\" } }" &&
    run 0 every -N3 --exclusive --async-workflow=every.json --async-workflow-dir=every &&
    finished every 9 &&
    test "$(cat every/logs/train.*.out | sort -u)" = 20 &&
    "$top_builddir/tests/integration/replay" every
'

# The agent of the second node sleeps while its rank sends and ends, and its srun after it.
test_expect_success 'the end of a step waits for what its ranks have said' '
    mkfifo lines.0 lines.1 &&
    workflow late.json "\"tasks\": {
        \"simulate\": { \"nodes\": 2, \"script\": \"exec async-workflow send --lines frames <lines.\$SLURM_PROCID\" },
        \"train\": { \"after\": [{ \"message\": \"frames\", \"count\": 6 }], \"command\": [\"true\"] } }" &&
    { run 0 late -N3 --exclusive --async-workflow=late.json --async-workflow-dir=late & } && other=$! &&
    exec 8>lines.0 9>lines.1 &&
    echo a >&8 && echo b >&9 &&
    wait_for 30 "test \"\$(grep -c . late/messages/frames.jsonl)\" = 2" &&
    stopped=$(agent_of n2) && kill -STOP $stopped &&
    echo c >&8 && printf "d\\ne\\nf\\n" >&9 &&
    exec 8>&- 9>&- &&
    wait_for 30 none_runs "send --lines frames" && wait_for 30 none_runs on=n2: &&
    sleep 0.3 &&
    test "$(events late "\"event\":\"finish\"")" = 0 && test "$(grep -c . late/messages/frames.jsonl)" = 3 &&
    kill -CONT $stopped &&
    wait $other && finished late 2
'

test_expect_success 'ranks receive, and ask; a group shares, whichever node its receivers are on' '
    workflow both.json "\"tasks\": {
        \"send\": { \"script\": \"seq 1 40 | async-workflow send --lines work\" },
        \"serve\": { \"script\": \"for i in 1 2 3 4; do set -- \$(async-workflow recv --header --timeout 60 ask); async-workflow send --reply \$4 \\\"\$1 said \$5\\\"; done\" },
        \"solve\": { \"nodes\": 2, \"ranks\": 4,
            \"script\": \"async-workflow recv --group ranks --count 10 --timeout 60 work; async-workflow send --request --timeout 60 ask rank\$SLURM_PROCID\" } }" &&
    run 0 both -N3 --exclusive --async-workflow=both.json --async-workflow-dir=both &&
    grep -v said both/logs/solve.0.out | sort -n >got &&
    seq 1 40 | test_cmp - got &&
    grep said both/logs/solve.0.out | sort >answers &&
    printf "solve[0] said rank%d\n" 0 1 2 3 | test_cmp - answers
'

test_expect_success 'a rank cancels tasks' '
    workflow cancel.json "\"tasks\": {
        \"watch\": { \"nodes\": 2, \"script\": \"test \$SLURM_PROCID = 0 || async-workflow cancel long\" },
        \"long\": { \"count\": 2, \"command\": [\"sleep\", \"$MARK\"] },
        \"behind\": { \"after\": [\"long\"], \"command\": [\"true\"] } }" &&
    run 0 cancel -N3 --exclusive --async-workflow=cancel.json --async-workflow-dir=cancel &&
    test "$(events cancel "\"event\":\"cancel\"" "\"reason\":\"watch[0]\"")" = 1 &&
    test $(($(events cancel "\"event\":\"skip\"" "long[") + $(events cancel "\"event\":\"kill\"" "long["))) = 2 &&
    test "$(events cancel "\"event\":\"skip\"" "behind[0]")" = 1 &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'an attempt more sends again, and counts once' '
    workflow retry.json "\"tasks\": {
        \"simulate\": { \"nodes\": 2, \"retries\": 1,
            \"script\": \"seq 1 5 | async-workflow send --lines frames; test \$ASYNC_WORKFLOW_ATTEMPT = 1 || exit 3\" },
        \"train\": { \"after\": [{ \"message\": \"frames\", \"every\": 5 }], \"count\": 2, \"command\": [\"true\"] } }" &&
    run 0 retry -N3 --exclusive --async-workflow=retry.json --async-workflow-dir=retry &&
    finished retry 3
'

# The token is a rank'\''s alone to know: no command line has it, nor any file but of the socket'\''s owner.
test_expect_success 'the token is on no command line and in no file; the socket is its owner'\''s alone' '
    workflow token.json "\"tasks\": { \"look\": { \"nodes\": 2,
        \"script\": \"echo \$ASYNC_WORKFLOW_TOKEN \$ASYNC_WORKFLOW_SOCKET; stat -c %a \$ASYNC_WORKFLOW_SOCKET \$(dirname \$ASYNC_WORKFLOW_SOCKET); sleep $MARK\" } }" &&
    { run 1 token -N3 --exclusive --async-workflow=token.json --async-workflow-dir=token & } && other=$! &&
    wait_for 30 "test \$(sleepers) = 2 && test \$(grep -c ^700 token/logs/look.0.out) = 2" &&
    cat token/logs/look.0.out &&
    token=$(sed -n "s/^\([0-9a-f]\{32\}\) .*/\1/p" token/logs/look.0.out | sort -u) &&
    test "$(echo "$token" | wc -l)" = 1 && test ${#token} = 32 &&
    test "$(sed -n "s/^[0-9a-f]\{32\} //p" token/logs/look.0.out | sort -u | wc -l)" = 2 &&
    test "$(grep -c "^600" token/logs/look.0.out)" = 2 &&
    ps -eww -o args >lines && grep -q "sleep $MARK" lines && ! grep -v grep lines | grep "$token" &&
    ! grep -rl "$token" token/journal.jsonl token/workflow.json "$CLUSTER_DIR" &&
    socket=$(sed -n "s/^$token //p" token/logs/look.0.out | head -n 1) &&
    test_expect_code 4 env ASYNC_WORKFLOW_LAUNCH=0.0 ASYNC_WORKFLOW_SOCKET=$socket \
        ASYNC_WORKFLOW_TOKEN=00000000000000000000000000000000 async-workflow send x y 2>stranger &&
    grep "token is wrong" stranger &&
    pkill -TERM -xf "sleep $MARK" && wait $other
'

test_expect_success 'the loss of a node of a step: the messages of the others are there, the task runs again' '
    workflow lost.json "\"tasks\": { \"a\": { \"nodes\": 2,
        \"script\": \"async-workflow send --sync frames x; test \$ASYNC_WORKFLOW_ATTEMPT = 0 || exit 0; sleep $MARK\" } }" &&
    { run 0 lost -N3 --exclusive --async-workflow=lost.json --async-workflow-dir=lost & } && other=$! &&
    wait_for 30 test "\$(sleepers)" = 2 &&
    kill -KILL $(agent_of n2) &&
    wait $other &&
    test "$(events lost "\"status\":\"node_fail\"")" = 1 &&
    test "$(grep -c . lost/messages/frames.jsonl)" = 4 &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'nothing is left: no process, no socket' '
    nothing_left &&
    for path in $(sed -n "s/^[0-9a-f]\{32\} //p" token/logs/look.0.out); do
        test ! -e "$path" && test ! -e "$(dirname "$path")" || return 1
    done
'

test_done
