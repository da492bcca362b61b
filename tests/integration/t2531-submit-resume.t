#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='submitted tasks when the coordinator is killed and the run resumed: none is left behind, none runs twice'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
replay=$top_builddir/tests/integration/replay

# of DIR EVENT TASK: how many such lines the journal has
of () { grep -c "\"event\":\"$2\",\"task\":\"$3" "$1/journal.jsonl"; }

# run_and_kill NAME CONDITION [OPTION]...: runs NAME.json, and kills the coordinator when CONDITION holds
run_and_kill ()
{
    killed=$1 condition=$2
    shift 2
    async-workflow run --local --cpus 4 --progress none --dir "$killed" "$@" "$killed.json" >"$killed.out" 2>"$killed.err" </dev/null &
    coordinator=$!
    wait_for 60 "$condition"
    rc=$?
    kill -9 $coordinator
    wait $coordinator 2>/dev/null
    return $rc
}

# resume STATUS DIR
resume ()
{
    test_expect_code "$1" timeout 120 async-workflow run --local --cpus 4 --progress none --resume "$2" >"$2.out" 2>"$2.err" </dev/null ||
        { cat "$2.out" "$2.err" "$2"/logs/* >&4; false; }
}

# left DIR: processes of tasks of that run
left () { grep -lsz "^ASYNC_WORKFLOW_RUN=$PWD/$1\$" /proc/[0-9]*/environ; }

# client NAME: NAME.json runs the script NAME.sh in the one task "client"
client () { printf '{ "async-workflow": 1, "tasks": { "client": { "command": ["sh", "%s"], "slurm_commands": true } } }\n' "$PWD/$1.sh" >"$1.json"; }

test_expect_success 'the client is lost: what it has submitted and has not ended does not run again, its next attempt submits anew' '
    client lost &&
    cat >lost.sh <<-\END &&
	ended=$(async-workflow submit --name ended sh -c "echo >>ended")
	failed=$(async-workflow submit --name failed sh -c "echo >>failed; exit 1")
	async-workflow wait $ended $failed
	runs=$(async-workflow submit --name runs sh -c "echo >>runs; test $ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300")
	waits=$(async-workflow submit --name waits --after-ok $runs sh -c "echo >>waits")
	late=$(async-workflow submit --name late --after-any $failed,$waits sh -c "echo >>late")
	until test -s runs; do sleep 0.05; done
	: >ready
	async-workflow wait $runs $waits $late
	{ sacct -n -P -o jobid,state,exitcode,nodelist,start,end; squeue -h -j 1000000000; echo $?; squeue -h -j $ended; echo $?; } >seen 2>&1
	END
    run_and_kill lost "test -e ready" &&
    epoch=$(sed -n "1s/.*\"epoch\":\([0-9]*\).*/\1/p" lost/journal.jsonl) &&
    sed -i "1s/\"epoch\":$epoch/\"epoch\":$((epoch - 1000))/" lost/journal.jsonl && # the first part was long ago
    resume 0 lost &&
    test $(wc -l <ended) = 2 && test $(wc -l <failed) = 2 &&
    test $(wc -l <runs) = 2 && test $(wc -l <waits) = 1 && test $(wc -l <late) = 1 &&
    test $(of lost start "ended-1000000000") = 1 && test $(of lost start "failed-1000000001") = 1 &&
    test $(of lost start "runs-1000000002") = 1 && test $(of lost start "waits-1000000003") = 0 &&
    test $(of lost skip "waits-1000000003") = 1 && test $(of lost start "late-1000000004") = 0 &&
    test $(of lost finish "runs-1000000007\[0\]\".*completed") = 1 &&
    now=$(date -d @$((epoch - 1000 + 500)) +%Y-%m-%dT%H:%M:%S) && node=$(uname -n | cut -d. -f1) &&
    awk -F"|" -v then="$now" "NR <= 3 || NR == 6 { print \$1, \$2, \$3, \$4, \$5 < then, \$6 < then; next } NF == 1" seen >shown &&
    printf "%s\n" "1000000000 COMPLETED 0:0 $node 1 1" "1000000001 FAILED 1:0 $node 1 1" "1000000002 CANCELLED 0:0 $node 1 0" \
        "1000000005 COMPLETED 0:0 $node 0 0" "squeue: error: Invalid job id specified" 1 0 >want && test_cmp want shown &&
    "$replay" lost >replayed && grep "the same" replayed
'

test_expect_success 'the client had ended well: what it has submitted goes on, and failures stay' '
    client well &&
    cat >well.sh <<-\END &&
	failed=$(async-workflow submit --name failed sh -c "echo >>well.failed; exit 1")
	slow=$(async-workflow submit --name slow sh -c "echo >>well.slow; test \$ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300")
	async-workflow submit --name next --after-ok $slow --after-any $failed sh -c "echo >>well.next"
	async-workflow submit --name never --after-ok $failed sh -c "echo >>well.never"
	async-workflow wait $failed
	until test -s well.slow; do sleep 0.05; done
	END
    run_and_kill well "grep -q \"finish\\\",\\\"task\\\":\\\"client\" well/journal.jsonl" &&
    resume 0 well &&
    test $(wc -l <well.failed) = 1 && test $(wc -l <well.slow) = 2 && test $(wc -l <well.next) = 1 &&
    test_must_fail test -e well.never &&
    test $(of well start client) = 1 &&
    "$replay" well >replayed && grep "the same" replayed
'

test_expect_success 'a run that is complete stays so' '
    resume 0 well && grep -q "all tasks are done: nothing to run\|nothing to run" well.err
'

test_expect_success 'durability of a node: what is acknowledged is there' '
    client node &&
    cat >node.sh <<-\END &&
	for i in 1 2 3; do async-workflow submit --name job sh -c "echo $i"; done >ids
	: >acknowledged
	sleep 300
	END
    run_and_kill node "test -e acknowledged" --durability node &&
    test $(wc -l <ids) = 3 && test $(of node add client) = 3
'

test_expect_success 'nothing is left running' '
    for directory in lost well node; do
        wait_for 60 "test -z \"\$(left $directory)\"" || { left $directory >&4; return 1; }
    done
'

test_done
