#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Small examples: a list of commands, a table of parameters, workers'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
cp -r "$top_srcdir/examples/list" "$top_srcdir/examples/table" "$top_srcdir/examples/workers" . &&
    chmod -R u+w list table workers

# run OPTION...: on this machine, without Slurm
run () { async-workflow run --local --cpus 4 --progress none "$@" >out 2>&1 || { cat out; false; }; }

test_expect_success 'list: eight estimates, then their mean; the model knows the durations' '
    (cd list && async-workflow check pi.txt && run pi.txt && awk "{ exit !(\$1 > 3.13 && \$1 < 3.15) }" pi &&
        test "$(cat pi.[1-8] | sort -u | wc -l)" = 8 &&
        async-workflow model --nodes 1 --cpus 4 --json pi.txt >model && grep -q "\"tasks\": *9" model)
'

test_expect_success 'list: the loop of its page makes its lines' '
    (cd list && eval "$(sed -n "s/^    \(for seed.*\) >pi.txt$/\1/p" README.md)" >lines && test "$(wc -l <lines)" = 8 &&
        grep "^awk -v" pi.txt >expected && test_cmp expected lines)
'

# The first python3 in PATH need not be that of the system, which has the packages of the system.
for directory in "" /usr/bin:; do
    if PATH=$directory$PATH python3 -c 'import numpy' 2>/dev/null; then
        PATH=$directory$PATH
        test_set_prereq NUMPY
        break
    fi
done

test_expect_success NUMPY 'table: a fit for each row, and the best of them' '
    (cd table && async-workflow check table.json && run table.json &&
        test "$(cat score.* | wc -l)" = "$(($(wc -l <params.csv) - 1))" &&
        sort -g score.* | head -n 1 >expected && test_cmp expected best.txt && grep -qE "^0\.01[0-9]* [59] " best.txt)
'

test_expect_success NUMPY 'table: another table by --param' '
    (cd table && printf "ridge,degree\n0.1,2\n" >more.csv && rm -f score.* && run --dir more --param params=more.csv table.json &&
        grep -q " 2 0.1$" best.txt)
'

test_expect_success NUMPY 'workers: few processes predict all batches, and the results come as messages' '
    (cd workers && async-workflow check predict.json && run --param batches=40 --dir run predict.json &&
        grep -q "^40 batches, mean " summary.txt && test $(wc -l <run/messages/predict:results.jsonl) = 40)
'

test_done
