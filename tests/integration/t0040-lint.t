#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Static checks find nothing in what a change touches; "make lint" looks at all'

. "$(dirname "$0")/lib.sh"

lint=$top_srcdir/tests/lint/run

# Without git nothing tells what a change touches, and a release was looked at with other versions of the tools.
git -C "$top_srcdir" rev-parse --is-inside-work-tree >/dev/null 2>&1 || { skip_all='not in git'; test_done; }

for check in format cppcheck tidy analyzer spelling english manuals scripts circles; do
    "$lint" --builddir "$top_builddir" $check >$check.out 2>&1
    code=$?
    test $code = 77 || test_set_prereq $check
    test $code != 77 || say "# $(head -n 1 $check.out)"
    test_expect_success $check "$check finds nothing" "test $code = 0 || { cat $check.out; false; }"
done

# flawed NAME TEXT CHECK: the check finds the file of this text, in a project of its own
flawed ()
{
    rm -rf project && mkdir -p project/tests/integration project/helpers/core project/docs/man &&
        cp -r "$top_srcdir/tests/lint" project/tests/ && cp "$top_srcdir/.clang-format" project/ &&
        printf "$2" >"project/$1" && (cd project && git init -q . && git add -A) &&
        test_expect_code 1 project/tests/lint/run --all --builddir "$top_builddir" $3 >out && grep -F "${1##*/}" out
}

test_expect_success format 'the formatter is seen to find something' 'flawed helpers/core/x.c "int  x;\n" format'
test_expect_success cppcheck 'so is cppcheck' '
    flawed helpers/core/x.c "int f (void);\nint f (void)\n{\n    int a[2] = { 1, 2 };\n    return a[2];\n}\n" cppcheck
'
test_expect_success tidy 'so is clang-tidy' '
    flawed helpers/core/x.c "int f (int *p);\nint f (int *p)\n{\n    if (p)\n        return 0;\n    return *p;\n}\n" tidy
'
test_expect_success analyzer 'so is the analyzer of gcc' '
    flawed helpers/core/x.c "#include <stdlib.h>\nvoid f (void);\nvoid f (void)\n{\n    char *p = malloc (1);\n    free (p);\n    free (p);\n}\n" analyzer
'
test_expect_success spelling 'so is codespell' 'flawed docs/x.md "This is t${none}eh end.\n" spelling'
test_expect_success 'so are words that readers must read twice' '
    flawed helpers/core/x.h "/* Ended attempts are tried again. */\n" english && grep -F "write: is retried" out &&
    flawed docs/x.md "The task is told to end.\n" english &&
    echo "The task is stopped." >plain.md && "$top_srcdir/tests/lint/english" plain.md
'
test_expect_success manuals 'so is mandoc' 'flawed docs/man/x.1 ".TH x 1 2026-01-01 x\n.SH NAME\nx \\\\- y\n.IP\n.XX z\n" manuals'
test_expect_success manuals 'in each section' 'flawed docs/man/x.3 ".TH x 3 2026-01-01 x\n.SH NAME\nx \\\\- y\n.IP\n.XX z\n" manuals'
test_expect_success circles 'so is a circle of files' '
    rm -rf project && mkdir -p project/tests project/helpers project/build/helpers &&
    cp -r "$top_srcdir/tests/lint" project/tests/ && : >project/build/config.h &&
    for pair in a:b b:a; do
        name=${pair%:*} &&
        echo "void ${pair#*:} (void); void $name (void) { ${pair#*:} (); }" >project/helpers/$name.c &&
        ${CC:-cc} -c -o project/build/helpers/$name.o project/helpers/$name.c || return 1
    done &&
    test_expect_code 1 project/tests/lint/run --all --builddir project/build circles >out && grep -x "circle of 2 files" out &&
    rm project/build/helpers/a.o && project/tests/lint/run --all --builddir project/build circles &&
    rm project/build/helpers/b.o && test_expect_code 77 project/tests/lint/run --all --builddir project/build circles
'
test_expect_success scripts 'so is shellcheck' 'flawed tests/x "#!/bin/sh\nfunction f { echo; }\n" scripts'
test_expect_success 'a quotation mark that ends the body of a test is found' '
    flawed tests/integration/x.t "test_expect_success \047a\047 \047\n    grep \047a b\047 x\n\047\n" scripts
'
test_expect_success 'a variable of awk that gawk refuses is found' '
    flawed tests/x "#!/bin/sh\nawk -v a=1 -v l${none}oad=2 1\n" scripts && flawed tests/x "#!/bin/sh\nawk -v \042c${none}ase=2\042 1\n" scripts &&
    flawed tests/x "#!/bin/sh\nawk \047{ x }\n}\047 a=1 s${none}ub=2 file\n" scripts && grep -F "x:3: a variable of awk" out &&
    rm project/tests/x && project/tests/lint/run --all scripts
'

test_done
