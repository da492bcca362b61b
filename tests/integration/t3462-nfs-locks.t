#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='two nodes and one run directory on a file system that behaves like NFS, with each kind of flock'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"
. "$top_srcdir/tests/nfs-like/nodes.sh"

nfs_needs
PATH=$top_builddir/helpers:$PATH
export NFS_OPTIONS PATH
workflow gate.json '"tasks": { "m": { "count": 3, "script": "echo {task} >>{run}/ran; until cat {run}/go >/dev/null 2>&1; do sleep 0.2; done" } }'
cp gate.json "$NFS_SERVER/gate.json"
kinds='all client none'

# coordinator DIR: its process id
coordinator () { sed 's/.*"pid":\([0-9]*\).*/\1/' "$NFS_SERVER/$1/coordinator"; }
# begin NODE KIND OPTION...: in the background until its tasks run
begin ()
{
    node_of=$1-$2 dir=$2
    shift 2
    on "$node_of" async-workflow run --local --cpus 4 "$@" >"$dir.out" 2>"$dir.err" </dev/null &
    echo $! >"$dir.pid"
    wait_for 30 "test \"\$(cat $NFS_SERVER/$dir/ran 2>/dev/null | wc -l)\" -ge 3"
}
# refused KIND: login2 cannot take it; the seconds this took are in KIND.took
refused ()
{
    since=$(date +%s) &&
        test_expect_code 2 on login2-$1 async-workflow run --local --resume "$1" >second.$1 2>&1 &&
        grep -q "$1: another coordinator runs it: process $(coordinator "$1") on login1-$1" second.$1 &&
        echo $(($(date +%s) - since)) >$1.took || { cat second.$1; false; }
}
# continued KIND: on login2, to the end
continued ()
{
    wait_for 60 "shows $1 interrupted" &&
        rm "$NFS_SERVER/$1/ran" && begin login2 $1 --resume $1 && on login1-$1 touch $1/go &&
        test_expect_code 0 wait "$(cat "$1.pid")" &&
        (cd "$NFS_SERVER" && finished $1 3 && test ! -e $1/coordinator)
}
shows () { on login2-$1 async-workflow status "$1" >$1.status 2>&1; grep -q "$2" $1.status; }

# What waits for a time, waits for all kinds at once.
test_expect_success 'two nodes for each kind' '
    for kind in $kinds; do
        NFS_OPTIONS="cache=3 delay=8 flock=$kind" &&
        node_start login1-$kind && node_start login2-$kind || return 1
    done
'

test_expect_success 'the second coordinator is refused, at once where there are locks' '
    for kind in $kinds; do begin login1 $kind --dir $kind gate.json || return 1; done &&
    { refused client & } && client=$! && { refused none & } && none=$! &&
    refused all && wait $client && wait $none && head -n 1 *.took && test $(cat all.took) -le $((5 * ${AW_TEST_PATIENCE:-1}))
'

for kind in $kinds; do
    test_expect_success "flock=$kind: status on another node sees that it runs" '
        wait_for 45 "shows $kind \"3 of 4 CPUs busy\"" && shows $kind "gate: running, 0 of 3 tasks done"
    '
done

test_expect_success 'killed' '
    for kind in $kinds; do
        kill -KILL $(coordinator $kind) && { wait $(cat $kind.pid); true; } &&
        wait_for 60 "! pgrep -f $NFS_MOUNT/$kind/ran" || return 1
    done
'

test_expect_success 'continued on the other node' '
    { continued client & } && client=$! && { continued none & } && none=$! &&
    continued all && wait $client && wait $none
'

test_done
