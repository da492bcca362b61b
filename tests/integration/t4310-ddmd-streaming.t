#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='examples/ddmd, streaming and workers: frames start training, training starts inference, the goal ends it'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/examples/ddmd:$PATH
export PATH
if ! test -x "$top_builddir/examples/ddmd/ddmd-simulate"; then
    skip_all='the DeepDriveMD example is not built: no BLAS'
    test_done
fi

# run KIND DIR NAME=VALUE...: ddmd-KIND.json with these parameters
run ()
{
    dir=$2
    cp "$top_srcdir/examples/ddmd/ddmd-$1.json" "$dir.json" || return 1
    shift 2
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
    run streaming all $small segments=4 goal=\"0\" &&
    test $(of all finish "simulate[") = 4 &&
    test $(of all finish "train[") = 4 && test $(of all skip "train[4]") = 1 &&
    test $(of all finish "infer[") = 4 &&
    for i in 0 1 2 3; do test -e all/restart-000$i-00000.frames || return 1; done &&
    cat all/batches-* | sort >batches &&
    for segment in 0 1 2 3; do for k in 0 1 2 3; do echo $segment $k; done; done | test_cmp - batches
'

test_expect_success 'the first to meet the goal ends all, and that is no failure' '
    run streaming goal $small segments=1000000 goal=\"100\" &&
    test $(of goal cancel "simulate[") -ge 1 &&
    test $(of goal start "train[") = 0 && test $(of goal skip "train[") = 5 &&
    test $(of goal start "infer[") = 0 &&
    ls goal >files && grep "^simulation-0000-" files && ! grep "^simulation-0001-" files
'

test_expect_success 'workers do the same, and keep what they have loaded' '
    run workers stay $small segments=4 goal=\"0\" pace=0 &&
    test $(of stay finish "aggregate[") = 4 && test $(of stay finish "train[") = 4 && test $(of stay finish "infer[") = 4 &&
    for i in 0 1 2 3; do test -e stay/restart-000$i-00000.frames || return 1; done &&
    async-workflow logs stay infer | grep -c "^infer\[[0-3]\]: computed from" >n && test $(cat n) = 4
'

test_done
