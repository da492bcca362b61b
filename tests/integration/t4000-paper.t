#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description="examples/paper/run: the paper's experiments, quickly"

# At 1/200 the starts of 96 tasks at once weigh ten times what they do at the usual scale, and
# this machine may be busy: the limits on times are wide here. What must hold whatever the load is
# seen in the journals.

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

need_slurm

RUN=$top_srcdir/examples/paper/run
ALL='c-dg1-sequential c-dg1-asynchronous c-dg2-sequential c-dg2-asynchronous
    ddmd-sequential ddmd-asynchronous'

test_expect_success 'wrong options: exit 2' '
    for words in "--scale 0" "--scale 1/x" "--scale" "--only ddmmd" "--quickly"; do
        test_expect_code 2 "$RUN" $words >out 2>err && test -s err && ! test -e paper-runs ||
            return 1
    done
'

test_expect_success 'an output directory is not overwritten' '
    mkdir there && test_expect_code 1 "$RUN" --quick --output there 2>err &&
    grep "exists: give another" err
'

test_expect_success 'all six run, within wide limits' '
    "$RUN" --quick --output runs --builddir "$top_builddir" >out 2>err || { cat out err; false; }
'

test_expect_success 'all tasks were done, once each' '
    for name in $ALL; do
        case $name in
        c-dg1*) n=256 ;;
        c-dg2*) n=256 ;;
        ddmd*) n=627 ;;
        esac
        finished runs/$name $n || return 1
    done
'

test_expect_success 'no run was shorter than the model' '
    grep -c "^| [cd]" runs/table.txt >rows && echo 6 >expected && test_cmp expected rows &&
    awk -F "|" "/^\\| [cd]/ && \$6 + 0 < 1 { print; bad = 1 } END { exit bad + 0 }" runs/table.txt
'

test_expect_success 'sequential: after the stage before; asynchronous: after its own sets' '
    run=runs/c-dg2-sequential &&
    test $(at $run start "T7[0]") -gt $(at $run finish "T3[0]") &&
    run=runs/c-dg2-asynchronous &&
    test $(at $run start "T7[15]") -lt $(at $run finish "T3[0]") &&
    run=runs/ddmd-sequential &&
    test $(at $run start "simulate@1[0]") -gt $(at $run finish "infer@0[95]") &&
    run=runs/ddmd-asynchronous &&
    test $(at $run start "simulate@1[0]") -lt $(at $run start "train@0[0]")
'

test_expect_success 'what was decided is decided again from the journals' '
    for name in $ALL; do
        "$top_builddir/tests/integration/replay" runs/$name || return 1
    done
'

test_expect_success 'a picture for each workflow' '
    for name in c-dg1 c-dg2 ddmd; do
        grep -q "<title>$name</title>" runs/$name.svg &&
            tail -n 1 runs/$name.svg | grep -qx "</svg>" || return 1
        if command -v xmllint >/dev/null; then
            xmllint --noout runs/$name.svg || return 1
        fi
    done
'

test_done
