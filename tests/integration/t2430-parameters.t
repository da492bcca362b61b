#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Parameters from outside: --param and the environment'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH
unset AW_DATA

cat >flow.json <<\END
{ "async-workflow": 1,
  "parameters": { "n": 2, "who": "you", "data": { "env": "AW_DATA", "default": "/none" } },
  "defaults": { "duration": 1 },
  "tasks": {
    "greet": { "count": "{n}", "script": "echo {index} {who}; printenv ASYNC_WORKFLOW_VALUE_who >&2" },
    "data":  { "command": ["echo", "{data}"] },
    "both":  { "after": ["greet", "data"], "environment": { "D": "{data}" }, "script": "echo \"$D\"" } } }
END

# run STATUS NAME OPTION...: output in NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 2 "$@" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

# says FILE TEXT
says () { test "$(cat "$1")" = "$2" || { cat "$1"; false; }; }

test_expect_success 'check, model and advise take them' '
    async-workflow check --param n=7 flow.json >out && grep -q "3 task sets, 9 tasks" out &&
    test_expect_code 2 async-workflow check --param wo=x flow.json 2>err &&
    grep -q "flow.json: --param: unknown parameter \"wo\": did you mean \"who\"?" err &&
    test_expect_code 2 async-workflow check --param n flow.json 2>err &&
    grep -q "flow.json: --param: \"n\": write name=value" err &&
    async-workflow model --param n=8 --param who=me --nodes 1 --cpus 2 --json flow.json >out && grep -q "\"tasks\": *10" out &&
    async-workflow advise --param n=8 --param "who=a b" --cpus 2 --script job.sh flow.json >out &&
    grep -qxF "srun --async-workflow=flow.json --async-workflow-param=n=8 --async-workflow-param='"'who=a b'"'" job.sh
'

test_expect_success 'a run takes them: a script gets one word, whatever it holds' '
    AW_DATA="/d \$x" run 0 first --dir first --param n=1 --param "who=\$(touch touched) * {index} '"'"'\"" flow.json &&
    says first/logs/greet.0.out "0 \$(touch touched) * {index} '"'"'\"" &&
    says first/logs/greet.0.err "\$(touch touched) * {index} '"'"'\"" &&
    says first/logs/data.0.out "/d \$x" && says first/logs/both.0.out "/d \$x" &&
    test ! -e touched && test "$(stat -c %a first/workflow.json)" = 600 && async-workflow check first/workflow.json
'

test_expect_success 'report and status know them, whatever the environment is' '
    AW_DATA=other async-workflow status first | grep -q "3 of 3 tasks done" &&
    AW_DATA=other async-workflow report first >out && grep -q "3 of 3 done" out && replay first
'

test_expect_success 'a resume keeps them, and the environment alone runs nothing again' '
    cp first/workflow.json before &&
    AW_DATA="/d \$x" run 0 again --resume first && grep -q "nothing to run" again.err && test_cmp before first/workflow.json &&
    AW_DATA=/e run 0 again --resume first && grep -q "nothing to run" again.err &&
    grep -q "\"environment\": {\"data\": \"/e\"}" first/workflow.json && says first/logs/data.0.out "/d \$x" &&
    AW_DATA=/e run 0 again --resume first flow.json && grep -q "nothing to run" again.err
'

test_expect_success 'given again: what uses them runs again' '
    AW_DATA=/e run 0 test --resume first --param who=me --test-only &&
    grep -q "tasks.greet: \"script\" has changed: 1 finished task runs again" test.err &&
    grep -q "tasks.both: depends on greet: 1 finished task runs again" test.err && ! grep "tasks.data" test.err &&
    AW_DATA=/e run 0 more --resume first --param n=3 &&
    grep -q "tasks.greet: now 3 tasks instead of 1" more.err && ! grep "tasks.greet: \"script\"" more.err &&
    says first/logs/greet.2.out "2 \$(touch touched) * {index} '"'"'\"" && says first/logs/both.0.retry1.out /e && replay first
'

test_expect_success 'a file without one of them drops it, and says so' '
    sed "s/, \"who\": \"you\"//; s/ {who}; printenv.*>&2//" flow.json >less.json &&
    run 0 less --resume first less.json &&
    grep -q "the file does not have the parameter who any more" less.err && ! grep -q "\"who\"" first/workflow.json &&
    says first/logs/greet.2.retry1.out 2
'

test_expect_success 'the coordinator is killed: the next start has the same values' '
    sed "s/\"script\": \"echo \\\\\"\$D/\"script\": \"test -e go || sleep 600; echo \\\\\"\$D/" flow.json >long.json &&
    { AW_DATA=/l $INTERRUPTIBLE async-workflow run --local --cpus 2 --dir long --param who=me long.json >out 2>&1 </dev/null & } &&
    wait_for 60 "grep -qs \"start.*both\" long/journal.jsonl" && kill -KILL $! && { wait $! 2>/dev/null; touch go; } &&
    AW_DATA=/l run 0 long --resume long && says long/logs/greet.0.out "0 me" && says long/logs/both.0.retry1.out /l
'

test_expect_success 'without variable, default and --param it is an error' '
    sed "s/, \"default\": \"\/none\"//" flow.json >none.json && run 2 none none.json &&
    grep -q "parameters.data: the environment has no AW_DATA: set it, give --param data=VALUE, or add a \"default\"" none.err &&
    run 0 none --dir none --param data=x none.json && says none/logs/data.0.out x
'

test_done
