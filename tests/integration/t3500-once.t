#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='sets that run once, on two nodes: before and after all iterations, stage after stage, and in a second job'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 2

# "get" on both nodes; "sum" fails until there is a file `go`.
workflow flow.json "\"iterations\": 3, \"tasks\": {
    \"get\": { \"once\": true, \"nodes\": 2, \"script\": \"echo \$SLURM_PROCID >>got\" },
    \"work\": { \"after\": [\"get\", \"work[i]@-1\"], \"count\": 8, \"script\": \"cat got >work.{iteration}.{index}\" },
    \"sum\": { \"once\": true, \"after\": [\"work\"], \"script\": \"test -e go && cat work.* >all\" },
    \"end\": { \"once\": true, \"after\": [\"sum[i]\"], \"script\": \"wc -l <all >end\" } }"

# in_order DIR: the first of "work" starts after the end of "get", "sum" after all of "work"
in_order ()
{
    awk -F'"' '/"event":"(start|finish)"/ { if ($6 == "start" && $10 ~ /^work/ && !got) exit 1
        if ($6 == "start" && $10 ~ /^sum/ && work < 24) exit 1
        if ($6 == "finish" && /"completed"/) { got += $10 == "get[0]"; work += $10 ~ /^work/ } }
        END { exit !(got == 1 && work == 24) }' "$1/journal.jsonl" || { cat "$1/journal.jsonl"; false; }
}

test_expect_success 'a first job comes to the set after the iterations, a second one continues' '
    run 1 first -N2 --async-workflow=flow.json --async-workflow-dir=first && in_order first &&
    test "$(sort got)" = "$(printf "0\n1")" && test ! -e all && touch go &&
    run 0 second -N2 --async-workflow-resume=first && in_order first &&
    test "$(wc -l <got)" = 2 && test "$(cat end)" = 48 && finished first 27
'

test_expect_success 'stage after stage' '
    rm -f got end all work.* &&
    run 0 stages -N2 --async-workflow=flow.json --async-workflow-dir=stages --async-workflow-mode=sequential &&
    in_order stages && test "$(cat end)" = 48 && finished stages 27
'

test_expect_success 'nothing is left' 'nothing_left'

test_done
