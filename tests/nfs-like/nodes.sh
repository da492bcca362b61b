# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# nodes.sh - for tests in which each node has its own view of a shared directory; sourced after
# lib.sh.  See nfs-like.h for the file system, and the program node for a node.
#
# The directory is $NFS_MOUNT, as all nodes name it; here it is empty.  $NFS_SERVER has the files.
#
# With AW_TEST_NFS=4.2 (or another version) it is mounted from the NFS server of this machine: see
# tests/vm.  What only nfs-like can do has the prerequisite LIKE.

NFS_LIKE=$top_builddir/tests/nfs-like/nfs-like
test -z "${AW_TEST_NFS-}" || NFS_LIKE=$top_srcdir/tests/nfs-like/nfs
NFS_DIR=$(mktemp -d /tmp/aw-nfs.XXXXXX)
NFS_SERVER=$NFS_DIR/server NFS_MOUNT=$NFS_DIR/mount NFS_NODES=$NFS_DIR/nodes
export NFS_LIKE NFS_SERVER NFS_MOUNT NFS_NODES
mkdir "$NFS_SERVER" "$NFS_MOUNT" "$NFS_NODES"

# nfs_needs: skips all tests where such nodes cannot be made.
nfs_needs ()
{
    skip_all=
    if ! test -x "$NFS_LIKE"; then
        skip_all='nfs-like is not built: it needs libfuse3'
    elif test "$(id -u)" != 0; then
        skip_all='mounting needs root'
    elif test -n "${AW_TEST_NFS-}"; then
        mount -t tmpfs server "$NFS_SERVER" &&
            exportfs -i -o rw,sync,no_root_squash,no_subtree_check,insecure,fsid=0 "127.0.0.0/8:$NFS_SERVER" &&
            node_start probe || error "no NFS server exports a directory here"
    elif ! NFS_OPTIONS='' node_start probe; then
        skip_all='a FUSE file system cannot be mounted here'
    fi
    test -z "$skip_all" || test_done
    test -n "${AW_TEST_NFS-}" || test_set_prereq LIKE
    node_stop probe
}

# node_start NAME: a node without a slurmd, from which users call srun
node_start ()
{
    rm -f "$NFS_NODES/$1"
    "$top_srcdir/tests/nfs-like/node" "$1" sleep infinity </dev/null >/dev/null 2>&1 &
    node_pid=$!
    wait_for 10 "test -e $NFS_NODES/$1 || ! kill -0 $node_pid 2>/dev/null" && test -e "$NFS_NODES/$1"
}

# nfs_process NAME: the process that serves this node's mount
nfs_process ()
{
    for process in $(pgrep -x nfs-like); do
        test "$(readlink "/proc/$process/ns/mnt")" = "$(readlink "/proc/$(cat "$NFS_NODES/$1")/ns/mnt")" &&
            echo "$process"
    done
}

# node_stop NAME: the end of a node that node_start started, and of what runs there
node_stop ()
{
    test -e "$NFS_NODES/$1" || return 0
    kill $(nfs_process "$1") "$(cat "$NFS_NODES/$1")" 2>/dev/null
    rm -f "$NFS_NODES/$1"
}

# on NAME COMMAND...: runs it on this node, in the shared directory
on ()
{
    node=$(cat "$NFS_NODES/$1")
    shift
    nsenter --mount --uts --target "$node" sh -c 'cd "$NFS_MOUNT" && exec "$@"' sh "$@"
}

# What runs on these nodes has this in its environment; this script was started before.
nfs_finish ()
{
    node_all=$(grep -lsxzF -e "NFS_SERVER=$NFS_SERVER" /proc/[0-9]*/environ | sed 's|/proc/\([0-9]*\)/.*|\1|')
    test -z "$node_all" || kill -KILL $node_all 2>/dev/null
    test -z "${AW_TEST_NFS-}" || { exportfs -u "127.0.0.0/8:$NFS_SERVER" && umount -l "$NFS_SERVER"; }
    rm -rf "$NFS_DIR"
}
at_exit_also=nfs_finish
