#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a run is read from another node while it goes on, on a file system that behaves like NFS'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"
. "$top_srcdir/tests/nfs-like/nodes.sh"

nfs_needs
PATH=$top_builddir/helpers:$PATH
export NFS_OPTIONS PATH

# here CLIENT COMMAND...: output in here.out; nothing is wrong with it
here () { on "$@" >here.out 2>here.err && test_must_be_empty here.err; }
# comes CLIENT TEXT COMMAND...: its output has TEXT in the end
comes ()
{
    client=$1 text=$2
    shift 2
    wait_for 60 "on $client $* 2>&1 | grep -qF -- '$text'" || { on "$client" "$@"; false; }
}
# begin DIR OPTION...: on login1, in the background; $pid
begin ()
{
    rm -f "$NFS_SERVER"/go*
    on login1 async-workflow run --local --cpus 4 --dir "$@" live.json >run.out 2>run.err </dev/null &
    pid=$!
}
# goes N: lets the tasks with this index end
goes () { on login2 touch "go.$1"; }
ends () { test_expect_code 0 wait $pid || { cat run.out run.err; false; }; }

# Each task writes a line, waits for its file, and writes another one.
workflow live.json '"tasks": {
    "a": { "count": 3, "script": "echo begin {index}; until cat go.{index} >/dev/null 2>&1; do sleep 0.1; done; echo end {index}" },
    "b": { "after": ["a"], "command": ["echo", "after"] } }'
cp live.json "$NFS_SERVER/live.json"

# The journal is sent late, and what is known of files is old: as on NFS.
test_expect_success 'nodes whose files are a second or two old' '
    NFS_OPTIONS="cache=1 delay=2 flock=none" && node_start login1 && node_start login2
'

for logs in store files; do
    test_expect_success "--logs=$logs: what runs is seen, and what it wrote so far" '
        begin $logs --logs=$logs && comes login2 "3 of 4 CPUs busy" async-workflow status $logs &&
        comes login2 "begin 1" async-workflow logs $logs "a[1]" &&
        here login2 async-workflow logs $logs "a[1]" && ! grep end here.out
    '

    test_expect_success "--logs=$logs: one task ends: status, report and logs know it" '
        goes 1 && comes login2 "1 of 4 tasks done" async-workflow status $logs &&
        comes login2 "end 1" async-workflow logs $logs "a[1]" &&
        here login2 async-workflow report $logs && grep "running" here.out &&
        here login2 async-workflow explain $logs
    '

    test_expect_success "--logs=$logs: --follow prints to the end" '
        on login2 async-workflow logs --follow $logs >follow.out 2>follow.err &
        follow=$! && { wait_for 60 "grep -q \"begin 2\" follow.out" && goes 0 && goes 2 && ends && wait $follow &&
        test "$(grep -c "^begin\|^end" follow.out)" = 6 && grep "^after" follow.out && test_must_be_empty follow.err &&
        comes login2 "completed" async-workflow status $logs || { cat follow.out follow.err; false; }; }
    '
done

test_done
