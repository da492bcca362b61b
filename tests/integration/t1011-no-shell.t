#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='No shell but for "script": neither in the programs nor behind a function of the C library'

. "$(dirname "$0")/lib.sh"

OBJECTS="$top_builddir/helpers/async-workflow $top_builddir/helpers/async-workflow-main $top_builddir/helpers/async-workflow-agent
    $top_builddir/plugin/.libs/async_workflow.so"

test_expect_success 'nothing calls what calls a shell' '
    for file in $OBJECTS; do
        nm -D --undefined-only "$file" | sed "s/@.*//; s/.* //" >symbols && test -s symbols &&
        ! grep -xE "system|popen|wordexp|posix_spawnp?_shell" symbols || return 1
    done
'

test_expect_success 'two places name a shell to be executed: for scripts, and for the lines of task lists' '
    (cd "$top_srcdir" && grep -rlE "\"(/[a-z/]*)?(ba|da|k|z)?sh\"" --include="*.c" --include="*.h" helpers plugin) | sort >found &&
    printf "%s\n" helpers/coord/task_script.c helpers/io/workflow/task_list.c >expected &&
    test_cmp expected found
'

test_expect_success 'words of a command are words, whatever they are made of' '
    cat >w.json <<-\END &&
	{ "async-workflow": 1, "parameters": { "p": "$(touch touched); `touch touched` | & > touched" },
	  "tasks": { "a": { "command": ["printf", "%s.", "{p}", "* ?", "\u0027\"", "a\nb"] } } }
	END
    "$top_builddir/helpers/async-workflow" run --local --dir d w.json >out 2>&1 &&
    printf "%s." "\$(touch touched); \`touch touched\` | & > touched" "* ?" "\"" "a
b" | sed "s/\* ?\.\"/* ?.\x27\"/" >expected &&
    test_cmp expected d/logs/a.0.out &&
    test ! -e touched
'

test_expect_success 'an interpreter gets the script as a file, whatever its name is' '
    cat >s.json <<-\END &&
	{ "async-workflow": 1, "parameters": { "cpus": "mine" },
	  "tasks": {
	    "a": { "count": 2, "script": "#!/usr/bin/awk -f\nBEGIN { print \"{index}\", ARGV[0] }" },
	    "b": { "gpus": 0, "mem": "3G", "environment": { "M": "{mem}" },
	           "script": "#!/bin/bash -e\n[[ $M = 3072 ]]; echo {cpus} {gpus} {mem}; false; echo not reached" } } }
	END
    mkdir "a \$(touch touched)" && test_expect_code 1 "$top_builddir/helpers/async-workflow" run --local \
        --dir "a \$(touch touched)/d" s.json >out 2>&1 &&
    cat "a \$(touch touched)"/d/logs/a.?.out >found && printf "0 awk\n1 awk\n" >expected && test_cmp expected found &&
    echo "mine 0 3072" >expected && test_cmp expected "a \$(touch touched)/d/logs/b.0.out" &&
    test ! -e touched
'

test_expect_success 'another shell gets the script as an argument, and is inherited' '
    cat >h.json <<-\END &&
	{ "async-workflow": 1, "defaults": { "shell": "bash -u" },
	  "tasks": {
	    "a": { "script": "[[ x ]] && echo $- $0" },
	    "b": { "shell": "/bin/bash", "script": "echo $undefined $BASH" },
	    "c": { "script": "#!/bin/sh\necho ${BASH:-none} $undefined" } } }
	END
    "$top_builddir/helpers/async-workflow" run --local --dir h h.json >out 2>&1 &&
    grep -q "u.* bash$" h/logs/a.0.out &&
    grep -q "/bash$" h/logs/b.0.out && test -s h/logs/c.0.out &&
    sed "s/bash -u/bash/" h.json >i.json && "$top_builddir/helpers/async-workflow" run --local --resume h --test-only i.json >out 2>&1 &&
    grep -q "tasks.a: \"shell\" has changed" out && ! grep -E "tasks.[bc]: " out
'

test_done
