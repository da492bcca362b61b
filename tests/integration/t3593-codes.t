#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='success_codes: of tasks that have got their checkpoint_signal, and of steps of several ranks'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
cluster_start --nodes 2 --cores 2 --gpus 0

cat >ends <<\END
#!/bin/sh
# ends CODE: runs until SIGUSR1 comes, then ends with CODE
trap 'exit $1' USR1
while :; do sleep 0.1; done
END
chmod +x ends

limits='"time_limit": 8, "checkpoint_signal": "USR1@5", "retries": 1'

# verdict DIR WORD...: one attempt has ended so
verdict ()
{
    dir=$1
    shift
    test "$(events "$dir" '"event":"finish"' "$@")" = 1 || { cat "$dir/journal.jsonl"; false; }
}

test_expect_success 'a task that ends with one of its success_codes after the notice has completed' '
    workflow own.json "\"tasks\": {
        \"pool\": { $limits, \"success_codes\": [0, 3], \"command\": [\"./ends\", \"3\"] },
        \"plain\": { $limits, \"command\": [\"./ends\", \"0\"] },
        \"step\": { $limits, \"success_codes\": [0, 3], \"launch\": \"step\", \"command\": [\"./ends\", \"3\"] },
        \"ranks\": { $limits, \"success_codes\": [0, 3], \"nodes\": 2, \"command\": [\"./ends\", \"3\"] } }" &&
    run 0 own -N2 --exclusive --async-workflow=own.json --async-workflow-dir=own &&
    finished own 4 && test "$(events own "\"event\":\"start\"")" = 4 &&
    test "$(events own "\"status\":\"completed\"" "\"code\":3,")" = 3
'

test_expect_success 'so before the end of the job' '
    workflow job.json "\"tasks\": { \"t\": { \"checkpoint_signal\": \"USR1@2s\", \"duration\": 600, \"success_codes\": [0, 3],
        \"command\": [\"./ends\", \"3\"] } }" &&
    async-workflow run --local --cpus 1 --time-limit 6 --grace 0.2 --dir job job.json >job.out 2>&1 </dev/null &&
    finished job 1 && test "$(events job "\"status\":\"completed\"" "\"code\":3,")" = 1
'

test_expect_success 'a code 0 that is none of them is a failure, which is reported as such' '
    workflow zero.json "\"tasks\": { \"t\": { \"success_codes\": [3], \"command\": [\"true\"] } }" &&
    test_expect_code 1 async-workflow run --local --dir zero zero.json >zero.out 2>&1 </dev/null &&
    grep "t\[0\]: exit code 0, not one of its success_codes after" zero.out
'

test_expect_success 'any other code is a time-out, also 0 where it is none of them' '
    again="test \$ASYNC_WORKFLOW_ATTEMPT = 0 || exit 3; exec ./ends" &&
    workflow other.json "\"tasks\": {
        \"pool\": { $limits, \"count\": 2, \"success_codes\": [3], \"script\": \"$again \$(({index} * 4))\" },
        \"step\": { $limits, \"count\": 2, \"success_codes\": [3], \"launch\": \"step\", \"script\": \"$again \$(({index} * 4))\" } }" &&
    run 0 other -N2 --exclusive --async-workflow=other.json --async-workflow-dir=other &&
    finished other 4 &&
    for task in pool step; do
        for i in 0 1; do
            verdict other "\"task\":\"$task[$i]\"" "\"status\":\"timeout\"" "\"code\":$((i * 4))," || return 1
        done
    done
'

test_expect_success 'a rank that ends with one of them ends no other' '
    workflow ranks.json "\"tasks\": { \"a\": { \"nodes\": 2, \"success_codes\": [0, 3],
        \"script\": \"test \$SLURM_PROCID = 1 || exit 3; sleep 4; echo whole\" } }" &&
    run 0 ranks -N2 --exclusive --async-workflow=ranks.json --async-workflow-dir=ranks &&
    finished ranks 1 && verdict ranks "\"code\":3," && grep whole ranks/logs/a.0.out
'

test_expect_success 'a rank that fails ends the others' '
    workflow fail.json "\"tasks\": { \"a\": { \"nodes\": 2, \"success_codes\": [0, 3],
        \"script\": \"test \$SLURM_PROCID = 1 && exit 4; sleep $MARK\" } }" &&
    run 1 fail -N2 --exclusive --async-workflow=fail.json --async-workflow-dir=fail &&
    verdict fail "\"status\":\"failed\"" "\"code\":4," "rank 1 on n2" &&
    seconds=$(sed -n "s/.*\"event\":\"finish\".*\"seconds\":\([0-9]*\).*/\1/p" fail/journal.jsonl) &&
    test "$seconds" -lt 60 &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'nothing is left' 'nothing_left'

test_done
