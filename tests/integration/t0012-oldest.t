#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='What the programs need of their libraries is in the oldest versions that we support'

. "$(dirname "$0")/lib.sh"

# data/exports/LIBRARY has the functions that the headers of its oldest supported version declare.
EXPORTS=$top_srcdir/tests/data/exports
HELPERS=$top_builddir/helpers

# asks: the functions that our programs, library and plugin take from others, with versions: "dlopen@GLIBC_2.34"
asks ()
{
    for file in "$HELPERS"/async-workflow "$HELPERS"/async-workflow-agent "$HELPERS"/async-workflow-bind "$HELPERS"/async-workflow-main \
        "$HELPERS"/.libs/libasyncworkflow.so "$top_builddir"/plugin/.libs/async_workflow.so; do
        test -e "$file" && nm -D --undefined-only "$file"
    done | awk '$1 == "U" { print $2 }' | sort -u
}

# has FUNCTION: configure found it, so where it is missing something else is used instead.
has ()
{
    grep -qi "^#define HAVE_$1 1" "$top_builddir/config.h"
}

# Without a version before 2.29 in libc.so.6, but no newer to a program: headers made other names of them
# (__xstat; __isoc23_strtol, as newer_than_2_28 knows), or they are of the start of a program.
cat >moved <<'END'
stat
lstat
fstat
fstatat
mknod
stat64
lstat64
fstat64
fstatat64
__libc_start_main
END

# newer_than_2_28 <SYMBOLS: functions that glibc has had only since a later version. By name, not by version:
# glibc moves functions (dlopen, pthread_create) and gives them newer versions beside the old.
newer_than_2_28 ()
{
    libc=$(ldd "$HELPERS/async-workflow" | awk '$1 ~ /^libc\.so/ { print $3 }')
    libm=$(ldd "$HELPERS/async-workflow" | awk '$1 ~ /^libm\.so/ { print $3 }')
    # Before glibc 2.34 some functions were in libraries of their own.
    set -- "$libc" "$libm" "${libc%/*}"/libdl.so.2 "${libc%/*}"/libpthread.so.0 "${libc%/*}"/librt.so.1
    for library; do test -e "$library" && nm -D --defined-only "$library"; done 2>/dev/null | awk '
        split ($3, part, /@+/) == 2 && part[2] ~ /^GLIBC_2\.[0-9.]+$/ {
            split (part[2], version, /[_.]/)
            if (version[3] <= 28)
                print part[1]
        }' | sort -u - moved >old
    awk -F@ '
        $2 ~ /^GLIBC_2\.(29|[3-9][0-9])/ && $1 !~ /^__isoc23_/ {
            if ($1 ~ /^__.*_chk$/) # what _FORTIFY_SOURCE calls a function that it checks
                gsub (/^__|_chk$/, "", $1)
            print $1
        }' | sort -u | comm -23 - old
}

test_expect_success 'programs are looked at' '
    asks >asked &&
    grep -q "^malloc@" asked &&
    grep -q "^json_object_get_string" asked
'

test_expect_success 'no function is newer than glibc 2.28, unless it is replaced where it is missing' '
    newer_than_2_28 <asked >newer &&
    while read -r name; do has "$name" || echo "$name"; done <newer >missing &&
    { ! test -s missing || { cat missing >&4; false; }; }
'

test_expect_success 'a newer function is seen, a moved one is none' '
    printf "%s\n" strlcpy@GLIBC_2.38 dlopen@GLIBC_2.34 stat@GLIBC_2.33 exp@GLIBC_2.29 \
        __inet_ntop_chk@GLIBC_2.42 __strlcat_chk@GLIBC_2.38 >made-up &&
    newer_than_2_28 <made-up >newer &&
    printf "%s\n" strlcat strlcpy >expected &&
    test_cmp expected newer
'

# missing_in LIBRARY PATTERN: functions by that pattern which are asked for, and neither in its list nor replaced
missing_in ()
{
    grep -v "^#" "$EXPORTS/$1" | sort -u >exported &&
        sed "s/@.*//" asked | grep -E "$2" | sort -u | comm -23 - exported >absent &&
        while read -r name; do has "$name" || echo "$name"; done <absent
}

for library in json-c:^json_ hwloc:^hwloc_ libevent:^ev[a-z]*_ munge:^munge_; do
    test_expect_success "${library%%:*}: every function is in its oldest version, or replaced" "
        missing_in '${library%%:*}' '${library#*:}' >missing &&
        { ! test -s missing || { cat missing >&4; false; }; }
    "
done

test_expect_success 'a function that the oldest version lacks is seen' '
    echo json_object_new_array_ext@JSONC_0.15 >>asked &&
    missing_in json-c ^json_ >missing &&
    echo json_object_new_array_ext >expected &&
    test_cmp expected missing
'

# python_files: those of the tree that an old Python must read; tests/call-failures needs 3.8
python_files ()
{
    grep -rlI "^#!.*python3$" "$top_srcdir"/examples "$top_srcdir"/helpers "$top_srcdir"/tests |
        grep -v -e /tests/inject/ -e /tests/call-failures -e "\.t$"
    find "$top_srcdir/examples" "$top_srcdir/helpers" "$top_srcdir/tests/integration" -name "*.py"
}

# newer_than_3_6 FILE...: what Python 3.6 does not understand, or lacks in subprocess
cat >newer_than_3_6.py <<'END'
import ast, sys
for name in sys.argv[1:]:
    try:
        tree = ast.parse(open(name).read(), name, feature_version=(3, 6))
    except SyntaxError as error:
        print(error)
        continue
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("capture_output", "text"):
            print("%s: line %d: %s" % (name, node.value.lineno, node.arg))
END

# Python tells what an older one lacks since 3.8, but for the first ones of 3.9.
printf "if x := 1:\n    pass\n" >one.py
python3 newer_than_3_6.py one.py 2>/dev/null | grep -q "3\.8" && test_set_prereq OLDER_PYTHON

test_expect_success OLDER_PYTHON 'no Python file needs more than Python 3.6' '
    python_files | sort -u >files && grep -q asyncworkflow.py files && grep -q check-schema files &&
    xargs python3 newer_than_3_6.py <files >newer && test_must_be_empty newer &&
    echo "run(text=True)" >two.py &&
    python3 newer_than_3_6.py one.py two.py >newer && test $(wc -l <newer) = 2
'

test_done
