#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='calls that fail: a random sample of what tests/call-failures --all tries'

. "$(dirname "$0")/lib.sh"

for tool in python3 addr2line; do
    command -v $tool >/dev/null || { skip_all="$tool is not installed"; test_done; }
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' ||
    { skip_all='it needs Python 3.8'; test_done; }
# A sanitizer wants to be the first library; what it does is another test.
grep -q '^SANITIZER_CFLAGS = .*fsanitize' "$top_builddir/tests/Makefile" &&
    { skip_all='this is a build with a sanitizer'; test_done; }

failures=$top_srcdir/tests/call-failures

test_expect_success 'a wrong line is refused' '
    test_expect_code 2 "$failures" 2>err && grep "required" err &&
    test_expect_code 2 "$failures" --n 1 --case local 2>err && grep "not all of --case" err
'

test_expect_success 'a fault is seen: a crash, a hang, a wrong success, an error without its cause' '
    "$top_srcdir/tests/inject/self-test" >self 2>&1 || { cat self; false; }
'

test_expect_success 'a sample ends in success, or in an error that names its cause and can be resumed from' '
    "$failures" --sample 12 --seed "${CALL_FAILURES_SEED:-11}" >sample 2>&1 || { cat sample; false; } && head -n 1 sample >&3
'

test_done
