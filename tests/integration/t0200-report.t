#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='async-workflow report and status: the story of a run, from its directory alone'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
samples=$top_srcdir/tests/integration
cp -R "$samples/sample-run" . && chmod -R u+w sample-run

# refused COMMAND...: with status 2, one line on stderr, nothing on stdout
refused ()
{
    test_expect_code 2 "$@" >out 2>err &&
    test_must_be_empty out &&
    test "$(grep -c '^async-workflow: ' err)" = 1 &&
    test "$(wc -l <err)" = 1
}

test_expect_success 'wrong arguments are refused' '
    test_expect_code 2 async-workflow report 2>err &&
    grep "no run directory given" err &&
    test_expect_code 2 async-workflow report a b 2>err &&
    grep "a second run directory" err &&
    test_expect_code 2 async-workflow report --format svgg sample-run 2>err &&
    grep "did you mean \"svg\"" err &&
    refused async-workflow status sample-run/workflow.json &&
    grep "workflow.json: not a directory: give a run directory" err &&
    test_expect_code 2 async-workflow status 2>err &&
    test_expect_code 2 async-workflow status a b 2>err
'

test_expect_success 'what is no run directory is refused in one line' '
    mkdir empty nojournal &&
    cp sample-run/workflow.json nojournal &&
    for command in report status; do
        refused async-workflow $command none && grep "No such file" err &&
        refused async-workflow $command empty && grep "not a run directory" err &&
        refused async-workflow $command sample-run/workflow.json &&
        refused async-workflow $command nojournal && grep "journal.jsonl: No such file" err || return 1
    done
'

test_expect_success 'a broken journal is refused in one line with its number' '
    cp -R sample-run broken &&
    sed "5s/.*/{\"t\":/" sample-run/journal.jsonl >broken/journal.jsonl &&
    refused async-workflow report broken &&
    grep "broken/journal.jsonl: line 5: " err &&
    sed "5d" sample-run/journal.jsonl >broken/journal.jsonl &&
    sed "s/n1/n3/; 2s/n3/n1/" sample-run/journal.jsonl >broken/journal.jsonl &&
    refused async-workflow report broken &&
    grep "no node with the name \"n3\" has joined" err
'

test_expect_success 'an output that cannot be written is reported' '
    test_expect_code 2 async-workflow report sample-run -o none/out 2>err &&
    grep "none/out: No such file" err &&
    test_expect_code 2 async-workflow report sample-run >/dev/full 2>err &&
    grep "No space left" err &&
    test_expect_code 2 async-workflow status sample-run >/dev/full 2>err &&
    grep "No space left" err
'

test_expect_success 'the text is the expected one' '
    async-workflow report sample-run >out &&
    test_cmp "$samples/sample-run.txt" out
'

test_expect_success 'the JSON is the expected one' '
    async-workflow report --format json sample-run >out &&
    test_cmp "$samples/sample-run.json" out
'

test_expect_success 'the chart is an SVG' '
    async-workflow report --format=svg --output=chart.svg sample-run >out &&
    test_must_be_empty out &&
    grep "<svg xmlns=" chart.svg &&
    test "$(grep -c "<rect .*<title>" chart.svg)" = 24 &&
    if type xmllint >/dev/null 2>&1; then xmllint --noout chart.svg; fi
'

test_expect_success 'the trace has a slice for each attempt' '
    async-workflow report -f trace sample-run >out &&
    test "$(grep -c "\"ph\":\"X\"" out)" = 24
'

test_expect_success 'status counts the tasks' '
    async-workflow status sample-run >out &&
    grep "^sample: failed, 21 of 26 tasks done" out &&
    grep "^simulate  *12  *12  *0  *0  *0$" out &&
    grep "^infer  *8  *4  *0  *0  *4$" out
'

test_expect_success 'the last line may be torn' '
    cp -R sample-run torn &&
    head -c -20 sample-run/journal.jsonl >torn/journal.jsonl &&
    async-workflow report torn >out &&
    grep "^sample: interrupted with 21 of 26 tasks done" out &&
    grep "1 failed, 4 skipped" out
'

test_expect_success 'a run that goes on is reported as running' '
    { flock torn/journal.jsonl sh -c "touch locked; while test ! -e over; do sleep 0.1; done" & } &&
    wait_for 60 test -e locked &&
    async-workflow status torn >out &&
    async-workflow report torn >out2 &&
    grep "^sample: running, 21 of 26" out &&
    grep "^2 nodes, 0 of 32 CPUs busy, 0 of 8 GPUs busy" out &&
    grep "^sample: running" out2
'
touch over
wait

test_expect_success 'every beginning of a journal can be told' '
    cp -R sample-run part &&
    lines=$(wc -l <sample-run/journal.jsonl) &&
    n=1 &&
    while test $n -le $lines; do
        head -n $n sample-run/journal.jsonl >part/journal.jsonl &&
        for format in text json svg trace; do
            async-workflow report -f $format part >out || return 1
        done
        n=$((n + 7))
    done
'

test_done
