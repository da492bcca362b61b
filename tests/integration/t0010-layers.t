#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The layers and their folders: each knows only what stands to its left; no circles; core is pure'

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
test_expect_success 'DeepDriveMD knows what tasks link with' 'arrows examples/ddmd util client'
test_expect_success 'other examples may ask the simulator' 'arrows examples util core model io client'

# What is not yet as it should be: "include FILE HEADER", and "circle FILE...". The list may only become shorter.
known=$top_srcdir/tests/lint/known-flaws

# inside LAYER FOLDER ALLOWED...: what the files of a folder of the layer include of the layer stands in the folder
# itself or in one of ALLOWED; "top" is the folder of the layer itself.
inside ()
{
    layer=$1 folder=$2
    shift 2
    case $folder in
    top) files="$layer -maxdepth 1" ;;
    *) files=$layer/$folder ;;
    esac
    allowed=
    for name in "$folder" "$@"; do
        case $name in
        top) allowed="$allowed|$layer/[a-z_]*\.h" ;;
        *.h) allowed="$allowed|$layer/$name" ;;
        *) allowed="$allowed|$layer/$name/.*" ;;
        esac
    done
    (cd "$helpers" && find $files -name '*.[ch]' -exec grep -HoE "^#include \"$layer/[^\"]*" {} +) |
        sed 's/:#include "/ /' | grep -vE " (${allowed#|})\$" | sed 's/^/include /' >upward
    ! grep -vxFf "$known" upward >&4
}

# order LAYER FOLDER...: each folder knows those before it
order ()
{
    layer=$1 before=
    shift
    for folder in "$@"; do
        test_expect_success "$layer/$folder knows${before:- no other folder of $layer}" "inside $layer $folder $before $everywhere"
        before="$before $folder"
    done
    test_expect_success "$layer: all its folders have a place in the order" "
        find '$helpers/$layer' -mindepth 1 -maxdepth 1 -type d ! -name '.*' | sed 's|.*/||' >folders &&
        for folder in \$(cat folders); do
            case ' $* ' in
            *\" \$folder \"*) ;;
            *) echo \"\$folder\" >&4; return 1 ;;
            esac
        done
    "
}

helpers=$top_srcdir/helpers everywhere=
order core top graph resources history sched
order io top workflow journal logs wire
order agent staging place logs messages top
everywhere="arguments.h command.h"
order cmd report explain logs watch model import run top slurm
everywhere=exec.h
order coord slurm messages display top agents steps
everywhere=

test_expect_success 'the check sees an include that points upwards' '
    mkdir -p made-up/core/graph &&
    echo "#include \"core/sched/sched.h\"" >made-up/core/graph/graph.c &&
    ! (helpers=made-up && inside core graph top 4>/dev/null)
'

test_expect_success 'no two files depend on each other in a circle' '
    "$top_srcdir/tests/lint/circles" --all "$top_builddir" "$top_srcdir" >&4
'

test_expect_success 'the check sees a circle of three, and what is not one; without arguments it says how to call it' '
    test_expect_code 2 "$top_srcdir/tests/lint/circles" 2>err && grep -q "^usage: circles \[--all\] BUILD" err &&
    mkdir -p made-up/circle &&
    for pair in a:b b:c c:a d:a; do
        echo "void ${pair#*:} (void); void ${pair%:*} (void) { ${pair#*:} (); }" >made-up/circle/${pair%:*}.c &&
        ${CC:-cc} -c -o made-up/circle/${pair%:*}.o made-up/circle/${pair%:*}.c || return 1
    done &&
    test_expect_code 1 "$top_srcdir/tests/lint/circles" made-up/circle made-up/circle >out &&
    grep -qx "circle of 3 files" out && grep -q "c needs a: a" out && ! grep -q "d needs" out &&
    rm made-up/circle/c.c &&
    "$top_srcdir/tests/lint/circles" made-up/circle made-up/circle &&
    test_expect_code 2 "$top_srcdir/tests/lint/circles" --all made-up made-up
'

# What libcore.a and libmodel.a may ask of others: memory, strings, arithmetic, and sorting. No files,
# no clock, no environment, no randomness.
cat >pure <<'END'
malloc calloc realloc reallocarray free __popcountdi2 strdup strndup qsort bsearch
memcpy memmove memset memcmp memchr strlen strcmp strncmp strchr strrchr strcpy strcspn strspn strstr
snprintf vsnprintf __snprintf_chk __vsnprintf_chk __memcpy_chk __memset_chk __strcpy_chk __memmove_chk
sigabbrev_np qsort_r log1p strtol strtoul strtoull strtod __isoc23_strtoul __isoc23_strtol __isoc23_strtoull
floor ceil fabs sqrt log exp pow cos sin fmin fmax round trunc isnan isinf lround erfc
__errno_location __stack_chk_fail _GLOBAL_OFFSET_TABLE_ __isoc99_sscanf sscanf
END
tr ' ' '\n' <pure | sort -u >allowed

# asks LIBRARY: the symbols that it takes from elsewhere, but our own, the sanitizers' and gcov's.
asks ()
{
    nm -u "$top_builddir/helpers/$1" | sed -n 's/^ *U //p' |
        grep -vE '^(aw_|__asan_|__ubsan_|__sanitizer_|__lsan|__gcov_)' | sort -u
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
