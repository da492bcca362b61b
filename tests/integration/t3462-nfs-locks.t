#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='two nodes and one run directory on a file system that behaves like NFS, with each kind of flock'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"
. "$top_srcdir/tests/nfs-like/nodes.sh"

nfs_needs
PATH=$top_builddir/helpers:$PATH
export NFS_OPTIONS PATH
workflow gate.json '"tasks": { "m": { "count": 3, "script": "echo {task} >>{run}/ran; until cat go >/dev/null 2>&1; do sleep 0.1; done" } }'
cp gate.json "$NFS_SERVER/gate.json"

# coordinator DIR: its process id
coordinator () { sed 's/.*"pid":\([0-9]*\).*/\1/' "$NFS_SERVER/$1/coordinator"; }
# begin NODE DIR OPTION...: in the background until its tasks run; $pid
begin ()
{
    node_of=$1 dir=$2
    shift 2
    rm -f "$NFS_SERVER/go"
    on "$node_of" async-workflow run --local --cpus 4 "$@" >"$dir.out" 2>"$dir.err" </dev/null &
    pid=$!
    wait_for 30 "test \"\$(cat $NFS_SERVER/$dir/ran 2>/dev/null | wc -l)\" -ge 3"
}
# refused DIR: login2 cannot take it; prints the seconds this took
refused ()
{
    since=$(date +%s) &&
        test_expect_code 2 on login2 async-workflow run --local --resume "$1" >second.out 2>&1 &&
        grep -q "$1: another coordinator runs it: process $(coordinator "$1") on login1" second.out &&
        echo $(($(date +%s) - since)) || { cat second.out >&2; false; }
}
shows () { on login2 async-workflow status "$1" >status.out 2>&1; grep -q "$2" status.out; }

for kind in all client none; do
    test_expect_success "flock=$kind: nodes" '
        NFS_OPTIONS="cache=3 delay=8 flock=$kind" &&
        node_stop login1 && node_stop login2 && node_start login1 && node_start login2
    '

    test_expect_success "flock=$kind: the second coordinator is refused, at once where there are locks" '
        begin login1 $kind --dir $kind gate.json && took=$(refused $kind) &&
        { test $kind != all || test $took -le 5; }
    '

    test_expect_success "flock=$kind: status on another node sees that it runs" '
        wait_for 45 "shows $kind \"3 of 4 CPUs busy\"" && shows $kind "gate: running, 0 of 3 tasks done"
    '

    test_expect_success "flock=$kind: killed, and continued on the other node" '
        kill -KILL $(coordinator $kind) && { wait $pid; true; } && wait_for 20 "! pgrep -f $NFS_MOUNT/$kind/ran" &&
        wait_for 60 "shows $kind interrupted" &&
        rm "$NFS_SERVER/$kind/ran" && begin login2 $kind --resume $kind && on login1 touch go && test_expect_code 0 wait $pid &&
        (cd "$NFS_SERVER" && finished $kind 3 && test ! -e $kind/coordinator)
    '
done

test_done
