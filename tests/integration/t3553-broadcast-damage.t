#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='A copy that is damaged on a node is not passed on: the others get the right file, and the user is told'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

head -c $((2 << 20)) /dev/urandom >big
# user.* attributes keep the checksums
python3 -c 'import os; os.setxattr("big", "user.test", b"1")' 2>attributes.err ||
    { skip_all='this file system has no extended attributes, or there is no Python'; test_done; }
cluster_start --nodes 3 --cores 2 --gpus 0
ASYNC_WORKFLOW_SCRATCH=$PWD/scratch
export ASYNC_WORKFLOW_SCRATCH
mkdir "$ASYNC_WORKFLOW_SCRATCH"

# The first task does what a bad disk does: no time changes.
damaging ()
{
    workflow "$1.json" '"tasks": {
        "first": { "stage_in": { "from": "big", "mode": "'"$2"'" }, "cpus": 2,
            "script": "cd \"{scratch}\"; touch -r big time; printf x | dd of=big bs=1 seek=1000000 conv=notrunc; touch -r time big" },
        "w": { "after": ["first"], "count": 3, "cpus": 2, "stage_in": { "from": "big", "mode": "'"$2"'" },
            "script": "cksum <\"{scratch}/big\"; touch '"$1"'.{index}; until [ $(ls '"$1"'.[012] | wc -l) = 3 ]; do sleep 0.1; done" } }'
}
printf y | dd of=big bs=1 seek=1000000 conv=notrunc 2>/dev/null

for mode in async sync; do
    damaging $mode $mode
    # A node that asks when another has found the damage gets nothing of that copy, and has nothing to say.
    test_expect_success "$mode copies: two nodes get the right file; the first that asks says which node has damaged it" '
        run 0 $mode -N3 --exclusive --async-workflow=$mode.json --async-workflow-dir=$mode && finished $mode 4 &&
        test $(cat $mode/logs/w.*.out | grep -c "$(cksum <big)") = 2 &&
        reader=$(sed -n "s/.*\"event\":\"start\",\"task\":\"first\[.*\"node\":\"\([^\"]*\)\".*/\1/p" $mode/journal.jsonl) && test -n "$reader" &&
        grep "^async-workflow: node n[123]: $PWD/big: the copy that .* gave is damaged (wrong checksum) and not used; " $mode.err >told &&
        test $(events $mode "\"event\":\"staged\"" "\"reason\":\"$PWD/big: the copy that ") = $(wc -l <told) &&
        test $(wc -l <told) -ge 1 && test $(wc -l <told) -le 2 && ! grep "node $reader:" told &&
        "$top_builddir/helpers/async-workflow" report --format json $mode >report &&
        { test $mode = async || ! grep staging report; }
    '
done

test_expect_success 'copies that no other node reads keep no sum' '
    cp big own.0 && cp big own.1 && echo "import os, sys
for name in sys.argv[2:]: print(name, len(os.listxattr(sys.argv[1] + \"/\" + name)))" >attributes.py &&
    workflow own.json "\"tasks\": { \"w\": { \"count\": 2, \"stage_in\": [\"big\", \"own.{index}\"],
        \"script\": \"python3 attributes.py \\\"{scratch}\\\" big own.{index}\" } }" &&
    run 0 own -N2 --exclusive --async-workflow=own.json --async-workflow-dir=own && finished own 2 &&
    test "$(cat own/logs/w.*.out | sort | uniq -c | awk "{ print \$1, \$2, \$3 }" | tr "\n" " ")" = "2 big 1 1 own.0 0 1 own.1 0 "
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
