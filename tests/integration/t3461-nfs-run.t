#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a run directory on a file system that behaves like NFS, each node with a mount of its own'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"
. "$top_srcdir/tests/nfs-like/nodes.sh"

nfs_needs
# Nothing that this test waits for comes late: what was not sent is not seen.
NFS_OPTIONS='cache=15 delay=3600 flock=none stale=7'
export NFS_OPTIONS
cluster_start --nodes 2 --cores 4 --gpus 0 --through "$top_srcdir/tests/nfs-like/node"
ASYNC_WORKFLOW_CLUSTER=$CLUSTER_DIR # the login nodes end with the cluster
export ASYNC_WORKFLOW_CLUSTER
node_start login1 && node_start login2 || error "no login nodes"
unset ASYNC_WORKFLOW_CLUSTER
top=$top_builddir/helpers

# here NAME BODY: a workflow file in the shared directory, written on login1
here () { workflow "$1" "$2" && on login1 sh -c "cat >$1" <"$1"; }
# from NODE STATUS NAME COMMAND...: its output in NAME.out, NAME.err
from ()
{
    node_of=$1 want=$2 name=$3
    shift 3
    test_expect_code "$want" on "$node_of" "$@" >"$name.out" 2>"$name.err" </dev/null ||
        { tail -n 40 "$name.out" "$name.err"; false; }
}
# begin NODE DIR FILE OPTION...: srun in the background; $pid is the command
begin ()
{
    node_of=$1 dir=$2 file=$3
    shift 3
    rm -f "$NFS_SERVER"/go* "$NFS_SERVER"/up.* "$NFS_SERVER"/ran.*
    on "$node_of" srun -n8 --async-workflow="$file" --async-workflow-dir="$dir" "$@" >"$dir.out" 2>"$dir.err" </dev/null &
    pid=$!
}
ends () { test_expect_code "$1" wait $pid || { cat $dir.out $dir.err; false; }; }
# until_seen NODE TEXT FILE: opened there, the file has the text
until_seen () { wait_for 30 "on $1 grep -qs -- '$2' $3"; }
# until_beats N DIR: the coordinator gave N more signs of life
beats () { sed "s/.*\"beat\"://" "$NFS_SERVER/$1/coordinator" | tr -d "}"; }
until_beats () { want=$(($(beats "$2") + $1)) && wait_for 60 "test \$(beats $2) -ge $want"; }
coordinator () { sed 's/.*"pid":\([0-9]*\).*/\1/' "$NFS_SERVER/$1/coordinator"; }
gate='"tasks": { "m": { "count": 4, "cpus": 2, "script": "echo up >up.{index}; until cat go >go.{index} 2>/dev/null; do sleep 0.1; done" } }'

test_expect_success 'a run: its output, journal and report are whole' '
    here flow.json "\"tasks\": {
        \"a\": { \"count\": 8, \"script\": \"echo {task} on \$SLURMD_NODENAME; echo {index} >part.{index}\" },
        \"b\": { \"after\": [\"a\"], \"count\": 2, \"cpus\": 4, \"script\": \"cat part.? | wc -l\" } }" &&
    from login1 0 flow srun -n8 --async-workflow=flow.json --async-workflow-dir=flow &&
    (cd "$NFS_SERVER" && finished flow 10 &&
        test "$(cat flow/logs/a.*.out | wc -l)" = 8 && test "$(cat flow/logs/a.*.out | grep -c "on n1")" = 4 &&
        test "$(cat flow/logs/b.0.out flow/logs/b.1.out | tr "\n" " ")" = "8 8 ") &&
    from login2 0 report $top/async-workflow report flow && grep -q "10 tasks" report.out
'

# said NAME SET: what the tasks of the set wrote, read on login2, in one sorted line
said () { on login2 $top/async-workflow logs --stdout "$1" "$2" | sed '/^==> /d; /^$/d' | sort | xargs; }

test_expect_success 'with few files of output each task has what it wrote, from another node too' '
    here store.json "\"logs\": \"store\", \"tasks\": {
        \"a\": { \"count\": 8, \"script\": \"echo {task}\" },
        \"m\": { \"after\": [\"a\"], \"count\": 4, \"cpus\": 2, \"script\": \"echo {index} on \$SLURMD_NODENAME\" } }" &&
    from login1 0 store srun -n8 --async-workflow=store.json --async-workflow-dir=store &&
    (cd "$NFS_SERVER" && finished store 12 && ! ls store/logs | grep "^[am]\\.") &&
    said store a >seen && echo "a[0] a[1] a[2] a[3] a[4] a[5] a[6] a[7]" >expected && test_cmp expected seen &&
    said store m >seen && grep "^0 on n[12] 1 on n[12] 2 on n[12] 3 on n[12]$" seen
'

test_expect_success 'staging: a file that another node wrote again is copied again' '
    here stage.json "\"tasks\": {
        \"w\": { \"script\": \"echo old >data\" },
        \"r\": { \"after\": [\"w\"], \"count\": 2, \"cpus\": 4, \"stage_in\": \"data\",
            \"script\": \"cat {scratch}/data; stat data >/dev/null\" },
        \"w2\": { \"after\": [\"r\"], \"script\": \"echo new >data\" },
        \"r2\": { \"after\": [\"w2\"], \"count\": 2, \"cpus\": 4, \"stage_in\": \"data\",
            \"script\": \"cp {scratch}/data {scratch}/out.{index}\",
            \"stage_out\": [{ \"from\": \"{scratch}/out.{index}\", \"to\": \"results/\" }] },
        \"z\": { \"after\": [\"r2\"], \"count\": 2, \"cpus\": 4, \"script\": \"cat results/out.*\" } }" &&
    mkdir -p "$NFS_DIR/scratch" &&
    (ASYNC_WORKFLOW_SCRATCH=$NFS_DIR/scratch && export ASYNC_WORKFLOW_SCRATCH &&
        from login1 0 stage srun -N2 --exclusive --async-workflow=stage.json --async-workflow-dir=stage) &&
    (cd "$NFS_SERVER" && finished stage 8 && cat stage/logs/r.?.out stage/logs/z.?.out) >seen &&
    printf "old\nold\nnew\nnew\nnew\nnew\n" >expected && test_cmp expected seen
'

test_expect_success 'without locks: a second coordinator on another node sees that the first one runs' '
    here gate.json "$gate" && begin login1 two gate.json && wait_for 60 "test -e $NFS_SERVER/up.3" &&
    from login2 2 second $top/async-workflow run --local --resume two &&
    grep "another coordinator runs it: process [0-9]* on login1" second.err &&
    on login2 touch go && ends 0 && (cd "$NFS_SERVER" && finished two 4)
'

test_expect_success LIKE 'a server that is away for a moment is no run directory that is gone' '
    begin login1 away gate.json && wait_for 60 "test -e $NFS_SERVER/up.3" &&
    kill -USR1 $(nfs_process login1) && wait_for 60 "! on login1 cat gate.json >/dev/null 2>&1" &&
    wait_for 60 "on login1 cat gate.json >/dev/null 2>&1" &&
    until_beats 3 away && on login2 touch go && ends 0 && (cd "$NFS_SERVER" && finished away 4)
'

test_expect_success 'a run directory that another node removes ends the run' '
    begin login1 removed gate.json && wait_for 60 "test -e $NFS_SERVER/up.3" &&
    on login2 rm -r removed && wait_for 60 "! kill -0 $pid 2>/dev/null" && ends 3 &&
    grep "removed" removed.err && nothing_left
'

test_expect_success 'the coordinator is killed on one node, and the run continues from another' '
    here chain.json "\"tasks\": {
        \"a\": { \"count\": 4, \"script\": \"echo {task} >>ran.{index}\" },
        \"m\": { \"after\": [\"a\"], \"count\": 4, \"cpus\": 2, \"script\": \"echo up >up.{index}; until cat go >go.{index} 2>/dev/null; do sleep 0.1; done\" } }" &&
    begin login1 killed chain.json && wait_for 60 "test -e $NFS_SERVER/up.3" &&
    kill -KILL $(coordinator killed) && wait_for 60 "! kill -0 $pid 2>/dev/null" && nothing_left &&
    on login2 touch go &&
    from login2 0 again srun -n8 --async-workflow=chain.json --async-workflow-resume=killed &&
    (cd "$NFS_SERVER" && finished killed 8 && test "$(cat ran.* | wc -l)" = 4)
'

test_expect_success LIKE 'with --durability=node the loss of the coordinator with its node loses no completion' '
    begin login1 lost chain.json --async-workflow-durability=node && wait_for 60 "test -e $NFS_SERVER/up.3" &&
    until_seen login2 "\"event\":\"start\".*m\[3\]" lost/journal.jsonl &&
    kill -KILL $(nfs_process login1) $(coordinator lost) && wait_for 60 "! kill -0 $pid 2>/dev/null" && nothing_left &&
    on login2 touch go &&
    from login2 0 again srun -n8 --async-workflow=chain.json --async-workflow-resume=lost &&
    (cd "$NFS_SERVER" && finished lost 8 && test "$(cat ran.* | wc -l)" = 4)
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
