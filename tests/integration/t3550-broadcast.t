#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Data that all nodes stage in is read once from the shared file system, and passed on from node to node'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/broadcast.sh"

broadcast_start 4
mkdir "$NFS_SERVER/many" &&
    head -c $((8 << 20)) /dev/urandom >"$NFS_SERVER/big" &&
    for i in 1 2 3 4; do head -c $((2 << 20)) /dev/urandom >"$NFS_SERVER/many/$i" || exit 1; done

# ends NAME TASKS
ends () { test_expect_code 0 wait $pid && (cd "$NFS_SERVER" && finished "$1" "$2") || { cat "$1.out" "$1.err"; false; }; }
# read_mib N: about this many MiB were read from the shared file system
read_mib () { awk -v n="$1" '{ s += $1 } END { print s; exit !(s > (n - 1) * 1048576 && s < (n + 1) * 1048576) }' "$METER"; }
sums () { cat "$NFS_SERVER/$1"/logs/w.*.out | sort | uniq -c | awk '{ print $1, $2 }'; }

test_expect_success 'a file: four nodes, one read' '
    workflow file.json "\"tasks\": { \"w\": { \"count\": 4, \"cpus\": 2, \"stage_in\": \"big\", \"script\": \"cksum <{scratch}/big\" } }" &&
    begin file && ends file 4 && read_mib 8 && of_nodes file 3 8388608 &&
    test "$(sums file)" = "4 $(cksum <"$NFS_SERVER/big" | cut -d" " -f1)" &&
    "$top_builddir/helpers/async-workflow" report "$NFS_SERVER/file" >report &&
    grep "8\.0 MiB from the file system, 24\.0 MiB from other nodes" report && wait_for 30 no_scratch
'

test_expect_success 'a directory and a pattern, with checksums' '
    workflow dirs.json "\"tasks\": { \"w\": { \"count\": 4, \"cpus\": 2,
        \"stage_in\": [{ \"from\": \"many\", \"to\": \"all\", \"checksum\": true }, { \"from\": \"bi*\", \"to\": \"some/\" }],
        \"script\": \"cat {scratch}/all/* {scratch}/some/* | cksum\" } }" &&
    begin dirs && ends dirs 4 && read_mib 16 && of_nodes dirs 3 16777216 &&
    test "$(sums dirs)" = "4 $(cat "$NFS_SERVER"/many/* "$NFS_SERVER/big" | cksum | cut -d" " -f1)" && wait_for 30 no_scratch
'

test_expect_success 'a copy that a task has changed is not passed on' '
    workflow changed.json "\"tasks\": {
        \"first\": { \"stage_in\": \"big\", \"cpus\": 2, \"script\": \"echo mine >{scratch}/big\" },
        \"w\": { \"after\": [\"first\"], \"count\": 4, \"cpus\": 2, \"stage_in\": \"big\",
            \"script\": \"cksum <{scratch}/big\" } }" &&
    begin changed && ends changed 5 &&
    test $(cat "$NFS_SERVER"/changed/logs/w.*.out | grep -c "$(cksum <"$NFS_SERVER/big")") = 3
'

test_expect_success 'the node that reads is killed: one of the others reads the file' '
    workflow killed.json "\"tasks\": { \"w\": { \"count\": 4, \"cpus\": 2, \"stage_in\": \"big\", \"script\": \"cksum <{scratch}/big\" } }" &&
    { flock "$METER" sh -c "touch held; until test -e go; do sleep 0.1; done" & } && locked=$! && wait_for 60 "test -e held" &&
    begin killed && wait_for 60 "test -n \"\$(asked killed 1)\"" &&
    reader=$(asked killed 1) && wait_for 60 "ls $ASYNC_WORKFLOW_SCRATCH/*/$reader/.big* >/dev/null 2>&1" &&
    for agent in $(agent_of $reader); do
        test "$(ps -o comm= -p $(ps -o ppid= -p $agent))" != aw-supervisor || kill -KILL $agent
    done &&
    touch go && wait $locked && ends killed 4 && read_mib 8 && of_nodes killed 2 8388608 && test "$(sums killed)" = "4 $(cksum <"$NFS_SERVER/big" | cut -d" " -f1)" &&
    (cd "$NFS_SERVER" && test $(events killed "\"status\":\"node_fail\"") = 1) && wait_for 30 no_scratch
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
