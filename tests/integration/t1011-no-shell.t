#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='No shell but for "script": neither in the programs nor behind a function of the C library'

. "$(dirname "$0")/lib.sh"

OBJECTS="$top_builddir/helpers/async-workflow $top_builddir/helpers/async-workflow-agent
    $top_builddir/plugin/.libs/async_workflow.so"

test_expect_success 'nothing calls what calls a shell' '
    for file in $OBJECTS; do
        nm -D --undefined-only "$file" | sed "s/@.*//; s/.* //" >symbols && test -s symbols &&
        ! grep -xE "system|popen|wordexp|posix_spawnp?_shell" symbols || return 1
    done
'

test_expect_success 'one place names a shell to be executed' '
    (cd "$top_srcdir" && grep -rlE "\"(/[a-z/]*)?(ba|da|k|z)?sh\"" --include="*.c" --include="*.h" helpers plugin) >found &&
    echo helpers/coord/task_launch.c >expected &&
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

test_done
