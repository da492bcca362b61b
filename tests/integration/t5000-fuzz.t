#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='A short run of each fuzz target; tests/fuzz/run --seconds N runs them longer'

. "$(dirname "$0")/lib.sh"

SECONDS_EACH=${FUZZ_SECONDS:-5}

"$top_srcdir/tests/fuzz/run" --build --builddir "$top_builddir" >probe 2>&1
code=$?
if test $code = 77; then
    skip_all=$(cat probe)
    test_done
fi

test_expect_success 'the targets can be built' '
    test '$code' = 0 || { cat probe; false; }
'

for target in frame journal message plugin topology values workflow; do
    test_expect_success "$target: nothing is found in $SECONDS_EACH s" '
        nice "$top_srcdir/tests/fuzz/run" --seconds "$SECONDS_EACH" --builddir "$top_builddir" '$target' >log 2>&1 ||
            { cat log; false; } && cat log
    '
done

test_done
