#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Headers: each compiles alone, and all of them together: no name stands for two things'

. "$(dirname "$0")/lib.sh"

# As make compiles the sources of helpers/: compiler and flags of its Makefile.
variable () { sed -n "s/^$1 = //p" "$top_builddir/helpers/Makefile"; }
compiler=$(variable CC)
flags="-I$top_builddir -I$top_srcdir/helpers -I$top_srcdir -D_GNU_SOURCE $(for name in HWLOC_CFLAGS JSONC_CFLAGS \
    LIBEVENT_CFLAGS SLURM_CPPFLAGS MUNGE_CFLAGS ZLIB_CFLAGS; do variable $name; done | tr '\n' ' ')"

# compile FILE: nothing but whether it is right
compile () { $compiler $flags -Wall -Werror -Wno-unused-function -fsyntax-only -x c "$1" 2>&4; }

(cd "$top_srcdir/helpers" && find . -name '*.h' | sed 's,^\./,,' | sort) >headers

# include HEADER...: the program that includes them
include ()
{
    echo '#include "config.h"'
    printf '#include "%s"\n' "$@"
    echo 'typedef int not_empty;'
}

test_expect_success 'there are headers' 'test $(wc -l <headers) -gt 100'

test_expect_success 'all headers can be included together' '
    include $(cat headers) >all.c &&
    compile all.c
'

test_expect_success 'and in the opposite order' '
    include $(sort -r headers) >reverse.c &&
    compile reverse.c
'

test_expect_success 'each header includes what it needs' '
    wrong= &&
    while read -r header; do
        include "$header" >one.c
        compile one.c || wrong="$wrong $header"
    done <headers &&
    test -z "$wrong" || { echo "not alone:$wrong" >&4; false; }
'

test_expect_success 'a name that stands for two things is seen' '
    { include $(cat headers); echo "struct aw_frame { int other; };"; } >twice.c &&
    ! compile twice.c
'

test_done
