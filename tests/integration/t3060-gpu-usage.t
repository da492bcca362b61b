#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='load and memory of GPUs, from a fake of NVML, in journal and report'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
fake=$top_builddir/tests/fake-nvml/.libs
if ! test -e "$fake/libnvidia-ml.so.1"; then
    skip_all="the fake of NVML is not built"
    test_done
fi

# Each task says of itself what the fake shall tell: GPU, bytes, percent; then waits until it was looked
# at twice.
cat >task <<'END'
#!/bin/sh
test "$1" = - || echo "$CUDA_VISIBLE_DEVICES $$ $1 $2" >>"$FAKE_NVML"
exec sleep 2.6
END
chmod +x task

# usage DIR TASK: its load and memory by the journal
usage ()
{
    sed -n "s/.*\"event\":\"finish\",\"task\":\"$2\\[0\\]\".*\"gpu_util\":\([0-9.]*\),\"gpu_mem\":\([0-9]*\).*/\1 \2/p" \
        "$1/journal.jsonl"
}

test_expect_success 'a run on two fake GPUs, one of them shared' '
    : >processes &&
    workflow gpus.json "\"tasks\": {
        \"none\": { \"command\": [\"true\"] },
        \"whole\": { \"gpus\": 1, \"command\": [\"./task\", \"5000\", \"-\"] },
        \"half\": { \"gpus\": 0.5, \"command\": [\"./task\", \"7000\", \"30\"] },
        \"other\": { \"gpus\": 0.5, \"command\": [\"./task\", \"9000\", \"60\"] } }" &&
    LD_LIBRARY_PATH=$fake FAKE_NVML=$PWD/processes async-workflow run --local --cpus 4 --gpus 2 \
        --dir gpus gpus.json >out 2>err || { cat out err; false; }
'

test_expect_success 'a whole GPU: its load, and the memory of the task on it' '
    usage gpus whole >actual &&
    grep -qx "[01][.5]* 5000" actual
'

test_expect_success 'a shared GPU: of each task what its processes have' '
    usage gpus half >actual && echo "0.3 7000" >expected && test_cmp expected actual &&
    usage gpus other >actual && echo "0.6 9000" >expected && test_cmp expected actual
'

test_expect_success 'a task without GPU has none of that' '
    test -z "$(usage gpus none)"
'

test_expect_success 'the report shows it: text, JSON, trace' '
    sed -n "/^GPUs  /,/^\$/p" out >actual &&
    grep -q "^  half  *30.0 %  *6.8 KiB" actual &&
    grep -q "^  whole .* 4.9 KiB" actual &&
    test "$(grep -c KiB actual)" -eq 3 &&
    async-workflow report --format json gpus >json &&
    grep -q "\"set\":\"other\".*\"gpu_util\":0.6,\"gpu_mem\":9000" json &&
    grep -q "\"set\":\"none\".*\"gpu_util\":null,\"gpu_mem\":0" json &&
    async-workflow report --format trace gpus | grep -q "\"gpu_util\":0.6,\"gpu_mem\":9000"
'

test_expect_success 'nobody tells of processes: the memory in use on a whole GPU is its task'\''s' '
    workflow container.json "\"tasks\": { \"whole\": { \"gpus\": 1, \"command\": [\"./task\", \"-\"] } }" &&
    LD_LIBRARY_PATH=$fake async-workflow run --local --gpus 1 --dir container container.json &&
    usage container whole >actual && echo "0.5 1073741824" >expected && test_cmp expected actual
'

test_expect_success 'without NVML, and with one that does not answer, nothing is reported' '
    workflow bare.json "\"tasks\": { \"a\": { \"gpus\": 1, \"command\": [\"true\"] } }" &&
    async-workflow run --local --gpus 1 --dir bare bare.json >out && ! grep -q gpu_mem bare/journal.jsonl &&
    ! grep -q "^GPUs  " out &&
    LD_LIBRARY_PATH=$fake FAKE_NVML_BROKEN=1 async-workflow run --local --gpus 1 --dir broken bare.json &&
    ! grep -q gpu_mem broken/journal.jsonl
'

test_done
