#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Scripts keep to what every shell and every awk understands'

. "$(dirname "$0")/lib.sh"

lint=$top_srcdir/tests/lint

# available NAME WORD...: a prerequisite for a shell or an awk that is installed
available ()
{
    prerequisite=$1
    shift
    command -v "$1" >/dev/null && { test "$1" != busybox || busybox --list | grep -qx "$2"; } &&
        test_set_prereq "$prerequisite"
}
available dash dash
available bash bash
available ash busybox ash
available mawk mawk
available gawk gawk
available busybox busybox awk

# shell_reads SHELL... <SCRIPTS: the shell finds no syntax error in any of them
shell_reads ()
{
    bad=
    while read -r script; do
        "$@" -n "$top_srcdir/$script" 2>&1 || bad="$bad $script"
    done
    test -z "$bad"
}

# awk_reads AWK... <PROGRAMS: the awk finds no error in any program of the lines "FILE ORIGIN"; the program itself
# does not run, as "exit" in the first BEGIN leads to the first END
awk_reads ()
{
    bad=
    while read -r file origin; do
        { echo 'BEGIN { exit } END { exit }' && cat "$file"; } >program.awk
        "$@" -f program.awk </dev/null 2>&1 || { echo "$origin"; bad="$bad $origin"; }
    done
    test -z "$bad"
}

test_expect_success 'scripts are found, and the awk programs in them' '
    "$lint/scripts" sh >sh && "$lint/scripts" bash >bash && "$lint/scripts" awk >awk &&
    grep -qx tests/slurm/cluster sh && grep -qx tests/one-test bash && grep -qx examples/paper/draw.awk awk &&
    mkdir programs &&
    sed "s|^|$top_srcdir/|" sh bash | "$lint/awk-programs" programs >programs.list &&
    while read -r file; do
        cp "$top_srcdir/$file" programs/${file##*/} && echo programs/${file##*/} "$file" >>programs.list
    done <awk &&
    grep -q "/tests/slurm/cluster:" programs.list && grep -q "/examples/sweep/make-workflow:" programs.list
'

test_expect_success dash 'dash reads the scripts of sh' 'shell_reads dash <sh'
test_expect_success bash 'bash reads them as well, by the rules of POSIX' 'shell_reads bash --posix <sh'
test_expect_success ash 'so does the shell of busybox' 'shell_reads busybox ash <sh'
test_expect_success bash 'bash reads its own' 'shell_reads bash <bash'
test_expect_success mawk 'mawk reads the awk programs' 'awk_reads mawk <programs.list'
test_expect_success gawk 'gawk reads them, by the rules of POSIX' 'awk_reads gawk --posix <programs.list'
test_expect_success busybox 'so does the awk of busybox' 'awk_reads busybox awk <programs.list'

# AWK: not to be found in this script itself.
sed 's/AWK/awk/' >wrong.sh <<'SCRIPT'
echo "$1" | AWK -F '\t' -v n="$(echo "$2")" '
    function below (n) { return int(rand() * n) }
    BEGIN { print below (2), '"$3"' }'
SCRIPT

test_expect_success gawk 'the check finds a call that mawk alone accepts' '
    mkdir wrong && echo wrong.sh | "$lint/awk-programs" wrong >wrong.list &&
    test "$(cut -d" " -f2 wrong.list)" = wrong.sh:1 &&
    grep -q "below (2), 1 }" wrong/1-1.awk &&
    ! awk_reads gawk --posix <wrong.list
'

test_expect_success dash 'the check finds words of bash in a script of sh' '
    echo "array=(1 2)" >wrong.sh &&
    ! (top_srcdir=. && echo wrong.sh | shell_reads dash)
'

test_expect_success 'no two integration tests have one number' '
    ls "$top_srcdir"/tests/integration/t[0-9]*.t | sed "s|.*/||" | cut -c 1-5 | sort >numbers &&
    test -s numbers && uniq -d numbers >twice && { ! test -s twice || { cat twice; false; }; }
'

test_done
