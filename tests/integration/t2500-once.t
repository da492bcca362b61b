#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='sets that run once, before or after all iterations'

. "$(dirname "$0")/lib.sh"

PATH=$PWD/bin:$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH

# step: waits for ever if its task is $HOLD, else writes a line to `ran`
mkdir bin
cat >bin/step <<\END
#!/bin/sh
while test "$ASYNC_WORKFLOW_TASK" = "$HOLD"; do sleep 0.1; done
echo "$ASYNC_WORKFLOW_TASK" >>ran
END
chmod +x bin/step

# Before: get, index (2), after it by key; after: sum (2), end, by index. "free" waits for
# nothing, and nothing in an iteration for it.
cat >flow.json <<\END
{ "async-workflow": 1, "name": "flow", "iterations": 3, "defaults": { "directory": "{run}" }, "tasks": {
    "end": { "once": true, "after": ["sum[part]"], "foreach": { "part": ["a", "b"] }, "duration": 1,
        "script": "step; cat sum.{part} >end.{part}" },
    "get": { "once": true, "duration": 1, "script": "step; echo 1 >data" },
    "index": { "once": true, "after": ["get"], "count": 2, "duration": 1,
        "script": "step; cat data >index.{index}" },
    "index2": { "once": true, "after": ["index[i]"], "count": 2, "duration": 1,
        "script": "step; cat index.{index} >index2.{index}" },
    "work": { "after": ["index2", "learn@-1"], "count": 2, "duration": 1,
        "script": "step; cat index2.? >work.{iteration}.{index}" },
    "learn": { "after": ["work"], "duration": 1, "script": "step; cat work.{iteration}.? >learn.{iteration}" },
    "free": { "count": 2, "duration": 1, "script": "step" },
    "sum": { "once": true, "after": ["learn", "free"], "foreach": { "part": ["a", "b"] }, "duration": 1,
        "script": "step; cat learn.? >sum.{part}; echo $ASYNC_WORKFLOW_ITERATION $ASYNC_WORKFLOW_TASK" } } }
END
TASKS=24

# run STATUS NAME [OPTION]...: run directory NAME, output in NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 2 --dir "$name" "$@" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

resume ()
{
    async-workflow run --local --cpus 2 --resume "$1" >"$1.out" 2>"$1.err" </dev/null || { cat "$1.out" "$1.err"; false; }
}

# again DIR: all is decided again from the journal
again () { replay "$1" >"$1.replay" 2>&1 && grep -q ": the same" "$1.replay" || { cat "$1.replay"; false; }; }

# place DIR TASK: which line of `ran` it has
place () { grep -nxF "$2" "$1/ran" | cut -d: -f1; }

# precedes DIR FIRST SECOND...: the task FIRST ran before each of the others, all of them once
precedes ()
{
    dir=$1 first=$(place "$1" "$2")
    shift 2
    for task; do
        test "$first" -lt "$(place "$dir" "$task")" || { echo "$dir: $task too early"; cat "$dir/ran"; return 1; }
    done
}

# in_order DIR: of flow.json
in_order ()
{
    test "$(sort -u "$1/ran" | wc -l)" = $TASKS && test "$(wc -l <"$1/ran")" = $TASKS &&
        precedes "$1" "get[0]" "index[0]" "index[1]" &&
        precedes "$1" "index[0]" "index2[0]" && precedes "$1" "index[1]" "index2[1]" &&
        for index in "index2[0]" "index2[1]"; do
            precedes "$1" "$index" "work@0[0]" "work@0[1]" "work@1[0]" "work@2[1]" || return 1
        done &&
        for last in "learn@2[0]" "learn@0[0]" "free@2[1]" "free@0[0]"; do
            precedes "$1" "$last" "sum[0]" "sum[1]" || return 1
        done &&
        precedes "$1" "sum[0]" "end[0]" && precedes "$1" "sum[1]" "end[1]" &&
        test "$(wc -l <"$1/end.b")" = 12
}

test_expect_success 'check: what cannot be is refused' '
    cat >between.json <<-END &&
	{ "async-workflow": 1, "iterations": 2, "tasks": {
	    "a": { "command": ["true"] },
	    "middle": { "once": true, "after": ["a"], "command": ["true"] },
	    "b": { "after": ["middle"], "command": ["true"] } } }
	END
    test_expect_code 2 async-workflow check between.json 2>err &&
    grep "between.json: tasks.middle: runs once, after all iterations, but b waits for it in each" err &&
    sed "s/\"a\"\]/\"a@-1\"]/" between.json >back.json &&
    test_expect_code 2 async-workflow run --local --dir none back.json 2>err &&
    grep "back.json: tasks.middle.after\[0\]: middle runs once, not in each iteration: write \"a\"" err &&
    test ! -e none
'

test_expect_success 'check counts them once' '
    async-workflow check flow.json >out 2>err && test_must_be_empty err &&
    grep "ok: 8 task sets, 3 iterations, $TASKS tasks" out
'

for policy in longest-path fifo widest auto; do
    test_expect_success "before and after all iterations, $policy" '
        run 0 $policy --policy $policy flow.json && in_order $policy && again $policy &&
        grep -qx "0 sum\[1\]" $policy/logs/sum.1.out
    '
done

test_expect_success 'stage after stage: stages before and after all iterations' '
    run 0 stages --mode sequential flow.json && in_order stages && again stages &&
    for early in "free@0[0]" "work@0[0]" "free@0[1]"; do
        for before in "index2[0]" "index2[1]" "get[0]"; do
            precedes stages "$before" "$early" || return 1
        done
    done
'

# killed TASK DONE: killed while TASK alone runs and all DONE tasks that can be done without it are; then resumed
killed ()
{
    name=killed-$(echo "$1" | tr -d '[]@')
    HOLD=$1 async-workflow run --local --cpus 2 --dir "$name" flow.json >"$name.out" 2>&1 </dev/null &
    pid=$!
    wait_for 60 "grep -qsF '\"event\":\"start\",\"task\":\"$1\"' $name/journal.jsonl" &&
        wait_for 60 "test \"\$(grep -c '\"status\":\"completed\"' $name/journal.jsonl)\" = $2"
    held=$?
    kill -KILL $pid && { wait $pid 2>/dev/null; true; } && test $held = 0 &&
        resume "$name" && in_order "$name" && again "$name"
}

test_expect_success 'killed before the iterations, and resumed' '
    killed "get[0]" 6 && killed "index2[1]" 10
'

test_expect_success 'killed within the iterations, and resumed' '
    killed "learn@1[0]" 16
'

test_expect_success 'killed after the iterations, and resumed' '
    killed "sum[0]" 22 && killed "end[1]" 23
'

test_done
