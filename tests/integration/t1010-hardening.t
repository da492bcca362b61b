#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='How programs and plugin are built: what ends a process whose memory somebody has reached'

. "$(dirname "$0")/lib.sh"

setting () { sed -n "s/^$1 = //p" "$top_builddir/helpers/Makefile"; }

if test "$(setting AW_HARDENING)" = no; then
    skip_all='configured with --disable-hardening'
    test_done
fi
# "make CC=clang CFLAGS=-O0" and the like may have built otherwise than configured: the flags asked for are looked at, too.
case $(setting CFLAGS) in *-O[123s]*) test_set_prereq OPTIMIZED ;; esac
test -z "$(setting SANITIZER_CFLAGS)" && test_set_prereq NO_SANITIZER

PROGRAMS="$top_builddir/helpers/async-workflow $top_builddir/helpers/async-workflow-agent $top_builddir/helpers/async-workflow-bind
    $top_builddir/helpers/async-workflow-main $top_builddir/helpers/slurm/sbatch"
OBJECT=$top_builddir/plugin/.libs/async_workflow.so

# each COMMAND...: for every program and the plugin, which follows as the last argument
each ()
{
    for file in $PROGRAMS $OBJECT; do
        "$@" "$file" || { echo "$file: not so"; return 1; }
    done
}

relro_and_now ()
{
    readelf -lW "$1" | grep -q GNU_RELRO && readelf -dW "$1" | grep -q "BIND_NOW\|Flags:.*NOW"
}
no_exec_stack () { readelf -lW "$1" | grep -q "GNU_STACK .* RW  *0x"; }
no_text_relocation () { ! readelf -dW "$1" | grep -q TEXTREL; }
no_path_to_libraries () { ! readelf -dW "$1" | grep -q "RPATH\|RUNPATH"; }
nothing_writable_and_executable () { ! readelf -lW "$1" | grep -q "LOAD .* RWE "; }

test_expect_success 'programs are position-independent' '
    for file in $PROGRAMS; do
        readelf -hW "$file" | grep -q "Type: *DYN" || return 1
    done
'

test_expect_success 'what the linker resolves is read-only before main (full RELRO)' 'each relro_and_now'

test_expect_success 'no stack is executable, no memory writable and executable' '
    each no_exec_stack && each nothing_writable_and_executable
'

test_expect_success 'no text relocations' 'each no_text_relocation'

test_expect_success 'libraries are looked for where the system has them alone' 'each no_path_to_libraries'

test_expect_success NO_SANITIZER 'functions with arrays check their stack' '
    for file in $PROGRAMS $OBJECT; do
        nm -D --undefined-only "$file" | grep -q __stack_chk_fail || { echo "$file: no"; return 1; }
    done
'

test_expect_success NO_SANITIZER,OPTIMIZED 'calls of the C library are checked (_FORTIFY_SOURCE)' '
    setting AW_CFLAGS | grep -q "D_FORTIFY_SOURCE=[23]" &&
    for file in $PROGRAMS; do
        nm -D --undefined-only "$file" | grep -q "__[a-z]*_chk\\(@\\|$\\)" || { echo "$file: no"; return 1; }
    done
'

# Not by the property of the file, which start files of the C library without it take away: these alone have some.
case $(uname -m) in x86_64) test_set_prereq CET ;; esac
test_expect_success CET 'indirect calls end at their targets (-fcf-protection)' '
    setting AW_CFLAGS | grep -q -e -fcf-protection || { echo "the compiler does not know it"; return 0; }
    each sh -c "test \$(objdump -d \"\$1\" | grep -c endbr64) -gt 10" sh
'

test_done
