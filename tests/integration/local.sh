# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# local.sh - for tests of workflows that run by `run --local`; sourced after lib.sh

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH

LOCAL_CPUS=2

# run STATUS NAME OPTION...: a run with these options ends with this status; NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus $LOCAL_CPUS "$@" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

# replays DIR: all decisions are made again from the journal
replays () { replay "$1" >"$1.replay" && grep ": the same" "$1.replay" || { cat "$1.replay"; false; }; }
