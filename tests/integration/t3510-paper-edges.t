#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description="examples/paper/run --only edges: DeepDriveMD by what simulations wait for, very quickly"

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

need_slurm

# At 1/500 the starts of 96 tasks weigh more than their durations: what is compared is in the journals.
test_expect_success 'four runs, in one table with the model and the authors' '
    "$top_srcdir/examples/paper/run" --only edges --scale 1/500 --output runs --builddir "$top_builddir" >out 2>err ||
        { cat out err; false; } &&
    grep -c "^| [a-z]* *|  *[0-9.]* |" runs/edges.txt >rows && echo 4 >expected && test_cmp expected rows &&
    grep "^| stages .* 1331.5 |" runs/edges.txt && ! grep "^| index .* 1331.5 |" runs/edges.txt &&
    grep "Like for like is the last row" out
'

for edges in index set barrier stages; do
    test_expect_success "$edges: all tasks were done, once each" "finished runs/ddmd-$edges 627"
done

# last RUN SET: t of the last finish of a set; first RUN SET: t of its first start
last () { sed -n "s/{\"t\":\([0-9.]*\),\"event\":\"finish\",\"task\":\"$2\[.*/\1/p" "runs/ddmd-$1/journal.jsonl" | tail -n 1; }
first () { sed -n "s/{\"t\":\([0-9.]*\),\"event\":\"start\",\"task\":\"$2\[.*/\1/p" "runs/ddmd-$1/journal.jsonl" | head -n 1; }
is () { awk "BEGIN { exit !($1) }" || { echo "not: $1"; false; }; }

test_expect_success 'each waits for what it says' '
    is "$(first index simulate-1) < $(last index simulate-0)" &&
    is "$(first set simulate-1) >= $(last set simulate-0)" &&
    is "$(first barrier simulate-2) >= $(last barrier infer-0)" &&
    is "$(first barrier aggregate-1) >= $(last barrier infer-0)" &&
    is "$(first stages simulate-2) >= $(last stages simulate-1)" &&
    is "$(first stages aggregate-0) >= $(last stages simulate-1)"
'

test_done
