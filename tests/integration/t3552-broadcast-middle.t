#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='A node in the middle of a broadcast is killed, stopped, or full: all others get the right file, and nothing hangs

The middle node is the second that is asked for the data. It takes it from the first, and gives it to the fourth and the fifth, while
the eighth takes it from the fourth. If it fails, the fourth and the fifth take it from the first. So the file system is read once.'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/broadcast.sh"

test_have_prereq LIKE || { skip_all='only nfs-like can be slow and be held up'; test_done; }
broadcast_start 8 rate=8
head -c $((16 << 20)) /dev/urandom >"$NFS_SERVER/big"
workflow w.json '"tasks": { "w": { "on_failure": "continue", "count": 8, "cpus": 2, "stage_in": "big", "script": "cksum <{scratch}/big" } }'

# has_come NODE: it has 1 MiB of its copy, and not all
has_come ()
{
    nsenter --mount --target "$(cat "$NFS_NODES/$1")" \
        sh -c 'test $(stat -c %s "$0"/*/"$1"/.big.aw-copy-* 2>/dev/null || echo 0) -ge 1048576' "$ASYNC_WORKFLOW_SCRATCH" "$1"
}
passes_on () { test -n "$(asked "$1" 8)" && middle=$(asked "$1" 2) && has_come "$(asked "$1" 4)" && has_come "$(asked "$1" 5)"; }
# hold_in_the_middle NAME: the middle node has a part, and others have a part of that; nothing more is read before release
hold_in_the_middle ()
{
    rm -f held go
    { wait_for 60 "passes_on $1" || { cat "$1.out" "$1.err"; false; }; } &&
        { flock "$METER" sh -c "touch held; until test -e go; do sleep 0.1; done" & } && locked=$! &&
        wait_for 60 "test -e held" && has_come "$middle"
}
release () { touch go && wait $locked; }
# right NAME N: N tasks saw the right file
right () { test "$(cat "$NFS_SERVER/$1"/logs/w.*.out | sort | uniq -c | awk '{ print $1, $2 }')" = "$2 $(cksum <"$NFS_SERVER/big" | cut -d" " -f1)"; }
# read_mib LEAST MOST: were read from the file system
read_mib () { awk -v least="$1" -v most="$2" '{ s += $1 / 1048576 } END { print s, "MiB"; exit !(s >= least && s <= most) }' "$METER"; }
in_run () { (cd "$NFS_SERVER" && "$@"); }

# agent_alone: of the middle node, without the processes that copy and give
agent_alone ()
{
    for agent in $(agent_of $middle); do
        test "$(ps -o comm= -p $(ps -o ppid= -p $agent))" != aw-supervisor || echo $agent
    done
}

test_expect_success 'killed: its task runs elsewhere, and those that took from it take the file from the first' '
    begin killed w.json && hold_in_the_middle killed &&
    agent=$(agent_alone) && kill -KILL $agent &&
    release && test_expect_code 0 wait $pid && in_run finished killed 8 && right killed 8 &&
    test $(in_run events killed "\"status\":\"node_fail\"") = 1 &&
    test $(in_run events killed "\"status\":\"completed\"" "\"node\":\"$middle\"") = 0 &&
    read_mib 15 18 && of_nodes killed 6 16777216 && wait_for 30 no_scratch
'

test_expect_success 'stopped: the others do not wait for it, and when it continues it ends well' '
    begin stopped w.json && hold_in_the_middle stopped && agents=$(agent_of $middle) && kill -STOP $agents && release &&
    wait_for 60 "test \$(in_run events stopped \"\\\"status\\\":\\\"completed\\\"\") = 7" &&
    kill -CONT $agents && test_expect_code 0 wait $pid && in_run finished stopped 8 && right stopped 8 &&
    test $(in_run events stopped "\"status\":\"completed\"" "\"node\":\"$middle\"") = 1 &&
    read_mib 15 18 && of_nodes stopped 7 16777216 && wait_for 30 no_scratch
'

test_expect_success 'the agent alone stopped: what it copies is passed on all the same' '
    begin alone w.json && hold_in_the_middle alone && agent=$(agent_alone) && kill -STOP $agent && release &&
    wait_for 60 "test \$(in_run events alone \"\\\"status\\\":\\\"completed\\\"\") = 7" &&
    kill -CONT $agent && test_expect_code 0 wait $pid && in_run finished alone 8 && right alone 8 &&
    read_mib 15 18 && of_nodes alone 7 16777216 && wait_for 30 no_scratch
'

test_expect_success 'full: its own task fails and says why, the others get the file' '
    for i in 1 2 3 4 5 6 7 8; do
        nsenter --mount --target $(cat "$NFS_NODES/n$i") mount -t tmpfs -o size=40m,mode=0700 scratch "$ASYNC_WORKFLOW_SCRATCH" || return 1
    done &&
    begin full w.json && hold_in_the_middle full &&
    nsenter --mount --target $(cat "$NFS_NODES/$middle") sh -c "! cat /dev/zero >$ASYNC_WORKFLOW_SCRATCH/fill" 2>fill.err &&
    grep "No space left" fill.err && release && test_expect_code 0 wait $pid && right full 7 &&
    test $(in_run events full "\"status\":\"completed\"") = 7 &&
    test $(in_run events full "\"status\":\"failed\"" "\"node\":\"$middle\"" "stage_in: " "No space left on device") = 1 &&
    grep "stage_in: .*No space left on device" full.err && read_mib 15 34 && of_nodes full 6 16777216
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
