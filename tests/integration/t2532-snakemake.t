#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Snakemake 7, unmodified, submits its jobs to the pool: --cluster, --cluster-status, --cluster-cancel

Snakemake asks for the states of its jobs every 10 s, so each pipeline takes some 30 s: all of them run at the same time.'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH HOME="$PWD"
unset PYTHONPATH

case $(snakemake --version 2>/dev/null) in
7.*) ;;
*)
    skip_all="Snakemake 7 is not installed"
    test_done
    ;;
esac

. "$top_srcdir/tests/integration/snakemake.sh"
submitting='--cluster "async-workflow submit --name {rule} --cpus {threads}" --cluster-status "async-workflow status --task"
    --cluster-cancel "async-workflow cancel"'
submitting=$(echo "$submitting" | tr '\n' ' ')

# run DIR [OPTION]...: its exit status goes to DIR/status
run ()
{
    (
        cd "$1" && shift &&
        timeout 400 async-workflow run --local --cpus 4 --progress none "$@" >>out 2>>err </dev/null
        echo $? >status
    )
}

# job_runs DIR: a job of the pipeline is at work
job_runs () { test -s "$1/began"; }

# done_well DIR: all is as it must be, and each job ran once to its end
done_well ()
{
    test "$(cat "$1/status")" = 0 &&
    for n in 0 1 2; do
        test "$(cat "$1/part.$n.txt")" = $n || return 1
    done &&
    sort "$1/ran" | uniq >"$1/once" && test $(wc -l <"$1/once") = 3 &&
    test_must_fail test -e "$1/twice"
}

test_expect_success 'pipelines' '
    parts="expand(\"part.{n}.txt\", n=range(3))" &&
    pipeline bad "$parts, \"bad.txt\"" "$submitting" "\"retries\": 0" &&
    for name in killed crashed interrupted; do
        pipeline $name "$parts" "$submitting" "\"retries\": 1" || return 1
    done
'

test_expect_success 'the example' 'cp -r "$top_srcdir/examples/snakemake" example && chmod -R u+w example'

# All at the same time; each goes its way to the end.
(run example --dir run snakemake.json) &
(run bad --dir run w.json) &
(run killed --dir run w.json) &
(
    cd crashed || exit 1
    async-workflow run --local --cpus 4 --progress none --dir run w.json >out 2>err </dev/null &
    pid=$!
    wait_for 200 job_runs . && kill -9 $pid
    wait $pid
    cat began >began.first
    cd .. && run crashed --resume run
) &
(
    cd interrupted || exit 1
    $INTERRUPTIBLE async-workflow run --local --cpus 4 --progress none --dir run w.json >out 2>err </dev/null &
    pid=$!
    wait_for 200 job_runs . && kill -INT $pid && sleep 0.2 && kill -INT $pid
    wait $pid
    echo $? >first
    cd .. && run interrupted --resume run
) &
(wait_for 200 job_runs killed && kill -9 "$(cat killed/pid)") &
wait

test_expect_success 'a pipeline runs as it does on a laptop; all jobs of a rule count as one set' '
    test "$(cat example/status)" = 0 && awk "{ exit !(\$1 > 3.13 && \$1 < 3.15) }" example/pi &&
    test $(ls example/pi.* | wc -l) = 8 &&
    async-workflow status --json example/run | grep -q "\"set\":\"estimate\",\"tasks\":8,\"completed\":8"
'

test_expect_success 'a failing job is a failure for Snakemake, which decides' '
    test "$(cat bad/status)" = 1 &&
    test $(wc -l <bad/ran) = 3 &&
    grep -q "\"task\":\"bad-[0-9]*\[0\]\".*\"status\":\"failed\"" bad/run/journal.jsonl &&
    grep -q "Error in rule bad" bad/run/logs/client.0.err &&
    grep -q "client\[0\]: exit code 1" bad/err
'

test_expect_success 'Snakemake is killed: its jobs end with it, and the next attempt does what is left' '
    done_well killed &&
    test $(grep -c "\"event\":\"start\",\"task\":\"client" killed/run/journal.jsonl) = 2 &&
    grep -q "\"event\":\"cancel\",\"task\":\"make-[0-9]*\[0\]\",\"count\":1,\"reason\":\"client\[0\]\"" killed/run/journal.jsonl
'

test_expect_success 'the coordinator is killed: a resumed run does what is left' '
    done_well crashed &&
    test -s crashed/began.first
'

test_expect_success 'Ctrl-C, and the run is resumed' '
    test "$(cat interrupted/first)" = 3 &&
    done_well interrupted
'

test_expect_success 'nothing is left running' '
    for directory in bad killed crashed interrupted; do
        for lock in $directory/lock.*; do
            flock -n "$lock" true || return 1
        done
    done
'

test_done
