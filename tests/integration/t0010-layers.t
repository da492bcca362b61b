#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The layers: each knows only what stands to its left, and core is pure'

. "$(dirname "$0")/lib.sh"

# arrows DIR ALLOWED...: what the files under DIR include stands in DIR itself or in one of ALLOWED.
arrows ()
{
    dir=$1
    shift
    allowed=$(printf '%s|' "$@")$(basename "$dir")
    grep -HnE '^#include "[a-z]+/' -r "$top_srcdir/$dir" --include='*.[ch]' |
        grep -vE "#include \"($allowed)/" >wrong
    ! test -s wrong || { cat wrong >&4; false; }
}

test_expect_success 'util knows nobody' 'arrows helpers/util'
test_expect_success 'core knows util' 'arrows helpers/core util'
test_expect_success 'model knows core' 'arrows helpers/model util core'
test_expect_success 'io knows core' 'arrows helpers/io util core'
test_expect_success 'coord knows model and io' 'arrows helpers/coord util core model io'
test_expect_success 'agent knows model and io' 'arrows helpers/agent util core model io'
test_expect_success 'what tasks link with knows util' 'arrows helpers/client util'
test_expect_success 'cmd knows all' 'arrows helpers/cmd util core model io coord agent client'
test_expect_success 'the plugin knows util' 'arrows plugin util'
test_expect_success 'DeepDriveMD knows util' 'arrows examples/ddmd util'
test_expect_success 'other examples may ask the simulator' 'arrows examples util core model io'

# What libcore.a and libmodel.a may ask of others: memory, strings, arithmetic, and sorting. No files,
# no clock, no environment, no randomness.
cat >pure <<'END'
malloc calloc realloc reallocarray free __popcountdi2 strdup strndup qsort bsearch
memcpy memmove memset memcmp memchr strlen strcmp strncmp strchr strrchr strcpy strcspn strspn strstr
snprintf vsnprintf __snprintf_chk __vsnprintf_chk __memcpy_chk __memset_chk __strcpy_chk __memmove_chk
sigabbrev_np qsort_r log1p strtol strtoul strtoull strtod __isoc23_strtoul __isoc23_strtol __isoc23_strtoull
floor ceil fabs sqrt log exp pow cos sin fmin fmax round trunc isnan isinf lround
__errno_location __stack_chk_fail _GLOBAL_OFFSET_TABLE_ __isoc99_sscanf sscanf
END
tr ' ' '\n' <pure | sort -u >allowed

# asks LIBRARY: the symbols that it takes from elsewhere, but our own and the sanitizers'.
asks ()
{
    nm -u "$top_builddir/helpers/$1" | sed -n 's/^ *U //p' |
        grep -vE '^(aw_|__asan_|__ubsan_|__sanitizer_|__lsan)' | sort -u
}

for library in libcore.a libmodel.a; do
    test_expect_success "$library is pure" "
        asks $library >asked &&
        test -s asked &&
        comm -23 asked allowed >impure &&
        { ! test -s impure || { cat impure >&4; false; }; }
    "
done

test_expect_success 'the check sees what is not pure' '
    asks libio.a >asked &&
    comm -23 asked allowed | grep -qx open
'

test_expect_success 'no library ends the process' '
    for library in util core model io coord agent client; do
        test -e "$top_builddir/helpers/lib$library.a" || continue
        nm -u "$top_builddir/helpers/lib$library.a" | grep -E " U (exit|abort|__assert_fail)$" && return 1
    done
    true
'

test_done
