#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='steps of several ranks: scripts with an interpreter of their own, output files whose directories are missing'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
cluster_start --nodes 2 --cores 2 --gpus 0

test_expect_success 'bash and an interpreter found by env, on all ranks' '
    workflow scripts.json "\"tasks\": {
        \"bash\": { \"count\": 2, \"nodes\": 2, \"ranks\": 2,
            \"script\": \"#!/bin/bash\nwords=(x y)\n[[ \${#words[@]} = 2 ]] && echo {index} \$SLURM_PROCID \${BASH_VERSION:+bash}\" },
        \"awk\": { \"ranks\": 2,
            \"script\": \"#!/usr/bin/env -S awk -f\nBEGIN { print \\\"awk\\\", ENVIRON[\\\"SLURM_PROCID\\\"] }\" },
        \"missing\": { \"nodes\": 2, \"ranks\": 2, \"on_failure\": \"continue\", \"script\": \"#!/no/such/shell\ntrue\" } }" &&
    run 0 scripts -N2 --exclusive --async-workflow=scripts.json --async-workflow-dir=scripts &&
    for i in 0 1; do
        sort scripts/logs/bash.$i.out >actual && printf "$i 0 bash\n$i 1 bash\n" | test_cmp - actual || return 1
    done &&
    sort scripts/logs/awk.0.out >actual && printf "awk 0\nawk 1\n" | test_cmp - actual &&
    test "$(events scripts "\"event\":\"finish\",\"task\":\"missing[0]\"" failed)" = 1 &&
    grep "no/such/shell" scripts/logs/missing.0.err scripts.out
'

test_expect_success 'directories of stdout and stderr are made, also with placeholders and next to the task' '
    mkdir work &&
    workflow output.json "\"tasks\": {
        \"a\": { \"count\": 2, \"nodes\": 2, \"ranks\": 2, \"directory\": \"work\",
            \"stdout\": \"deep/{index}/er/out\", \"stderr\": \"deep/{index}/err\",
            \"script\": \"echo \$SLURM_PROCID; echo e\$SLURM_PROCID >&2\" },
        \"b\": { \"ranks\": 2, \"stdout\": \"$PWD/abs/o.txt\", \"command\": [\"echo\", \"x\"] } }" &&
    run 0 output -N2 --exclusive --async-workflow=output.json --async-workflow-dir=output &&
    for i in 0 1; do
        sort work/deep/$i/er/out >actual && printf "0\n1\n" | test_cmp - actual &&
        grep -x e0 work/deep/$i/err && grep -x e1 work/deep/$i/err || return 1
    done &&
    test "$(cat abs/o.txt | xargs)" = "x x"
'

test_expect_success 'a directory that cannot be made: the task fails, and the line names it' '
    touch file &&
    workflow blocked.json "\"tasks\": { \"a\": { \"ranks\": 2, \"nodes\": 2, \"stdout\": \"file/out\", \"command\": [\"true\"] } }" &&
    run 1 blocked -N2 --exclusive --async-workflow=blocked.json --async-workflow-dir=blocked &&
    grep "file" blocked.err | grep -i "directory"
'

test_expect_success 'nothing is left' 'nothing_left'

test_done
