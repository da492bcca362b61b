#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='examples/samples: a pipeline of bwa and samtools with merges by key, as its README has it'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

if command -v bwa >/dev/null && command -v samtools >/dev/null; then
    test_set_prereq TOOLS
else
    echo "# bwa or samtools is not installed"
fi

# run STATUS NAME OPTION...: output in NAME.out
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 4 --progress none "$@" >"$name.out" 2>&1 </dev/null ||
        { cat "$name.out"; false; }
}

# starts DIR TEXT: how many attempts of tasks whose names begin so have started
starts () { grep -cF "\"event\":\"start\",\"task\":\"$2" "$1/journal.jsonl"; }

cp "$top_srcdir"/examples/samples/* . && chmod u+w samples.txt

test_expect_success 'the data is made, the same each time' '
    ./make-data && test "$(ls data | wc -l)" = 13 && cp -r data first && ./make-data && diff -r data first &&
    test "$(grep -c "^@read" data/s4.3.fq)" = 1000
'

test_expect_success 'the workflow is good' 'async-workflow check samples.json'

test_expect_success TOOLS 'all samples are aligned, merged and measured' '
    run 0 all samples.json && test "$(wc -l <results/coverage.table)" = 8 &&
    awk "{ n += \$5; if (\$7 < 99) bad = 1 } END { print n; exit bad }" results/coverage.table >n &&
    test "$(cat n)" -gt 11900
'

test_expect_success TOOLS 'a missing file stops its sample alone' '
    rm -r results data/s3.2.fq && run 1 part samples.json && ls results/*.tsv >tables && test "$(wc -l <tables)" = 3 &&
    ! grep s3 tables && test ! -e results/coverage.table &&
    async-workflow explain samples-local.1 "merge[sample=s3]" >why && grep -q "align\[7\]" why
'

test_expect_success TOOLS 'its repair runs what depends on it' '
    ./make-data && run 0 repaired --resume samples-local.1 && test "$(wc -l <results/coverage.table)" = 8 &&
    test "$(starts samples-local.1 align)" = 13 && test "$(starts samples-local.1 merge)" = 4
'

test_expect_success TOOLS 'a new sample runs alone' '
    echo s5 >>samples.txt && ./make-data && run 0 more --resume samples-local.1 --new-values &&
    test "$(wc -l <results/coverage.table)" = 10 && test "$(starts samples-local.1 align)" = 16 &&
    test "$(starts samples-local.1 merge)" = 5 && test "$(starts samples-local.1 table)" = 2
'

test_done
