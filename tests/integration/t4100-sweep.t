#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='examples/sweep: predicted and measured improvement, in a few cells'

. "$(dirname "$0")/lib.sh"

SWEEP=$top_srcdir/examples/sweep

# A busy machine may be far off: this shows that the sweep works, not how good the model is.
TOLERANCE=0.15

refused () { test_expect_code 2 "$@" >out 2>err && test -s err && ! test -s out; }

model ()
{
    "$top_builddir/helpers/async-workflow" model --plan-time=0 --nodes "$1" --cpus 4 --gpus 2 --json "$2"
}

need_slurm

test_expect_success 'wrong words: exit 2' '
    for words in "" "0" "9" "x" "1 x" "1 0.1 1" "--seed" "--new 1"; do
        refused "$SWEEP/make-workflow" $words || return 1
    done &&
    for words in "x" "--cells" "--cells 8:0" "--cells 1" "--seed x" "--quiet"; do
        refused "$SWEEP/run" $words || return 1
    done
'

test_expect_success 'each member of the family has the degree that was asked for' '
    for branches in 1 2 3 4 5 6 7 8; do
        for spread in 0 0.3; do
            "$SWEEP/make-workflow" $branches $spread >family.json &&
            "$top_builddir/helpers/async-workflow" check family.json &&
            model $branches family.json >out &&
            grep "^  \"doa_dep\": $((branches - 1))," out &&
            grep "^  \"doa_res\": $((branches - 1))," out || return 1
        done
    done &&
    for nodes in 1 2 3 4 5 6 7 8; do
        model $nodes family.json >out &&
        grep "^  \"doa_dep\": 7," out &&
        grep "^  \"doa_res\": $((nodes - 1))," out || return 1
    done
'

test_expect_success 'lengths spread about the declared mean, the same for the same seed' '
    "$SWEEP/make-workflow" 8 0.3 >one.json &&
    "$SWEEP/make-workflow" 8 0.3 >same.json &&
    "$SWEEP/make-workflow" --seed 2 8 0.3 >other.json &&
    test_cmp one.json same.json &&
    ! cmp one.json other.json &&
    for seed in 1 2 3 4 5 6 7 8 9 10; do
        "$SWEEP/make-workflow" --seed $seed 8 0.3 || return 1
    done | sed -n "s/.*\"duration\": \([^,]*\),.*index}\", \"\(.*\)\", \"\(.*\)\"\].*/\1 \2 \3/p" |
        awk "{ for (i = 2; i <= 3; i++) { x = \$i / \$1; n++; sum += x; squares += x * x } }
            END { mean = sum / n; sd = sqrt (squares / n - mean * mean); print n, mean, sd
                exit !(n == 500 && mean > 0.95 && mean < 1.05 && sd > 0.25 && sd < 0.35) }"
'

test_expect_success 'lengths that are not known, or of no task, are told' '
    known=$top_builddir/examples/sweep/sweep-known &&
    "$SWEEP/make-workflow" 2 0.3 >two.json &&
    "$SWEEP/make-workflow" --lengths 2 0.3 >lengths &&
    refused "$known" two.json 2 4 2 </dev/null &&
    refused "$known" missing.json 2 4 2 fifo <lengths &&
    refused "$known" two.json 2 4 2 none <lengths &&
    refused "$known" two.json 2 4 x fifo <lengths &&
    refused "$known" two.json 2 4 0 fifo <lengths &&
    sed 1d lengths | refused "$known" two.json 2 4 2 fifo &&
    sed "1s/root/b9-0/" lengths | refused "$known" two.json 2 4 2 fifo &&
    "$known" two.json 2 4 2 longest-path <lengths >out &&
    awk "NF != 2 || \$1 < \$2 || \$2 < 3 { bad = 1 } END { exit bad || NR != 1 }" out
'

test_expect_success 'each length alike, the simulation is what the model says' '
    "$SWEEP/make-workflow" 5 >even.json &&
    "$SWEEP/make-workflow" --lengths 5 >even &&
    "$known" even.json 3 4 2 longest-path <even >actual &&
    model 3 even.json >out &&
    awk "/^  \"t_seq\":/ { seq = \$2 + 0 } /^  \"t_async\":/ { async = \$2 + 0 }
        END { printf \"%.6f %.6f\", seq, async; print \"\" }" out >expected &&
    test_cmp expected actual
'

test_expect_success 'three cells on a cluster: every one measured, none far off' '
    scratch=$(mktemp -d /tmp/aw-test.XXXXXX) &&
    test_when_finished "rm -rf $scratch" &&
    { TMPDIR=$scratch "$SWEEP/run" --cells 0:0,1:1,2:2 --spread 0 --output results >out 2>err ||
        { cat out err; false; }; } &&
    grep "of 3 cells" out &&
    awk -v most=$TOLERANCE "NR > 1 { n++; d = \$17 - \$7; bad += d > most || d < -most; print }
        END { exit bad || n != 3 }" results/results.tsv &&
    ! test -s err &&
    test -z "$(ls -A "$scratch")"
'

test_expect_success 'the picture is XML and has the points' '
    grep -c "<circle" results/sweep.svg &&
    tail -n 1 results/sweep.svg | grep "</svg>" &&
    if command -v python3 >/dev/null; then
        python3 -c "from xml.dom.minidom import parse; parse (\"results/sweep.svg\")"
    fi
'

test_done
