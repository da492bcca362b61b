#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='after "set[variable]": a task waits for the tasks with its key, and for no others'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

LOCAL_CPUS=4

# starts DIR TASK: how often the task has started
starts () { grep -cF "\"event\":\"start\",\"task\":\"$2\"" "$1/journal.jsonl"; }

# Sample b is aligned only when sample a has been merged: a merge waits for its own sample alone. All that a merge has
# to find is there.
cat >merge.json <<\END
{ "async-workflow": 1, "tasks": {
    "align": { "foreach": { "sample": ["a", "b"], "chromosome": [1, 2, "X"] }, "time_limit": "60s",
               "script": "while test {sample} = b -a ! -e \"{run}/a\"; do sleep 0.02; done; echo {chromosome} >\"{run}/\"{sample}.{chromosome}" },
    "merge": { "foreach": { "sample": ["b", "a"] }, "after": ["align[sample]"],
               "script": "cat \"{run}/\"{sample}.1 \"{run}/\"{sample}.2 \"{run}/\"{sample}.X >\"{run}/\"{sample}" },
    "all":   { "after": ["merge"], "script": "cat \"{run}/a\" \"{run}/b\" >\"{run}/all\"" } } }
END

test_expect_success 'a merge starts when its sample is aligned, before the others' '
    async-workflow check merge.json >check && cat check &&
    grep -qx "  tasks.merge.after: align\[sample\]: 2 keys; merge\[0\] (sample=b) waits for align\[3\] (sample=b, chromosome=1), align\[4\] (sample=b, chromosome=2), align\[5\] (sample=b, chromosome=X)" check &&
    run 0 merge --dir merge merge.json && replays merge &&
    printf "1\n2\nX\n1\n2\nX\n" >expected && test_cmp expected merge/all &&
    grep -q "merge\[0\] (sample=b)" merge.out
'

test_expect_success 'stage after stage, a merge waits for all samples' '
    sed "s/while.*done; //" merge.json >stages.json && run 0 stages --mode sequential --dir stages stages.json &&
    replays stages && test_cmp expected stages/all
'

# Chromosome 2 of sample b fails while there is no file `ready`.
cat >skip.json <<\END
{ "async-workflow": 1, "tasks": {
    "align": { "foreach": { "sample": ["a", "b", "c"], "chromosome": [1, 2] }, "on_failure": "skip",
               "script": "test {sample}{chromosome} != b2 -o -e ready && echo >>\"{run}/aligned\"" },
    "merge": { "foreach": { "sample": ["c", "b", "a"] }, "after": ["align[sample]"],
               "script": "echo {sample} >>\"{run}/merged\"" },
    "plot":  { "foreach": { "chromosome": ["2", "1"], "sample": ["c", "b", "a"] },
               "after": ["align[chromosome,sample]", "merge[sample]"], "command": ["true"] },
    "all":   { "after": ["merge"], "script": "sort \"{run}/merged\" >\"{run}/all\"" } } }
END

test_expect_success 'a failure skips the tasks with its key alone' '
    run 1 skip --dir skip skip.json && replays skip && printf "a\nc\n" >expected &&
    sort skip/merged >merged && test_cmp expected merged &&
    test "$(starts skip "merge[1]")" = 0 && test "$(starts skip "plot[1]")" = 0 && test "$(starts skip "plot[4]")" = 0 &&
    test "$(grep -c "\"event\":\"start\",\"task\":\"plot" skip/journal.jsonl)" = 4 && test ! -e skip/all &&
    async-workflow explain skip "merge[1]" >explained && grep -q "align\[3\]" explained
'

test_expect_success 'a resumed run does what is missing, by key' '
    touch ready && run 0 skip --resume skip && replays skip && printf "a\nb\nc\n" >expected && test_cmp expected skip/all &&
    test "$(wc -l <skip/aligned)" = 6 && test "$(starts skip "merge[0]")" = 1 && test "$(starts skip "merge[1]")" = 1 &&
    async-workflow report skip >report && async-workflow status skip >status
'

test_expect_success 'another key is another dependency: the set runs again' '
    sed "s/\"merge\[sample\]\"/\"merge\"/" skip.json >whole.json && run 0 skip --resume skip whole.json &&
    grep -q "tasks.plot: \"after\" has changed" skip.err && test "$(starts skip "plot[1]")" = 2 &&
    test "$(starts skip "merge[1]")" = 1
'

# Each iteration of a member waits for those of its family in the iteration before.
cat >iterations.json <<\END
{ "async-workflow": 1, "iterations": 3, "tasks": {
    "grow": { "foreach": { "family": ["x", "y"], "member": [1, 2, 3] }, "after": ["grow[family]@-1"],
              "script": "test {iteration} = 0 || for n in 1 2 3; do test -e \"{run}/\"{family}$n.$(({iteration} - 1)) || exit 1; done; touch \"{run}/\"{family}{member}.{iteration}" } } }
END

test_expect_success 'keys reach back over iterations' '
    async-workflow check iterations.json >check && grep -q "grow\[family\]@-1: 2 keys; grow@0\[0\]" check &&
    run 0 iterations --dir iterations iterations.json && replays iterations
'

cat >adding.json <<\END
{ "async-workflow": 1, "tasks": {
    "align": { "foreach": { "sample": ["a", "b"], "chromosome": [1, 2] }, "script": "echo >>\"{run}/\"{sample}" },
    "add":   { "script": "! async-workflow add bad.json && async-workflow add good.json" } } }
END

test_expect_success 'an added set waits by key' '
    printf "{\"async-workflow\": 1, \"tasks\": {\"merge\": {\"foreach\": {\"sample\": [\"b\", \"%s\"]},
        \"after\": [\"align[sample]\"], \"script\": \"test \$(wc -l <\\\\\"{run}/\\\\\"{sample}) = 2\"}}}" a >good.json &&
    sed "s/\"a\"/\"c\"/" good.json >bad.json && run 0 adding --dir adding adding.json && replays adding &&
    test "$(starts adding "merge[1]")" = 1 &&
    grep -q "\[sample\]: align has no task with sample=c, which merge has" adding/logs/add.0.err
'

test_expect_success 'a key without a partner is an error before anything runs' '
    sed "s/\[\"c\", \"b\", \"a\"\] }, \"after\": \[\"align\[sample\]\"\]/[\"c\", \"B\", \"a\"] }, \"after\": [\"align[sample]\"]/" skip.json >wrong.json &&
    run 2 wrong wrong.json && test ! -e wrong-local && test_expect_code 2 async-workflow check wrong.json 2>err &&
    grep -q "tasks.merge.after\[0\]: \[sample\]: align has no task with sample=B, which merge has: both" err &&
    grep -q "tasks.merge.after\[0\]: \[sample\]: merge has no task with sample=b, which align has: both" err
'

# One alignment at a time, and beside it one merge: the first merge begins when half of the alignments are done.
cat >model.json <<\END
{ "async-workflow": 1, "tasks": {
    "align": { "foreach": { "sample": ["a", "b"], "chromosome": [1, 2, "X"] }, "gpus": 1, "duration": 1,
               "command": ["true"] },
    "merge": { "foreach": { "sample": ["a", "b"] }, "after": ["align[sample]"], "cpus": 4, "duration": 6,
               "command": ["true"] } } }
END

test_expect_success 'the model knows keys' '
    async-workflow model model.json --nodes 1 --cpus 5 --gpus 1 >model && grep "longest-path *15.0 s" model &&
    sed "s/align\[sample\]/align/" model.json >whole.json &&
    async-workflow model whole.json --nodes 1 --cpus 5 --gpus 1 >whole && grep "longest-path *18.0 s" whole
'

test_done
