#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='foreach: each task gets its values, and a resumed run has the same ones'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# run STATUS NAME OPTION...: output in NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 2 "$@" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, "tasks": { %s } }\n' "$2" >"$1"; }

# Each line means something to a shell.
cat >hard <<\END
plain
two words
 $HOME `ls` $(ls) "double" 'single' \back\\slash
~ ~root *? [a-z] {a,b} #no; a|b & c <d >e !f ^g (h)
-n
é ☃	tab
END

# show FILE TEXT: writes TEXT and a newline to FILE
printf '#!/bin/sh\nprintf "%%s\\n" "$2" >"$1"\n' >show
chmod +x show
cat >hard.json <<\END
{ "async-workflow": 1, "tasks": {
    "a": { "foreach": { "v": { "lines": "hard" } }, "script": "./show \"{run}/script.{index}\" {v}" },
    "b": { "foreach": { "v": { "lines": "hard" } }, "script": "#!/bin/bash\n./show \"{run}/bash.{index}\" {v}" },
    "c": { "foreach": { "v": { "lines": "hard" } }, "command": ["./show", "{run}/command.{index}", "{v}"] },
    "d": { "foreach": { "v": { "lines": "hard" } },
           "script": "./show \"{run}/env.{index}\" \"$ASYNC_WORKFLOW_VALUE_v\"" },
    "e": { "foreach": { "v": { "lines": "hard" } }, "environment": { "W": "{v}" },
           "script": "./show \"{run}/variable.{index}\" \"$W\"" } } }
END

test_expect_success 'a program gets exactly the value: in a script, as an argument, in the environment' '
    printf "\001\033[2J\177\n" >>hard &&
    run 0 hard --dir hard.run hard.json && test ! -s hard.run/logs/a.0.err &&
    for how in script bash command env variable; do
        for i in 0 1 2 3 4 5 6; do
            cat hard.run/$how.$i || return 1
        done >$how.all
        test_cmp hard $how.all || return 1
    done
'

test_expect_success 'combinations, the last variable fastest; path forms; files of an own name' '
    workflow pair.json "\"a\": { \"foreach\": { \"f\": [\"d/x.tar.gz\", \"y\"], \"n\": { \"range\": [2, 3] } },
        \"stdout\": \"pair.{f:stem}.{n}\", \"script\": \"echo {index} {f} {f:name} {f:stem} {f:dir} {n}\" }" &&
    run 0 pair pair.json &&
    cat pair.x.tar.2 pair.x.tar.3 pair.y.2 pair.y.3 >pair.all &&
    cat >expected <<-\END &&
	0 d/x.tar.gz x.tar.gz x.tar d 2
	1 d/x.tar.gz x.tar.gz x.tar d 3
	2 y y y . 2
	3 y y y . 3
	END
    test_cmp expected pair.all &&
    test ! -e pair-local/values.next.jsonl && test "$(wc -l <pair-local/values.jsonl)" = 6 &&
    test "$(stat -c %a pair-local/values.jsonl)" = 600
'

test_expect_success 'without foreach there is no file of values' '
    workflow none.json "\"a\": { \"script\": \"true\" }" && run 0 none none.json && test ! -e none-local/values.jsonl
'

test_expect_success 'a wrong source is an error before anything runs' '
    workflow wrong.json "\"a\": { \"foreach\": { \"v\": { \"lines\": \"missing\" } }, \"script\": \"touch ran\" }" &&
    run 2 wrong wrong.json && test ! -e ran && test ! -e wrong-local &&
    grep -q "tasks.a.foreach.v: missing: cannot be read: No such file or directory" wrong.err
'

# Sample b fails while there is no file `ready`.
cat >samples.json <<\END
{ "async-workflow": 1, "tasks": {
    "a": { "foreach": { "s": { "lines": "samples" } }, "on_failure": "skip",
           "script": "test {s} != b -o -e ready && echo {s} >>\"{run}/ran\"" },
    "z": { "after": ["a"], "script": "sort \"{run}/ran\" >\"{run}/all\"" } } }
END

test_expect_success 'a resumed run has the values with which it started: with a changed source, and with none' '
    printf "a\nb\nc\n" >samples && run 1 first --dir first samples.json && cp -r first second && cp -r first third &&
    printf "x\ny\n" >samples && touch ready &&
    run 0 first --resume first && printf "a\nb\nc\n" >expected && test_cmp expected first/all &&
    test "$(wc -l <first/ran)" = 3 &&
    rm samples &&
    run 0 second --resume second && test_cmp expected second/all &&
    run 0 third --resume third samples.json && test_cmp expected third/all &&
    async-workflow report first >report && async-workflow status first >status
'

test_expect_success 'a file with another source has its values, and known ones keep their tasks' '
    rm ready && printf "a\nb\nc\n" >samples && run 1 other --dir other samples.json &&
    sed "s/samples/others/" samples.json >others.json && printf "a\nd\n" >others &&
    run 0 other --resume other others.json &&
    grep -q "tasks.a: 1 task of new values" other.err && grep -q "tasks.a: 2 tasks are not wanted" other.err &&
    printf "a\nc\nd\n" >expected && test_cmp expected other/all &&
    test "$(wc -l <other/values.jsonl)" = 6 && run 0 other --resume other &&
    sed "s/\"s\":/\"t\":/; s/{s}/{t}/g" others.json >variable.json && run 0 other --resume other variable.json &&
    grep -q "tasks.a: \"foreach\" has changed: 1 finished task runs again" other.err &&
    test "$(wc -l <other/values.jsonl)" = 4 &&
    sed "s/\"foreach.*skip\",/\"count\": 1,/; s/{s}/q/g" samples.json >none.json && touch ready &&
    run 0 other --resume other none.json && test ! -s other/values.jsonl && run 0 other --resume other
'

test_expect_success 'a change that a crash has cut in two is ended, or undone' '
    rm ready; printf "a\nb\nc\n" >samples && run 1 cut --dir cut samples.json && cp -r cut undone &&
    cp undone/workflow.json undone/workflow.next.json && echo broken >undone/values.next.jsonl && touch ready &&
    run 0 undone --resume undone && test ! -e undone/workflow.next.json && test ! -e undone/values.next.jsonl &&
    cp -r cut whole && run 0 whole --resume whole others.json &&
    cp -r cut torn && cp whole/journal.jsonl torn/ && cp whole/values.jsonl torn/values.next.jsonl &&
    cp whole/workflow.json torn/workflow.next.json && cp whole/ran torn/ && run 0 torn --resume torn &&
    test_cmp whole/values.jsonl torn/values.jsonl && test_cmp whole/workflow.json torn/workflow.json &&
    cp -r cut half && cp whole/journal.jsonl half/ && cp whole/values.jsonl half/values.jsonl &&
    cp whole/workflow.json half/workflow.next.json && cp whole/ran half/ && run 0 half --resume half &&
    test_cmp whole/workflow.json half/workflow.json && test ! -e half/workflow.next.json
'

test_expect_success 'values of others, and values that are missing or cut off, are errors' '
    cp -r cut open && chmod g+w open/values.jsonl && run 2 open --resume open &&
    grep -q "values.jsonl: others can write to it" open.err &&
    cp -r cut link && mv link/values.jsonl link/v && ln -s v link/values.jsonl && run 2 link --resume link &&
    grep -q "values.jsonl: a symbolic link" link.err &&
    cp -r cut gone && rm gone/values.jsonl && run 2 gone --resume gone &&
    grep -q "tasks.a.foreach: the run directory has no values of this set" gone.err &&
    cp -r cut short && sed -i "\$d" short/values.jsonl && run 2 short --resume short &&
    grep -q "values.jsonl: it is cut off" short.err &&
    test_expect_code 2 async-workflow report short >report 2>&1 && grep -q "values.jsonl: it is cut off" report
'

test_done
