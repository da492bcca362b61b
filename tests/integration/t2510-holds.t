#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='holds: the plan keeps places for tasks that are expected soon'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH

# Simulations that should end together end one after the other. If training takes the first free CPU, one simulation
# of the next iteration starts late.
near ()
{
    cat <<-END
	{ "async-workflow": 1, "name": "near", "iterations": 3, "tasks": {
	    "simulate": { "after": ["simulate@-1"], "count": 4, "duration": $1, "script": "$2" },
	    "train": { "after": ["simulate"], "duration": 1, "command": ["true"] } } }
	END
}

near 2 "true" >near.json
near 1 "sleep 0.9\$(({index} % 4))" >sleep.json

# run FILE DIR [OPTION]...
run ()
{
    file=$1 dir=$2
    shift 2
    async-workflow run --local --cpus 4 --dir "$dir" "$@" "$file" >"$dir.out" 2>&1 </dev/null ||
        { cat "$dir.out"; false; }
}

# again DIR: all decisions are the same
again () { replay "$1" >"$1.replay" && grep "the same" "$1.replay"; }

test_expect_success 'the model says for how many sets places are held, and the journal for how long' '
    async-workflow model --cpus 4 --plan-evaluations=200 near.json >out &&
    grep "plan .* holding places for [1-9]" out &&
    run near.json near --plan-evaluations=200 &&
    grep "a plan holds places for tasks that are expected soon" near.out &&
    grep "\"event\":\"plan\",\"order\":\"1:0.1 2:0.1 " near/journal.jsonl &&
    again near
'

test_expect_success 'a policy that is given has no holds; nor has a run without a search' '
    run near.json longest --policy longest-path &&
    test_expect_code 1 grep "\"event\":\"plan\"" longest/journal.jsonl &&
    run near.json none --plan-time=0 &&
    test_expect_code 1 grep "\"event\":\"plan\"" none/journal.jsonl
'

test_expect_success 'tasks that end at their time: the run is decided again from its journal' '
    run sleep.json sleep --plan-evaluations=200 &&
    grep "\"event\":\"plan\",\"order\":\"1:0.05" sleep/journal.jsonl &&
    again sleep
'

# The journal of a run that is 4 s old: the first simulation of the second iteration has ended.
event () { printf "{\"t\":%s,\"event\":\"%s\",\"task\":\"%s\",\"attempt\":0%s}\n" "$@"; }
iteration ()
{
    for i in 0 1 2 3; do event "$2" ready "simulate@$1[$i]" ""; done
    [ "$1" = 0 ] || event "$2" ready "train@0[0]" ""
    for i in 0 1 2 3; do
        event "$2" start "simulate@$1[$i]" ",\"node\":\"$node\",\"cpus\":\"$i\",\"gpus\":\"\""
    done
}
finish () { event "$1" finish "$2" ",\"node\":\"$node\",\"status\":\"completed\",\"seconds\":2"; }

test_expect_success 'explain: for which task the place is held, and until when' '
    cp -R near half &&
    node=$(sed -n "s/.*\"event\":\"node\",\"node\":\"\([^\"]*\)\".*/\1/p" near/journal.jsonl) &&
    { sed "/\"event\":\"node\"/q" near/journal.jsonl | sed "s/^{\"t\":[0-9.]*,/{\"t\":0,/" &&
        iteration 0 0 &&
        for i in 0 1 2 3; do finish 2 "simulate@0[$i]"; done &&
        iteration 1 2 && finish 3.95 "simulate@1[0]"; } >half/journal.jsonl &&
    async-workflow explain half "train@0[0]" >out &&
    grep "the plan holds its place for a task of simulate, expected in 0.05 s; the hold ends in 0.15 s at the latest" \
        out &&
    async-workflow explain half >out &&
    grep "the plan: 1 ready task is held back for a task that is expected soon" out
'

test_expect_success 'a resumed run keeps its holds' '
    async-workflow run --local --cpus 4 --resume half >resume.out 2>&1 </dev/null &&
    again half
'

test_done
