#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='examples/ddmd/ddmd-streaming.json: frames start training, training starts inference, the goal ends it'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/examples/ddmd:$PATH
export PATH
if ! test -x "$top_builddir/examples/ddmd/ddmd-simulate"; then
    skip_all='the DeepDriveMD example is not built: no BLAS'
    test_done
fi

# run DIR NAME=VALUE...: with these parameters
run ()
{
    dir=$1
    shift
    cp "$top_srcdir/examples/ddmd/ddmd-streaming.json" "$dir.json" || return 1
    for parameter; do
        sed "s/^\(    \"${parameter%%=*}\": \)[^,]*/\1${parameter#*=}/" "$dir.json" >"$dir.new" &&
            mv "$dir.new" "$dir.json" || return 1
    done
    timeout 120 async-workflow run --local --cpus 8 --gpus 8 --dir "$dir" "$dir.json" >"$dir.out" 2>&1 </dev/null ||
        { cat "$dir.out" "$dir"/logs/*.err >&4; false; }
}

# of DIR EVENT TASK: how many such lines the journal has
of () { grep -cF "\"event\":\"$2\",\"task\":\"$3" "$1/journal.jsonl"; }

small='simulations=4 steps=1000 every=50 batches=4 trainings=5'

test_expect_success 'a training for so many segments, an inference a training; what is over is not needed' '
    run all $small segments=4 goal=\"0\" &&
    test $(of all finish "simulate[") = 4 &&
    test $(of all finish "train[") = 4 && test $(of all skip "train[4]") = 1 &&
    test $(of all finish "infer[") = 4 &&
    for i in 0 1 2 3; do test -e all/restart-000$i-00000.frames || return 1; done &&
    cat all/batches-* | sort >batches &&
    for segment in 0 1 2 3; do for k in 0 1 2 3; do echo $segment $k; done; done | test_cmp - batches
'

test_expect_success 'the first to meet the goal ends all, and that is no failure' '
    run goal $small segments=1000000 goal=\"100\" &&
    test $(of goal cancel "simulate[") -ge 1 &&
    test $(of goal start "train[") = 0 && test $(of goal skip "train[") = 5 &&
    test $(of goal start "infer[") = 0 &&
    ls goal >files && grep "^simulation-0000-" files && ! grep "^simulation-0001-" files
'

test_done
