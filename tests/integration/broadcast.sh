# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# broadcast.sh - for tests of data that nodes pass on to each other; sourced after lib.sh. Skips all tests where nodes with a view
# of their own of a shared directory cannot be made.

. "$top_srcdir/tests/integration/runs.sh"
. "$top_srcdir/tests/nfs-like/nodes.sh"

nfs_needs
METER=$NFS_DIR/meter # a line for each read from the file system: its bytes

# broadcast_start NODES [OPTION]...: a cluster of these nodes with two CPUs each, and the login node login1; the options are those
# of nfs-like
broadcast_start ()
{
    broadcast_nodes=$1
    shift
    NFS_OPTIONS="cache=15 delay=1 $* meter=$METER"
    export NFS_OPTIONS
    cluster_start --nodes "$broadcast_nodes" --cores 2 --gpus 0 --through "$top_srcdir/tests/nfs-like/node"
    ASYNC_WORKFLOW_CLUSTER=$CLUSTER_DIR
    export ASYNC_WORKFLOW_CLUSTER
    node_start login1 || error "no login node"
    unset ASYNC_WORKFLOW_CLUSTER
    ASYNC_WORKFLOW_SCRATCH=$NFS_DIR/scratch
    export ASYNC_WORKFLOW_SCRATCH
    mkdir "$ASYNC_WORKFLOW_SCRATCH"
}

# begin NAME [FILE]: FILE [NAME.json] on all nodes, in the background, with output in NAME.out and NAME.err; $pid
begin ()
{
    cp "${2-$1.json}" "$NFS_SERVER" && : >"$METER"
    on login1 srun -N"$broadcast_nodes" --exclusive --async-workflow="${2-$1.json}" --async-workflow-dir="$1" \
        >"$1.out" 2>"$1.err" </dev/null &
    pid=$!
}

# asked NAME N: the node that was asked for data as number N
asked () { sed -n 's/.*"event":"stage",.*"node":"\([^"]*\)".*/\1/p' "$NFS_SERVER/$1/journal.jsonl" 2>/dev/null | sed -n "$2p"; }

# of_nodes NAME N BYTES: on N nodes all these bytes came from others
of_nodes () { test "$(cd "$NFS_SERVER" && events "$1" '"event":"staged"' "\"bytes\":$3,\"from_nodes\":$3")" = "$2"; }

no_scratch () { test -z "$(ls "$ASYNC_WORKFLOW_SCRATCH")"; }
