# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# lib.sh - what every integration test starts from; sourced, it brings in sharness
#
#     test_description='...'
#     . "$(dirname "$0")/lib.sh"
#
# A test script that calls cluster_start has a private Slurm of its own until it ends, however it
# ends.  Then the command $at_exit_also is run, too.  Directories: $top_srcdir, $top_builddir
# (absolute), $CLUSTER_DIR.

test -n "$top_srcdir" || top_srcdir=$(dirname "$0")/../..
top_srcdir=$(cd "$top_srcdir" && pwd)
if test -z "$top_builddir"; then
    top_builddir=$top_srcdir
    for directory in . ..; do
        test -e $directory/config.status && top_builddir=$directory
    done
fi
top_builddir=$(cd "$top_builddir" && pwd)
export top_srcdir top_builddir

# A test must not see the caller's settings, nor a job that it may run in.
for variable in $(env | sed -n 's/^\(\(SLURM\|SLURMD\|SRUN\|SALLOC\|SBATCH\)_[A-Za-z0-9_]*\)=.*/\1/p
    s/^\(ASYNC_WORKFLOW_[A-Za-z0-9_]*\)=.*/\1/p'); do
    unset "$variable"
done
# Nor the job server of a make that runs it: the descriptors are closed by now.
unset MAKEFLAGS MFLAGS MAKELEVEL

for file in /usr/share/sharness/sharness.sh /usr/local/share/sharness/sharness.sh ""; do
    test -e "$file" && break
done
if test -z "$file"; then
    echo "1..0 # SKIP sharness is not installed"
    exit 0
fi
. "$file"

# What a test prints is shown if it fails.
test_log=
if test "$verbose" != t; then
    test_log=$(mktemp /tmp/aw-test-log.XXXXXX) && exec 3>>"$test_log" 4>&3
    test_ok_ ()
    {
        test_success=$((test_success + 1))
        echo "ok $test_count - $1"
        : >"$test_log"
    }
    test_failure_ ()
    {
        test_failure=$((test_failure + 1))
        echo "not ok $test_count - $1"
        { echo "# $0: not ok $test_count - $1"; tail -n 200 "$test_log" | sed 's/^/#     /'; } >&2
        : >"$test_log"
    }
fi

# "$INTERRUPTIBLE COMMAND &": a shell starts what runs in the background with SIGINT ignored, and our programs leave it so.
INTERRUPTIBLE='env --default-signal=INT'

CLUSTER=$top_srcdir/tests/slurm/cluster
CLUSTER_DIR=
at_exit_also=

# missing_slurm: prints a program that a private cluster needs and that is not installed; fails where there is none
missing_slurm ()
{
    for tool in slurmctld slurmd munged; do
        PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || { echo $tool; return; }
    done
    false
}

# need_slurm: without Slurm all tests of this script are skipped
need_slurm ()
{
    if tool=$(missing_slurm); then
        skip_all="$tool is not installed"
        test_done
    fi
}

# cluster_start [OPTION]...: a cluster for this script, its environment exported.  Where Slurm is
# not installed all tests are skipped; a cluster that does not start is a failure.
cluster_start ()
{
    need_slurm
    cluster_stop
    CLUSTER_DIR=$(mktemp -d /tmp/aw-test.XXXXXX) || error "no scratch directory"
    eval "$("$CLUSTER" start "$CLUSTER_DIR" "$@")" || error "the private cluster does not start"
}

cluster_stop ()
{
    test -n "$CLUSTER_DIR" || return 0
    "$CLUSTER" stop "$CLUSTER_DIR" && rm -rf "$CLUSTER_DIR"
    CLUSTER_DIR=
}

at_exit ()
{
    at_exit_code=$?
    trap - EXIT
    test -z "$test_log" || rm -f "$test_log"
    cluster_stop
    $at_exit_also
    (exit $at_exit_code)
    die
}
trap at_exit EXIT
trap 'exit 1' HUP INT PIPE TERM

# slurm_before YEAR: whether the installed Slurm is older than that year's releases
slurm_before () { test "$(srun --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -lt "$1"; }

# wait_for SECONDS COMMAND...: until the command (evaluated, so that it may be a pipe in quotes)
# succeeds; fails when the deadline has passed. A slow machine has AW_TEST_PATIENCE times as long.
wait_for ()
{
    wait_for_limit=$(($(date +%s) + $1 * ${AW_TEST_PATIENCE:-1}))
    shift
    until eval "$*"; do
        if test "$(date +%s)" -ge "$wait_for_limit"; then
            echo "wait_for: not within the deadline: $*"
            return 1
        fi
        sleep 0.05
    done
}

no_process_now ()
{
    test -z "$("$CLUSTER" users "${1:-$CLUSTER_DIR}")"
}

# no_process_left [DIR]: of all jobs and commands of the cluster nothing is there any more but its
# daemons.  What is just ending has some seconds to do so.
no_process_left ()
{
    wait_for 30 no_process_now "$@" && return 0
    echo "processes left:"
    "$CLUSTER" users "${1:-$CLUSTER_DIR}"
    return 1
}
