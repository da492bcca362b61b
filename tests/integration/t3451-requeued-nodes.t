#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a job over several nodes is requeued, preempted, suspended by another: nothing has failed, nothing runs twice'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
cluster_start --nodes 3 --cores 2 --gpus 0 --conf 'PreemptType=preempt/partition_prio' --conf 'PreemptMode=SUSPEND,GANG' \
    --conf 'PartitionName=main Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE State=UP' \
    --conf 'PartitionName=calm Nodes=ALL PriorityTier=1 PreemptMode=SUSPEND OverSubscribe=FORCE:1 State=UP' \
    --conf 'PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF OverSubscribe=FORCE:1 State=UP'

# Three short tasks and then three long ones, one on each node; or a step of three ranks. All are retried if they fail.
workflow nodes.json "\"tasks\": {
    \"a\": { \"count\": 3, \"cpus\": 2, \"retries\": 3, \"script\": \"echo a{index} >>begun\" },
    \"b\": { \"after\": [\"a\"], \"count\": 3, \"cpus\": 2, \"retries\": 3,
           \"script\": \"echo b{index} >>begun; until test -e go; do sleep 0.1; done; echo b{index} >>done\" } }"
workflow ranks.json "\"tasks\": {
    \"a\": { \"count\": 3, \"cpus\": 2, \"retries\": 3, \"script\": \"echo a{index} >>begun\" },
    \"b\": { \"after\": [\"a\"], \"nodes\": 3, \"ranks\": 3, \"retries\": 3,
           \"script\": \"echo b\$SLURM_PROCID >>begun; until test -e go; do sleep 0.1; done; echo b\$SLURM_PROCID >>done\" } }"

begun_long () { test "$(cat begun 2>/dev/null | grep -c b)" = 3; }

# submit NAME OPTION...: a job of three nodes that runs NAME.json; returns when its long tasks run; $job, $run
submit ()
{
    name=$1
    shift
    rm -f go begun done $name.log
    printf '#!/bin/sh\nsrun --async-workflow=%s.json --async-workflow-grace=2\necho "status $?"\n' $name >$name.sh
    job=$(sbatch --parsable --nodes=3 --requeue --open-mode=append --output=$name.log "$@" $name.sh) &&
    run=$name-$job &&
    wait_for 60 begun_long || { cat $name.log; false; }
}

is () { test "$(squeue --noheader --jobs=$job --format=%T)" = "$1"; }

# While it was interrupted: stopped; no task has failed, of itself or with its node, and none was tried again.
is_stopped ()
{
    wait_for 30 "grep -q \"\\\"event\\\":\\\"end\\\",\\\"code\\\":3\" $run/journal.jsonl" &&
    test "$(events $run "\"status\":\"failed\"")" = 0 &&
    test "$(events $run node_fail)" = 0 &&
    test "$(events $run "\"event\":\"start\"" "\"attempt\":1")" = 0 &&
    test $(wc -l <begun) = 6 && test ! -e done || { cat $name.log $run/journal.jsonl begun; false; }
}

# continued: the run ends well in the same directory; what was done before does not run again, all else once.
# Slurm lets a requeued job wait two minutes. In the second of its requeue its credentials would still be revoked.
continued ()
{
    touch go &&
    wait_for 60 "scontrol update JobId=$job StartTime=now+3" &&
    wait_for 90 "grep -qs \"^status 0\" $name.log" &&
    ended $run 0 && test ! -e $run.1 &&
    test "$(sort done | xargs)" = "b0 b1 b2" &&
    test "$(grep a begun | sort | xargs)" = "a0 a1 a2" &&
    test "$(grep -c b begun)" = 6 &&
    wait_for 60 no_job || { cat $name.log $run/journal.jsonl begun; false; }
}

for name in nodes ranks; do
    test_expect_success "scontrol requeue: $name" "
        submit $name --exclusive &&
        scontrol requeue \$job && wait_for 60 'is PENDING' && is_stopped && continued && no_process_left
    "

    test_expect_success "preempted and requeued for a job of a higher partition: $name" "
        submit $name --exclusive &&
        other=\$(sbatch --parsable --partition=high --nodes=3 --exclusive --output=high.log --wrap='sleep 5') &&
        wait_for 60 'is PENDING' && is_stopped &&
        wait_for 60 \"! squeue --noheader --jobs=\$other | grep -q .\" &&
        continued && no_process_left
    "
done

# A suspended job keeps its memory.
test_expect_success 'suspended for a job of a higher partition, for longer than silent nodes are waited for: all continue' '
    ASYNC_WORKFLOW_NODE_TIMEOUT=4 && export ASYNC_WORKFLOW_NODE_TIMEOUT &&
    submit nodes --partition=calm --ntasks-per-node=2 --mem=500 && unset ASYNC_WORKFLOW_NODE_TIMEOUT &&
    other=$(sbatch --parsable --partition=high --nodes=3 --ntasks-per-node=2 --mem=500 --output=high.log --wrap="sleep 10") &&
    wait_for 60 "is SUSPENDED" &&
    wait_for 60 "is RUNNING" && touch go &&
    wait_for 60 "grep -qs \"^status 0\" nodes.log" &&
    test "$(events $run node_lost)" = 0 && test "$(events $run "\"event\":\"start\"")" = 6 &&
    test "$(sort done | xargs)" = "b0 b1 b2" && test $(wc -l <begun) = 6 &&
    wait_for 60 no_job && no_process_left
'

test_done
