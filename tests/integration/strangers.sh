# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# strangers.sh - for tests of who may connect; sourced after cluster_start. The prerequisite OTHER: a test can act as another user.

# What others need to get as far as they ever could: the socket of munged, which is everybody's.
chmod a+x "$CLUSTER_DIR" "${ASYNC_WORKFLOW_MUNGE_SOCKET%/*}"
mkdir "$CLUSTER_DIR/public" && chmod 755 "$CLUSTER_DIR/public"
cp "$top_builddir/tests/integration/stranger" "$CLUSTER_DIR/public/" && chmod 755 "$CLUSTER_DIR/public/stranger"

other () { (cd / && setpriv --reuid=65534 --regid=65534 --clear-groups "$@"); }
if test "$(id -u)" = 0 && other test -x "$CLUSTER_DIR/public/stranger"; then
    test_set_prereq OTHER
else
    echo "# only root, with setpriv, can act as another user: those tests are skipped"
fi

# knock STATUS "COUNTS" ARGUMENT...: stranger at $port ends with STATUS and counts so; in $AS (other, or us)
knock ()
{
    want=$1 counts=$2
    shift 2
    test_expect_code "$want" $AS "$CLUSTER_DIR/public/stranger" "$port" "$@" >knock.out && grep -q "$counts" knock.out ||
        { cat knock.out; false; }
}
AS=
