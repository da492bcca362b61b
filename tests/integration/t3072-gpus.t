#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='GPUs, however a job was requested: tasks of the pool and steps, with GPUs and without, on all nodes and on one'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

# Two nodes alike, one with fewer GPUs, one without.
cluster_start --nodes 0 --memory 16000 \
    --node 'g1 CPUs=8 Sockets=2 CoresPerSocket=4 Gres=gpu:4' \
    --node 'g2 CPUs=8 Sockets=2 CoresPerSocket=4 Gres=gpu:4' \
    --node 'h1 CPUs=8 Sockets=2 CoresPerSocket=4 Gres=gpu:2' \
    --node 'c1 CPUs=8 Sockets=2 CoresPerSocket=4'

# Each task and rank prints how many GPUs it has.
count='IFS=,; set -- $CUDA_VISIBLE_DEVICES; echo GPUs $#'
plain="\"pool\": { \"count\": 2, \"script\": \"$count\" },
    \"step\": { \"launch\": \"step\", \"script\": \"$count\" }"
gpu="\"gpu\": { \"count\": 2, \"gpus\": 1, \"script\": \"$count\" },
    \"gpustep\": { \"launch\": \"step\", \"gpus\": 1, \"script\": \"$count\" }"
wide="\"wide\": { \"nodes\": 2, \"script\": \"$count\" }"
gpuwide="\"gpuwide\": { \"nodes\": 2, \"gpus\": 1, \"script\": \"$count\" }"
workflow cpu1.json "\"tasks\": { $plain }"
workflow cpu2.json "\"tasks\": { $plain, $wide }"
workflow gpu1.json "\"tasks\": { $plain, $gpu }"
cp gpu1.json gpua.json
workflow gpu2.json "\"tasks\": { $plain, $gpu, $wide, $gpuwide }"

# has DIR SET N GPUS: N outputs of the set say that they have this many GPUs
has () { test "$(cat $1/logs/$2.*.out | grep -c "^GPUs $4\$")" = $3 || { head $1/logs/$2.*; false; }; }

# right DIR FILE: the tasks of FILE have what they ask for
right ()
{
    case $2 in
    cpu1) finished $1 3 ;;
    cpu2) finished $1 4 && has $1 wide 2 0 ;;
    gpu1 | gpua) finished $1 6 ;;
    gpu2) finished $1 8 && has $1 wide 2 0 && has $1 gpuwide 2 1 ;;
    esac &&
        has $1 pool 2 0 && has $1 step 1 0 || return 1
    case $2 in gpu*) has $1 gpu 2 1 && has $1 gpustep 1 1 ;; esac
}

# kind NAME FILES OPTION...: in one job of salloc with these options, each of the workflows FILE (N: on N nodes)
# runs well.  With NODES=N only on N of the job's nodes.
kind ()
{
    name=$1 files=$2
    shift 2
    {
        echo "export SLURM_EXIT_ERROR=90"
        for file in $files; do
            nodes=
            case $file in *1) nodes="--nodes=1" ;; esac
            echo "srun $nodes --async-workflow=$file.json --async-workflow-dir=$name-$file >$name-$file.log 2>&1 </dev/null ||"
            echo "    { echo $file; cat $name-$file.log; exit 1; }"
        done
    } >$name.sh &&
        salloc --quiet "$@" sh -e $name.sh </dev/null >$name.out 2>&1 || { cat $name.out; return 1; }
    for file in $files; do
        right $name-$file $file || return 1
    done
}

test_expect_success 'no GPUs requested' '
    kind none "cpu2 cpu1" -w g1,g2 -n4 -N2 &&
    kind none-c "cpu1" -w c1 -n2
'

test_expect_success '--gpus, also spread unevenly' '
    kind total4 "gpu2 gpu1 cpu1" -w g1,g2 -n4 --gpus=4 &&
    kind total5 "gpu2 gpu1 cpu2" -w g1,g2 -n4 --gpus=5 &&
    kind one "gpu1 cpu1" -w g1 -n2 --gpus=3
'

test_expect_success '--gpus-per-node, --gres' '
    kind node "gpu2 gpu1 cpu1" -w g1,g2 -n4 --gpus-per-node=2 &&
    kind gres "gpu2 gpu1 cpu1" -w g1,g2 -n4 --gres=gpu:2
'

test_expect_success '--gpus-per-task' '
    kind task "gpu2 gpu1 cpu1" -w g1,g2 -N2 -n4 --gpus-per-task=1
'

test_expect_success '--gpus-per-socket' '
    kind socket "gpu2 gpu1 cpu1" -w g1,g2 -n4 --ntasks-per-socket=1 --sockets-per-node=2 --gpus-per-socket=1
'

test_expect_success '--cpus-per-gpu, --mem-per-gpu, --ntasks-per-gpu' '
    kind cpg "gpu1 cpu1" -w g1 --gres=gpu:2 --cpus-per-gpu=2 &&
    kind mpg "gpu1 cpu1" -w g1 -n2 --gpus=2 --mem-per-gpu=100 &&
    kind npg "gpu1 cpu1" -w g1 -n2 --ntasks-per-gpu=1
'

test_expect_success '--exclusive: all GPUs of the nodes' '
    kind all "gpu2 gpu1 cpu2" -w g1,g2 --exclusive &&
    kind some "gpu2 gpu1 cpu2" -w g1,g2 --exclusive --gpus=2
'

test_expect_success 'nodes with unlike numbers of GPUs' '
    kind uneven "gpu2 gpu1 cpu1" -w g1,h1 --exclusive &&
    kind uneven5 "gpu2 gpu1 cpu1" -w g1,h1 -n4 --gpus=5
'

# Releases that give steps of such a job no GPUs have one line for it; others run it.
test_expect_success 'nodes with GPUs and without: tasks without GPUs run' '
    kind mixed "cpu2 cpu1" -w g1,c1 --exclusive &&
    grep "has nodes with and without GPUs: the pool has no GPUs" mixed-cpu2.log
'

test_expect_success 'there, tasks with GPUs run, or one line says why not' '
    kind mixedg "gpua" -w g1,c1 --exclusive ||
        grep "job [0-9]* holds GPUs on some of its nodes only, .*: request nodes that all have GPUs" mixedg-gpua.log
'

# 22.05 grants this request, and gives no GPU.
test_expect_success 'a request with GPUs to which Slurm gives none' '
    if kind granted gpu1 -w g1 -n4 --ntasks-per-socket=2 --sockets-per-node=2 --gpus-per-socket=2; then
        :
    else
        kind empty cpu1 -w g1 -n4 --ntasks-per-socket=2 --sockets-per-node=2 --gpus-per-socket=2 &&
        grep "was requested with GPUs, but Slurm gave it none" empty-cpu1.log granted-gpu1.log
    fi
'

test_expect_success 'nothing is left' nothing_left

test_done
