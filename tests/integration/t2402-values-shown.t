#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='values of variables: where tasks are shown, and to select tasks'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# The second value is hostile to a terminal and to XML.
cat >flow.json <<\END
{ "async-workflow": 1, "tasks": {
    "a": { "foreach": { "s": ["x", "\u001b[2J\"<y>&\r"], "n": { "range": [1, 2] } }, "on_failure": "skip",
           "duration": 1, "script": "test {n} = 1" } } }
END

test_expect_success 'check prints the first and the last tasks' '
    async-workflow check flow.json >out && cat >expected <<-\END && test_cmp expected out
	flow.json: ok: 1 task set, 4 tasks
	  tasks.a: 4 tasks: a[0] (s=x, n=1), a[1] (s=x, n=2), ... a[3] (s="<y>&?, n=2)
	END
'

test_expect_success 'values stand after the name: in messages, report, chart and trace' '
    test_expect_code 1 async-workflow run --local --cpus 2 flow.json >out 2>err &&
    grep -F "async-workflow: a[1] (s=x, n=2): exit code 1" err &&
    grep -F "a[3] (s=\"<y>&?, n=2): exit code 1" err &&
    grep -F "a[1] (s=x, n=2): exit code 1" out && grep -F "a[3] (s=\"<y>&?, n=2): exit code 1" out &&
    ! grep "$(printf "\033")" out err &&
    async-workflow report flow-local --format svg >svg && grep -F "<title>a[3] (s=&quot;&lt;y&gt;&amp;?, n=2), " svg &&
    async-workflow report flow-local --format json >json &&
    grep -F "{\"task\":\"a[3]\",\"values\":{\"s\":\"\\u001b[2J\\\"<y>&\\u000d\",\"n\":\"2\"},\"attempt\":0" json &&
    async-workflow report flow-local --format trace >trace &&
    grep -F "\"values\":{\"s\":\"x\",\"n\":\"2\"}" trace
'

test_expect_success 'logs and explain select by values' '
    async-workflow logs flow-local "a[s=x,n=2]" >out 2>err && async-workflow logs flow-local "a[n=2]" --failed >out 2>err &&
    async-workflow explain flow-local "a[s=x]" >out && grep "^a\[0\] (s=x, n=1): completed" out &&
    grep "^a\[1\] (s=x, n=2): .*exit code 1" out &&
    test_expect_code 2 async-workflow logs flow-local "a[s=y]" 2>err && grep "no such task: the first task of the set is a\[0\] (" err &&
    test_expect_code 2 async-workflow explain flow-local "a[s=y]" 2>err && grep "no such task" err
'

test_expect_success 'tasks are cancelled by their values' '
    cat >cancel.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "w": { "foreach": { "s": ["a", "b c", "d"], "n": [1, 2] }, "after": ["c"], "script": "true" },
	    "c": { "script": "async-workflow cancel \"w[s=b c]\" && async-workflow cancel w[s=d,n=2] && ! async-workflow cancel w[s=e]" } } }
	END
    async-workflow run --local --cpus 2 cancel.json >out 2>err; cat err out
    grep -F "w[s=e]: no such task: the first task of the set is w[0] (s=a, n=1)" cancel-local/logs/c.0.err &&
    grep -c "\"event\":\"finish\",\"task\":\"w" cancel-local/journal.jsonl >n && test "$(cat n)" = 3 &&
    grep -F "\"event\":\"skip\",\"task\":\"w[2]\"" cancel-local/journal.jsonl &&
    grep -F "\"event\":\"skip\",\"task\":\"w[3]\"" cancel-local/journal.jsonl &&
    grep -F "\"event\":\"skip\",\"task\":\"w[5]\"" cancel-local/journal.jsonl
'

test_done
