#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the matrix of releases, and the platforms: what they refuse; they need too much to run here'

. "$(dirname "$0")/lib.sh"

matrix=$top_srcdir/tests/slurm/matrix
platforms=$top_srcdir/tests/platforms

# refused TEXT ARGUMENT...: status 2 and one line with this text
refused ()
{
    text=$1
    shift
    test_expect_code 2 "$@" >out 2>err &&
    test_must_be_empty out &&
    cat err &&
    test $(wc -l <err) = 1 &&
    grep -q -- "$text" err
}

test_expect_success 'wrong command lines' '
    refused "woody: unknown release: known are bookworm" "$matrix" --cache cache woody &&
    refused "--quick: unknown option" "$matrix" --cache cache --quick &&
    refused "--tests: wants a value" "$matrix" --cache cache sid --tests &&
    refused "--jobs many: not a number" "$matrix" --cache cache --jobs=many sid &&
    refused "--part tests: is build or test" "$matrix" --cache cache --part tests sid &&
    refused "--shell: for one release" "$matrix" --cache cache --shell &&
    ! test -e cache
'

test_expect_success 'wrong command lines of platforms' '
    refused "vax: unknown platform: known are bullseye" "$platforms" --cache cache vax &&
    refused "--quick: unknown option" "$platforms" --cache cache --quick &&
    refused "--cache: wants a value" "$platforms" sid --cache &&
    refused "--jobs many: not a number" "$platforms" --cache cache --jobs many sid &&
    refused "--part: wants a value" "$platforms" sid --part &&
    refused "--part tests: is build or test" "$platforms" --cache cache --part tests sid &&
    refused "--shell: for one platform" "$platforms" --cache cache --shell &&
    ! test -e cache
'

test_expect_success 'help names every release' '
    "$matrix" --help >help && grep -q "\[bookworm trixie sid\]" help
'

test $(id -u) = 0 || test_set_prereq NOT_ROOT
test_expect_success NOT_ROOT 'not as an ordinary user' '
    refused "must be run as root" "$matrix" --cache cache sid && ! test -e cache
'

test_expect_success !NOT_ROOT 'debootstrap is missed by name' '
    mkdir bin && for tool in sh id nproc dirname; do ln -s "$(command -v $tool)" bin/ || return 1; done &&
    refused "debootstrap: not found: apt-get install" env PATH="$PWD/bin" "$matrix" --cache cache sid &&
    ! test -e cache
'

# reason_is TEXT LINE...: what roots.sh reads from a log with these lines
reason_is ()
{
    text=$1
    shift
    printf "%s\n" "$@" >log &&
    (. "$top_srcdir/tests/roots.sh" && reason log) >out &&
    echo "$text" >expected &&
    test_cmp expected out
}

test_expect_success 'why a run failed' '
    reason_is "its packages cannot be installed" \
        "=== if it ends here: its root cannot be made" \
        "=== if it ends here: its packages cannot be installed" \
        "E: Unable to locate package cuda" &&
    reason_is "does not build: core/sched.o" \
        "=== if it ends here: does not build" \
        "make[2]: *** [Makefile:80: core/sched.o] Error 1" \
        "make[1]: *** [Makefile:8: all] Error 2" \
        "make: *** [Makefile:9: all-recursive] Error 1" &&
    reason_is "programs of the tests do not build: unit/t-replan.o unit/t-pool" \
        "=== if it ends here: does not build" \
        "make[1]: [Makefile:7: a] Error 1 (ignored)" \
        "=== if it ends here: programs of the tests do not build" \
        "make[1]: *** [Makefile:3004: unit/t-replan.o] Error 1" \
        "make[1]: *** [Makefile:2004: unit/t-pool] Error 1" \
        "make: *** [Makefile:3981: check-am] Error 2" &&
    reason_is "t-pool t2203-status.t" \
        "=== if it ends here: the tests come to no end" \
        "unit/t-pool                  (Wstat: 256 Tests: 9 Failed: 1)" \
        "integration/t2203-status.t   (Wstat: 256 Tests: 4 Failed: 1)" \
        "make: *** [Makefile:3981: check-local] Error 1"
'

test_done
