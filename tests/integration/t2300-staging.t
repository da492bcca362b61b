#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='data staging: copies to and from the node, once, whole, with their causes when they fail'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1"; }

# run STATUS DIR FILE [OPTION]...
run ()
{
    want=$1 dir=$2 file=$3
    shift 3
    test_expect_code "$want" timeout -k 10 60 async-workflow run --local --cpus 4 --dir "$dir" \
        --scratch "$scratch" "$@" "$file" >"$dir.out" 2>"$dir.err" </dev/null ||
        { cat "$dir.out" "$dir.err" "$dir"/logs/* >&4; false; }
}

# events DIR TEXT: how many lines of the journal hold it
events () { grep -cF "$2" "$1/journal.jsonl"; }

# field DIR TASK EVENT KEY: a number in the task's first such event
field ()
{
    grep -F "\"event\":\"$3\",\"task\":\"$2\"" "$1/journal.jsonl" | head -n 1 |
        sed "s/.*\"$4\":\([0-9.]*\).*/\1/"
}

scratch=$(mktemp -d) &&
mkdir data &&
for i in 0 1 2 3; do echo "frame $i" >data/frame-$i; done &&
head -c 300000 /dev/zero | tr '\0' m >data/model || exit 1

test_expect_success 'what many read is brought once, results come back, nothing is left' '
    workflow share.json "\"tasks\": {
        \"infer\": { \"count\": 8,
            \"stage_in\": [ \"data/model\", { \"from\": \"data/frame-*\", \"to\": \"frames\" } ],
            \"stage_out\": { \"from\": \"made/out-{index}\", \"to\": \"results/\", \"checksum\": true },
            \"script\": \"mkdir -p {scratch}/made; cat {scratch}/frames/frame-2 >{scratch}/made/out-{index}; wc -c <{scratch}/model >>{scratch}/made/out-{index}; test \$ASYNC_WORKFLOW_SCRATCH = {scratch}\" },
        \"after\": { \"after\": [\"infer\"], \"script\": \"ls results; test ! -e {scratch}/made/out-3\" } }" &&
    run 0 share share.json &&
    for i in 0 1 2 3 4 5 6 7; do
        printf "frame 2\n300000\n" | test_cmp - results/out-$i || return 1
    done &&
    test $(wc -l <share/logs/after.0.out) = 8 &&
    test $(events share "\"event\":\"staged\"") = 8 &&
    grep -F "\"event\":\"staged\"" share/journal.jsonl | sed "s/.*\"bytes\":\([0-9]*\).*/\1/" |
        awk "{ bytes += \$1 } END { exit bytes != 300000 + 32 }" &&
    test -z "$(ls "$scratch")"
'

test_expect_success 'CPUs are not held while data comes and results leave; in sync mode they are' '
    for mode in async sync; do
        workflow $mode.json "\"tasks\": { \"work\": {
            \"stage_in\": { \"from\": \"data/model\", \"mode\": \"$mode\" },
            \"stage_out\": { \"from\": \"m\", \"to\": \"results/$mode\", \"mode\": \"$mode\" },
            \"script\": \"cp {scratch}/model {scratch}/m\" } }" &&
        run 0 $mode $mode.json &&
        cmp data/model results/$mode || return 1
    done &&
    grep -o "\"event\":\"[a-z]*\"" async/journal.jsonl | cut -d\" -f4 | xargs >order &&
    echo node ready stage staged start release finish end | test_cmp - order &&
    grep -o "\"event\":\"[a-z]*\"" sync/journal.jsonl | cut -d\" -f4 | xargs >order &&
    echo node ready start finish end | test_cmp - order
'

test_expect_success 'a source that changes between iterations is brought again' '
    workflow change.json "\"iterations\": 3, \"tasks\": {
        \"write\": { \"after\": [\"read@-1\"], \"script\": \"echo {iteration} >version\" },
        \"read\": { \"after\": [\"write\"], \"count\": 2, \"stage_in\": \"version\",
                  \"script\": \"cat {scratch}/version\" } }" &&
    run 0 change change.json &&
    for i in 0 1 2; do
        for k in 0 1; do echo $i | test_cmp - change/logs/read@$i.$k.out || return 1; done
    done
'

test_expect_success 'a copy that cannot be made fails its task, with the cause, and is tried again' '
    workflow none.json "\"tasks\": { \"work\": { \"stage_in\": \"data/none\", \"retries\": 2,
        \"script\": \"touch started\" } }" &&
    run 1 none none.json &&
    grep "stage_in: .*/data/none: No such file or directory" none.out &&
    async-workflow report --format svg none >none.svg &&
    grep -A 1 "<g class=\"failed\"" none.svg >hatched && ! grep "<rect" hatched && # it never ran
    test $(events none "\"event\":\"stage\"") = 3 &&
    test ! -e started &&
    workflow out.json "\"tasks\": {
        \"work\": { \"stage_out\": { \"from\": \"nothing\", \"to\": \"results/\" }, \"script\": \"true\" },
        \"next\": { \"after\": [\"work\"], \"script\": \"touch started\" } }" &&
    run 1 out out.json &&
    grep "stage_out: .*/nothing: No such file or directory" out.out &&
    test ! -e started
'

test_expect_success 'what fails is not fetched' '
    workflow fail.json "\"tasks\": { \"work\": { \"stage_out\": { \"from\": \"half\", \"to\": \"results/half\" },
        \"script\": \"echo half >{scratch}/half; exit 3\" } }" &&
    run 1 fail fail.json &&
    test ! -e results/half &&
    sed s/\"script\"/\"success_codes\":[3],\\\"script\"/ fail.json >good.json &&
    run 0 good good.json &&
    grep half results/half
'

test_expect_success 'room is made for what comes; what can never fit is reported' '
    workflow full.json "\"tasks\": {
        \"one\": { \"stage_in\": { \"from\": \"data/model\", \"to\": \"a\" }, \"script\": \"wc -c <{scratch}/a\" },
        \"two\": { \"after\": [\"one\"], \"stage_in\": { \"from\": \"data/model\", \"to\": \"b\" },
                 \"script\": \"wc -c <{scratch}/b; test ! -e {scratch}/a\" } }" &&
    run 0 full full.json --scratch-size 400000 &&
    grep 300000 full/logs/two.0.out &&
    run 1 small full.json --scratch-size 200000 &&
    grep "300000 bytes do not fit into the scratch directory" small.out
'

data_comes () { grep -qs "\"event\":\"stage\"" slow/journal.jsonl; }
no_copies () { test -z "$(ls "$scratch")"; }

test_expect_success 'stopped while data comes: nothing is left, and the run goes on' '
    workflow slow.json "\"tasks\": { \"work\": { \"count\": 2, \"stage_in\": \"data/dir\",
        \"script\": \"cat {scratch}/dir/file\" } }" &&
    mkdir data/dir && truncate -s 4G data/dir/file &&
    { async-workflow run --local --cpus 4 --dir slow --scratch "$scratch" slow.json >slow.out 2>&1 &
      pid=$!; } &&
    wait_for 30 data_comes &&
    kill -TERM $pid &&
    test_expect_code 3 wait $pid &&
    wait_for 30 no_copies &&
    echo done >data/dir/file &&
    run 0 slow-again slow.json &&
    timeout 60 async-workflow run --local --cpus 4 --resume slow --scratch "$scratch" >resume.out 2>&1 &&
    grep done slow/logs/work.1*.out
'

test_expect_success 'wrong staging is reported with its place' '
    workflow bad.json "\"tasks\": { \"work\": { \"script\": \"true\",
        \"stage_in\": [ { \"to\": \"x\" }, { \"from\": \"a\", \"mode\": \"later\" }, { \"form\": \"a\" } ],
        \"stage_out\": [ { \"from\": \"a\" }, { \"from\": \"b\", \"to\": \"c\", \"mode\": \"sync\" } ] } }" &&
    test_expect_code 2 async-workflow check bad.json 2>err &&
    cat err >&4 &&
    grep "tasks.work.stage_in\[0\]: \"from\" is missing" err &&
    grep "tasks.work.stage_in\[1\].mode: unknown value \"later\"" err &&
    grep "tasks.work.stage_in\[2\]: .*form.*did you mean \"from\"" err &&
    grep "tasks.work.stage_out\[0\]: \"to\" is missing" err &&
    grep "tasks.work.stage_out\[1\]: async and sync copies of one task cannot be mixed" err
'

test_expect_success 'a scratch directory of somebody else is not used' '
    test_expect_code 2 async-workflow run --local --scratch here share.json 2>err &&
    grep "\-\-scratch: \"here\" is not an absolute path" err &&
    run 1 missing share.json --scratch "$PWD/not-there" &&
    grep "not-there/.*No such file or directory: name another place with --scratch" missing.out
'

rm -rf "$scratch"
test_done
