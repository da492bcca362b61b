#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='run --resume --new-values: sources are read again, and known values keep their tasks'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

# A value runs where a file of its name is; each that ends well writes a line to `ran`.
cat >flow.json <<\END
{ "async-workflow": 1, "iterations": 2, "tasks": {
    "a": { "foreach": { "s": { "lines": "values" }, "n": [1, 2] }, "on_failure": "skip",
           "script": "test -e ok.{s} && echo {s} {n} {task} >>\"{run}/ran\"" },
    "b": { "after": ["a[i]"], "foreach": { "s": { "lines": "values" }, "n": [1, 2] }, "on_failure": "skip",
           "script": "echo {s} {n} {task} >>\"{run}/ran\"" },
    "z": { "after": ["b"], "script": "echo {task} >>\"{run}/ran\"" } } }
END
touch ok.p ok.q ok.r ok.s

test_expect_success 'known values keep their tasks, new ones come last, missing ones do not run' '
    rm ok.q && printf "p\nq\n" >values && run 1 grow --dir grow flow.json && cp -r grow same && cp -r grow back &&
    touch ok.q && printf "s\np\n" >values &&
    run 2 none --new-values flow.json && grep -q -- "--new-values: has no effect without --resume" none.err &&
    run 0 test --resume grow --new-values --test-only && grep -q "tasks.a: 2 tasks of new values" test.err &&
    run 0 grow --resume grow --new-values && grep -q "tasks.a: 2 tasks are not wanted: their values have gone" grow.err &&
    grep -q "^  tasks  *18 of 26 done, 8 skipped" grow.out &&
    cat >expected <<-\END &&
	p 1 a@0[0]
	p 1 a@1[0]
	p 1 b@0[0]
	p 1 b@1[0]
	p 2 a@0[1]
	p 2 a@1[1]
	p 2 b@0[1]
	p 2 b@1[1]
	s 1 a@0[4]
	s 1 a@1[4]
	s 1 b@0[4]
	s 1 b@1[4]
	s 2 a@0[5]
	s 2 a@1[5]
	s 2 b@0[5]
	s 2 b@1[5]
	z@0[0]
	z@1[0]
	END
    sort grow/ran >ran && test_cmp expected ran &&
    grep -q "\"dropped\":\[\"a\[2-3\]\",\"b\[2-3\]\"\]" grow/journal.jsonl &&
    grep -c "^{\"missing\":\[\"q\",\"[12]\"\]}" grow/values.jsonl >n && test "$(cat n)" = 4
'

test_expect_success 'the decisions of the resumed run can be replayed' '
    replay grow >replayed || { cat replayed; false; }
'

test_expect_success 'what is complete stays so, and values that come back have their tasks' '
    run 0 again --resume grow && grep -q "all tasks are done: nothing to run" again.err &&
    run 0 again --resume grow --new-values && grep -q "nothing to run" again.err &&
    printf "q\np\ns\n" >values && run 0 more --resume grow --new-values && sort grow/ran >ran &&
    test "$(grep -c "^q" ran)" = 8 && grep -q "^q 1 a@1\[2\]" ran && test "$(grep -c "^[ps]" ran)" = 16 &&
    ! grep -q missing grow/values.jsonl && replay grow >replayed || { cat replayed ran; false; }
'

test_expect_success 'without the option, and with unchanged sources, nothing changes' '
    printf "p\nq\n" >values && cp same/values.jsonl kept && run 0 same --resume same --new-values &&
    test_cmp kept same/values.jsonl && ! grep -q "\"workflow\":" same/journal.jsonl && test "$(wc -l <same/ran)" = 18
'

test_expect_success 'missing sources: an error with the option, none without it' '
    rm values && run 2 back --resume back --new-values &&
    grep -q "tasks.a.foreach.s: values: cannot be read: No such file" back.err && run 0 back --resume back
'

test_expect_success 'sources are relative to where the run was started' '
    rm ok.q; mkdir -p elsewhere && printf "p\nq\n" >values && run 1 far --dir far flow.json && touch ok.q &&
    printf "p\n" >values && printf "r\n" >elsewhere/values &&
    (cd elsewhere && run 0 ../far2 --resume ../far --new-values) && test "$(grep -c "^p" far/ran)" = 8 &&
    ! grep -q "^[qr]" far/ran
'

test_expect_success 'a run that had not begun takes the new values' '
    printf "p\n" >values && run 0 early --dir early flow.json && rm -r early/journal.jsonl early/logs early/ran &&
    mkdir early/logs && printf "s\n" >values && run 0 early --resume early --new-values &&
    test "$(grep -c "^s" early/ran)" = 8
'

test_done
