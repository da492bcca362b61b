#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='async-workflow check: all that is wrong with a file, or what it is'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH

# check_fails FILE [OPTION]...: with status 2, nothing on stdout, the problems in ./err
check_fails ()
{
    test_expect_code 2 async-workflow check "$@" >out 2>err &&
    test_must_be_empty out
}

# Lines that begin as they should, each.
all_prefixed ()
{
    ! grep -v "^async-workflow: " err
}

cat >good.json <<'END'
{ "async-workflow": 1,
  "parameters": { "simulations": 96 },
  "iterations": 3,
  "defaults": { "cpus": 4, "retries": 1, "environment": { "OMP_PROC_BIND": "close" } },
  "tasks": {
    "simulate":  { "after": ["simulate@-1"], "count": "{simulations}", "gpus": 1, "duration": 340,
                   "command": ["ddmd-simulate", "--seed", "{index}"] },
    "aggregate": { "after": ["simulate"], "count": 16, "cpus": 32, "duration": 85, "command": ["x"] },
    "train":     { "after": ["aggregate"], "gpus": 1, "duration": "1m", "command": ["x"] },
    "infer":     { "after": ["train"], "count": "{simulations}", "cpus": 16, "gpus": 1, "mem": "2G",
                   "command": ["x"] } } }
END

test_expect_success 'a good file is reported in one line' '
    async-workflow check good.json >out 2>err &&
    echo "good.json: ok: 4 task sets, 3 iterations, 627 tasks" >expected &&
    test_cmp expected out &&
    test_must_be_empty err
'

test_expect_success 'one set, one task, no iterations' '
    echo "{\"async-workflow\": 1, \"tasks\": {\"a\": {\"script\": \"true\"}}}" >one.json &&
    async-workflow check one.json >out &&
    echo "one.json: ok: 1 task set, 1 task" >expected &&
    test_cmp expected out
'

test_expect_success 'warnings are told, and the file is good all the same' '
    sed "s/\"simulations\": 96/\"simulations\": 96, \"unused\": 1/" good.json >warned.json &&
    async-workflow check warned.json >out 2>err &&
    grep -q "^warned.json: ok: " out &&
    echo "async-workflow: warning: warned.json: parameters.unused: is not used: write {unused} where it belongs" >expected &&
    test_cmp expected err
'

test_expect_success 'all problems are told at once, each in a line' '
    cat >bad.json <<-\END &&
	{ "async-workflow": 1, "iteration": 3,
	  "defaults": { "cpu": 4 },
	  "tasks": {
	    "simulate": { "after": ["infer"], "count": 0, "command": ["sim", "{indx}"] },
	    "train": { "after": ["simulat"], "gpus": 1.5, "command": ["x"] },
	    "infer": { "after": ["simulate"], "comand": ["x"] } } }
	END
    cat >expected <<-\END &&
	async-workflow: bad.json: unknown key "iteration": did you mean "iterations"?
	async-workflow: bad.json: defaults: unknown key "cpu": did you mean "cpus"?
	async-workflow: bad.json: tasks.simulate.count: 0: must be from 1 to 10000000
	async-workflow: bad.json: tasks.simulate.command[1]: unknown placeholder {indx}: did you mean {index}?
	async-workflow: bad.json: tasks.train.gpus: 1.5: a task has whole GPUs or a part of one: give a whole number, or a number below 1
	async-workflow: bad.json: tasks.infer: unknown key "comand": did you mean "command"?
	async-workflow: bad.json: tasks.infer: nothing to run: give "command": ["program", ...] or "script": "..."
	async-workflow: bad.json: tasks.train.after[0]: unknown task set "simulat": did you mean "simulate"?
	async-workflow: bad.json: tasks.simulate: cycle: simulate -> infer -> simulate: none of these task sets can start
	END
    check_fails bad.json &&
    test_cmp expected err
'

test_expect_success 'the set that ends the iterations, misspelt' '
    echo "{ \"async-workflow\": 1, \"iterations\": { \"max\": 3, \"until\": \"trian\" },
        \"tasks\": { \"train\": { \"script\": \"x\" } } }" >until.json &&
    check_fails until.json &&
    echo "async-workflow: until.json: iterations.until: unknown task set \"trian\": did you mean \"train\"?" >expected &&
    test_cmp expected err
'

test_expect_success 'a notice that is no shorter than the time itself' '
    for limit in 60 61; do
        echo "{ \"async-workflow\": 1, \"tasks\": { \"a\": {
            \"script\": \"x\", \"time_limit\": $limit, \"checkpoint_signal\": \"USR1@60s\" } } }" >notice.json &&
        async-workflow check notice.json 2>notice.$limit || return 1
    done &&
    grep "warning: notice.json: tasks.a: its checkpoint_signal comes 60 s before its time_limit, 60 s: every task would get it at its start" notice.60 &&
    test_must_be_empty notice.61
'

test_expect_success 'syntax errors have a line and a column' '
    printf "{ \"async-workflow\": 1,\n  \"tasks\": {,}}" >syntax.json &&
    check_fails syntax.json &&
    echo "async-workflow: syntax.json: line 2, column 13: \",\" where a key in double quotes is expected" >expected &&
    test_cmp expected err
'

test_expect_success 'what no node could hold is an error where the shape is known' '
    async-workflow check good.json --nodes 4 --cpus 32 --gpus 1 --mem 2G >out &&
    check_fails good.json --nodes 4 --cpus 31 --gpus 0 --mem 1G &&
    test $(grep -c . err) = 5 &&
    grep -q "good.json: tasks.aggregate.cpus: a task needs 32, but no node has more than 31: " err &&
    grep -q "good.json: tasks.simulate.gpus: a task needs 1, but no node has more than 0: " err &&
    grep -q "good.json: tasks.infer.mem: a task needs 2.0 GiB, but no node has more than 1.0 GiB: " err &&
    all_prefixed
'

test_expect_success 'missing, empty, a directory' '
    check_fails nosuch.json && grep -q "^async-workflow: nosuch.json: cannot be read: No such file" err &&
    : >empty.json && check_fails empty.json && grep -q "empty.json: is empty" err &&
    mkdir directory && check_fails directory && grep -q "directory: is a directory" err
'

if test "$(id -u)" != 0; then
    test_set_prereq NOT_ROOT
fi

test_expect_success NOT_ROOT 'unreadable' '
    cp good.json secret.json && chmod 0 secret.json &&
    check_fails secret.json && grep -q "secret.json: cannot be read: Permission denied" err
'

test_expect_success 'a FIFO nobody writes to, and devices, do not block' '
    mkfifo fifo &&
    test_expect_code 2 timeout 10 async-workflow check fifo 2>err && grep -q "fifo: is not a regular file" err &&
    test_expect_code 2 timeout 10 async-workflow check /dev/zero 2>err && grep -q "is not a regular file" err
'

test_expect_success '200 MB, or a terabyte, are refused by their size, unread' '
    truncate -s 200M huge.json &&
    check_fails huge.json &&
    grep -q "huge.json: has 200 MiB: at most 64 MiB are allowed" err &&
    { truncate -s 1T huge.json || true; } &&
    test_expect_code 2 timeout 10 async-workflow check huge.json
'

test_expect_success 'nesting 10,000 deep' '
    head -c 10000 /dev/zero | tr "\0" "[" >deep.json &&
    check_fails deep.json && grep -q "line 1, column 65: nested too deeply: at most 64 levels" err
'

test_expect_success 'NaN, NUL, invalid UTF-8, duplicate keys' '
    printf "{\"async-workflow\": NaN}" >f && check_fails f && grep -q "column 20: NaN: " err &&
    printf "{\"a\0\": 1}" >f && check_fails f && grep -q "column 4: control character 0x00" err &&
    printf "{\"a\": \"b\0\"}" >f && check_fails f && grep -q "column 9: control character 0x00 within text: remove it" err &&
    printf "{\"\377\": 1}" >f && check_fails f && grep -q "column 3: byte 0xff is not UTF-8" err &&
    printf "{\"a\": 1, \"a\": 2}" >f && check_fails f && grep -q "a: given twice, in line 1, column 2 and in line 1, column 10" err
'

test_expect_success 'what a file says cannot drive the terminal' '
    printf "{\"async-workflow\": 1, \"tasks\": {\"a\\\\u001b[31m\\\\nb\\\\u009b\": 1}}" >f &&
    check_fails f && test $(grep -c . err) = 2 && all_prefixed &&
    test "$(LC_ALL=C tr -d "[:print:]\n" <err)" = ""
'

test_expect_success 'more problems than anybody reads are counted' '
    { printf "{\"async-workflow\": 1, \"tasks\": {\"a\": {\"after\": [\"x\""
      for i in $(seq 149); do printf ", \"x%s\"" $i; done
      printf "], \"command\": [\"x\"]}}}"; } >f &&
    check_fails f && test $(grep -c . err) = 101 &&
    tail -n 1 err | grep -q "^async-workflow: 50 more problems not shown"
'

test_expect_success 'wrong command lines' '
    test_expect_code 2 async-workflow check 2>err && grep -q "no workflow file" err &&
    test_expect_code 2 async-workflow check good.json one.json 2>err && grep -q "a second file" err &&
    test_expect_code 2 async-workflow check --cpus 0 good.json 2>err && grep -q "cpus=0: not a number from 1" err &&
    test_expect_code 2 async-workflow check --gpus -1 good.json 2>err && grep -q "gpus=-1: not a number from 0" err &&
    test_expect_code 2 async-workflow check --mem 4X good.json 2>err && grep -q "mem=4X: not a size" err &&
    test_expect_code 2 async-workflow check --nodes x good.json 2>err && grep -q "nodes=x: not a number" err &&
    test_expect_code 2 async-workflow check --bogus good.json 2>err &&
    async-workflow check --help >out && grep -q "Usage: async-workflow check" out
'

test_expect_success 'a full disk is reported' '
    test -w /dev/full &&
    test_must_fail async-workflow check good.json >/dev/full 2>err &&
    grep -q "No space left" err
'

if python3 -c "import jsonschema; jsonschema.Draft7Validator" 2>/dev/null; then
    test_set_prereq JSONSCHEMA
else
    echo "# python3-jsonschema is not installed: schema and parser are not compared"
fi

test_expect_success JSONSCHEMA 'the JSON Schema and the parser agree' '
    "$top_srcdir/tests/integration/check-schema" async-workflow "$top_srcdir/docs/workflow.schema.json" \
        "$top_srcdir/tests/integration/workflow-cases.json" >agreement || { cat agreement; false; }
'

test_expect_success 'every workflow among the examples is good' '
    for file in "$top_srcdir"/examples/*/*.json "$top_srcdir"/examples/list/*.txt; do
        test -e "$file" || continue
        (cd "${file%/*}" && async-workflow check "${file##*/}") || return 1
    done
'

test_done
