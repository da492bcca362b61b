#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='run --local: the coordinator and one agent, without Slurm'

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
    test_expect_code "$want" async-workflow run --local --cpus 4 --dir "$dir" "$@" "$file" \
        >"$dir.out" 2>"$dir.err" </dev/null || { cat "$dir.out" "$dir.err" >&4; false; }
}

# events DIR WORD...: how many lines of the journal have all these words
events ()
{
    lines=$(cat "$1/journal.jsonl")
    shift
    for word in "$@"; do
        lines=$(printf '%s\n' "$lines" | grep -F -- "$word") || { echo 0; return; }
    done
    printf '%s\n' "$lines" | wc -l
}

# at DIR EVENT TASK: line number of it in the journal
at () { grep -nF "\"event\":\"$2\",\"task\":\"$3\"" "$1/journal.jsonl" | head -n 1 | cut -d: -f1; }

# Numbers of seconds that no other test sleeps for: tasks are found by them.
LONG=6543.$$ BRIEF=0.3$$

# nobody MARK: no process has this word in its command line
nobody () { ! pgrep -f -- "$1" >/dev/null; }

test_expect_success 'the diamond: each task once, after its predecessors' '
    workflow diamond.json "\"tasks\": {
        \"a\": { \"command\": [\"true\"] },
        \"b\": { \"after\": [\"a\"], \"count\": 3, \"command\": [\"true\"] },
        \"c\": { \"after\": [\"b[i]\"], \"count\": 3, \"command\": [\"true\"] },
        \"d\": { \"after\": [\"b\", \"c\"], \"command\": [\"true\"] } }" &&
    run 0 diamond diamond.json &&
    test $(events diamond "\"event\":\"start\"") = 8 &&
    test $(events diamond "\"event\":\"finish\"" "\"status\":\"completed\"") = 8 &&
    test $(at diamond finish "a[0]") -lt $(at diamond start "b[0]") &&
    test $(at diamond finish "b[2]") -lt $(at diamond start "c[2]") &&
    test $(at diamond finish "c[1]") -lt $(at diamond start "d[0]") &&
    tail -n 1 diamond/journal.jsonl | grep -q "\"event\":\"end\",\"code\":0" &&
    cmp diamond.json diamond/workflow.json
'

test_expect_success 'the run directory is private and is never overwritten' '
    test "$(stat -c %a diamond)" = 700 &&
    test "$(stat -c %a diamond/journal.jsonl)" = 600 &&
    cp diamond/journal.jsonl before &&
    run 2 diamond diamond.json &&
    cmp before diamond/journal.jsonl &&
    async-workflow run --local diamond.json &&
    async-workflow run --local diamond.json &&
    test -e diamond-local/journal.jsonl &&
    test -e diamond-local.1/journal.jsonl
'

test_expect_success 'each task has its own output, and knows where it is' '
    workflow tell.json "\"iterations\": 2, \"tasks\": { \"t\": { \"count\": 3, \"cpus\": 2, \"after\": [\"t@-1\"],
        \"environment\": { \"MINE\": \"{iteration}-{index}\" },
        \"script\": \"echo \$ASYNC_WORKFLOW_TASK \$ASYNC_WORKFLOW_ITERATION \$ASYNC_WORKFLOW_INDEX \$ASYNC_WORKFLOW_ATTEMPT \$MINE \$OMP_NUM_THREADS gpus=\$CUDA_VISIBLE_DEVICES; echo {task} >&2; test \\\"\$ASYNC_WORKFLOW_RUN\\\" = \\\"{run}\\\"\" } }" &&
    run 0 tell tell.json &&
    for it in 0 1; do
        for i in 0 1 2; do
            echo "t@$it[$i] $it $i 0 $it-$i 2 gpus=" >expected &&
            test_cmp expected tell/logs/t@$it.$i.out || return 1
            echo "t@$it[$i]" >expected &&
            test_cmp expected tell/logs/t@$it.$i.err || return 1
        done
    done
'

test_expect_success 'GPUs: as many as asked for, never the same twice at once' '
    workflow gpu.json "\"tasks\": { \"g\": { \"count\": 6, \"gpus\": 1,
        \"script\": \"mkdir held.\$CUDA_VISIBLE_DEVICES && echo \$CUDA_VISIBLE_DEVICES && rmdir held.\$CUDA_VISIBLE_DEVICES\" } }" &&
    run 0 gpu gpu.json --gpus 2 &&
    cat gpu/logs/*.out | sort -u >seen &&
    printf "0\n1\n" >expected &&
    test_cmp expected seen
'

test_expect_success 'stdout, stderr and directory as the workflow says' '
    mkdir -p sub &&
    workflow dirs.json "\"tasks\": {
        \"same\": { \"directory\": \"sub\", \"stdout\": \"both.{index}\", \"stderr\": \"both.{index}\", \"script\": \"pwd; echo err >&2\" } }" &&
    run 0 dirs dirs.json &&
    printf "%s/sub\nerr\n" "$PWD" >expected &&
    test_cmp expected sub/both.0
'

test_expect_success 'a task that fails: exit 1, its code and the end of its stderr are told' '
    workflow fail.json "\"tasks\": { \"bad\": { \"script\": \"echo the reason >&2; exit 7\" },
        \"next\": { \"after\": [\"bad\"], \"command\": [\"true\"] } }" &&
    run 1 fail fail.json &&
    test $(events fail "\"event\":\"start\"") = 1 &&
    test $(events fail "\"status\":\"failed\",\"code\":7") = 1 &&
    grep -q "the reason" fail.out &&
    grep -q "exit code 7" fail.out
'

test_expect_success 'on_failure skip and continue, retries' '
    workflow skip.json "\"tasks\": { \"bad\": { \"count\": 2, \"on_failure\": \"skip\", \"script\": \"exit {index}\" },
        \"each\": { \"after\": [\"bad[i]\"], \"count\": 2, \"command\": [\"true\"] },
        \"all\": { \"after\": [\"bad\"], \"command\": [\"true\"] },
        \"free\": { \"command\": [\"true\"] } }" &&
    run 1 skip skip.json &&
    test $(events skip "\"status\":\"completed\"") = 3 &&
    test $(events skip "\"event\":\"skip\"") = 2 &&
    sed "s/\"skip\"/\"continue\"/" skip.json >continue.json &&
    run 0 continue continue.json &&
    test $(events continue "\"status\":\"completed\"") = 5 &&
    workflow again.json "\"tasks\": { \"t\": { \"retries\": 2, \"script\": \"echo try; test \$ASYNC_WORKFLOW_ATTEMPT = 2\" } }" &&
    run 0 again again.json &&
    test $(events again "\"event\":\"finish\"") = 3 &&
    cat again/logs/t.0.out again/logs/t.0.retry1.out again/logs/t.0.retry2.out | grep -c try >tries &&
    test $(cat tries) = 3
'

test_expect_success 'a program that is not there is a failure of its task alone' '
    workflow none.json "\"tasks\": { \"t\": { \"command\": [\"/no/such/program\"], \"on_failure\": \"continue\" },
        \"u\": { \"after\": [\"t\"], \"command\": [\"true\"] } }" &&
    run 0 none none.json &&
    grep -q "/no/such/program: No such file or directory" none/journal.jsonl &&
    test $(events none "\"status\":\"completed\"") = 1
'

test_expect_success 'the time limit of a task' '
    workflow limit.json "\"tasks\": { \"t\": { \"time_limit\": 0.3, \"command\": [\"sleep\", \"600\"] } }" &&
    run 1 limit limit.json &&
    test $(events limit "\"status\":\"timeout\"") = 1 &&
    grep -q "time limit" limit.out
'

test_expect_success 'sequential: stage after stage; fifo: in the order of the file' '
    workflow order.json "\"defaults\": { \"duration\": 1 }, \"tasks\": {
        \"a\": { \"cpus\": 4, \"command\": [\"sleep\", \"0.1\"] }, \"long\": { \"cpus\": 4, \"command\": [\"true\"] },
        \"after_a\": { \"after\": [\"a\"], \"cpus\": 4, \"command\": [\"true\"] },
        \"after_long\": { \"after\": [\"long\"], \"cpus\": 4, \"duration\": 100, \"command\": [\"true\"] } }" &&
    run 0 seq order.json --mode sequential &&
    test $(at seq finish "long[0]") -lt $(at seq start "after_a[0]") &&
    test $(at seq finish "a[0]") -lt $(at seq start "after_long[0]") &&
    run 0 lp order.json &&
    test $(at lp start "long[0]") -lt $(at lp start "a[0]") &&
    ( ASYNC_WORKFLOW_POLICY=fifo && export ASYNC_WORKFLOW_POLICY && run 0 fifo order.json ) &&
    test $(at fifo start "a[0]") -lt $(at fifo start "long[0]")
'

test_expect_success 'what can never fit is refused before anything runs' '
    workflow wide.json "\"tasks\": { \"w\": { \"cpus\": 5, \"command\": [\"touch\", \"ran\"] } }" &&
    run 2 wide wide.json &&
    grep -q "tasks.w: a task needs 5 CPUs on one node" wide.err &&
    ! test -e ran
'

test_expect_success 'wrong input: one clear line, exit 2, no run directory' '
    workflow typo.json "\"tasks\": { \"a\": { \"comand\": [\"true\"] } }" &&
    run 2 typo typo.json &&
    grep -q "^async-workflow: typo.json: tasks.a.*did you mean \"command\"" typo.err &&
    ! test -e typo &&
    run 2 missing missing.json &&
    grep -q "^async-workflow: missing.json: " missing.err &&
    test_expect_code 2 async-workflow run diamond.json 2>err &&
    grep -q "srun --async-workflow=diamond.json" err &&
    test_expect_code 2 async-workflow run --local --mode quick diamond.json 2>err &&
    grep -q "mode: unknown value \"quick\": give one of async|sequential" err &&
    test_expect_code 2 env ASYNC_WORKFLOW_MODE=x async-workflow run --local diamond.json 2>err &&
    grep -q ASYNC_WORKFLOW_MODE err &&
    test_expect_code 2 async-workflow run --local 2>err &&
    test_expect_code 2 async-workflow rnu 2>err &&
    grep -q "did you mean \"run\"" err
'

test_expect_success '--local --test-only checks and predicts, and runs nothing' '
    workflow quick.json "\"tasks\": { \"a\": { \"duration\": 5, \"command\": [\"touch\", \"ran\"] } }" &&
    async-workflow run --local --cpus 2 --gpus 1 --test-only quick.json >out 2>err &&
    grep -q "^quick.json: ok: 1 task set" out && grep -q "^model: " out &&
    ! test -e ran && ! ls -d quick-* &&
    test_expect_code 2 async-workflow run --local --cpus 4 --test-only wide.json 2>err &&
    grep -q "tasks.w: a task needs 5 CPUs and 0 GPUs on one node" err &&
    mkdir there &&
    test_expect_code 2 async-workflow run --local --test-only --dir there quick.json 2>err &&
    grep -q "^async-workflow: there: " err &&
    workflow ranks.json "\"tasks\": { \"a\": { \"ranks\": 2, \"command\": [\"touch\", \"ran\"] } }" &&
    test_expect_code 2 async-workflow run --local --test-only ranks.json 2>err &&
    grep -q "ranks.json: tasks.a: several ranks or nodes need srun" err &&
    ! test -e ran
'

test_expect_success 'an option without effect is refused; the environment may hold it' '
    test_expect_code 2 async-workflow run --local --max-steps 4 quick.json 2>err &&
    grep -qx "async-workflow: --max-steps: has no effect with --local: leave it out" err &&
    test_expect_code 2 async-workflow run --resume there --dir here 2>err &&
    grep -qx "async-workflow: --dir: has no effect with --resume: leave it out" err &&
    test_expect_code 2 async-workflow run --cpus 4 quick.json 2>err &&
    grep -qx "async-workflow: --cpus: has no effect without --local: leave it out" err &&
    ASYNC_WORKFLOW_MAX_STEPS=4 async-workflow run --local --test-only quick.json
'

test_expect_success 'the rest of a run: --local --resume --test-only tells it and runs nothing' '
    workflow half.json "\"tasks\": { \"a\": { \"command\": [\"true\"] }, \"b\": { \"command\": [\"false\"] } }" &&
    run 1 half half.json &&
    cp -r half half-before &&
    async-workflow run --local --resume half --test-only 2>err &&
    grep -q "1 of 2 tasks" err &&
    diff -r half half-before
'

workflow sleep.json "\"tasks\": { \"s\": { \"count\": 8, \"script\": \"echo up; exec sleep $LONG\" } }"
started () { test "$(events "$1" '"event":"start"' 2>/dev/null)" = 4; }

test_expect_success 'one Ctrl-C: tasks get SIGTERM, a summary, exit 3, nothing left' '
    rm -rf int && $INTERRUPTIBLE async-workflow run --local --cpus 4 --dir int sleep.json >int.out 2>int.err &
    pid=$! &&
    wait_for 60 "started int" &&
    kill -INT $pid &&
    test_expect_code 3 wait $pid &&
    test $(events int "\"status\":\"cancelled\"" "\"signal\":15") = 4 &&
    tail -n 1 int/journal.jsonl | grep -q "\"event\":\"end\",\"code\":3" &&
    grep -q "0 of 8 done" int.out &&
    nobody "sleep $LONG"
'

workflow stubborn.json "\"tasks\": { \"s\": { \"count\": 4, \"script\": \"trap : TERM; echo up; while :; do sleep $LONG; done\" } }"

test_expect_success 'tasks that ignore SIGTERM: a second Ctrl-C kills them' '
    rm -rf twice && $INTERRUPTIBLE async-workflow run --local --cpus 4 --grace 600 --dir twice stubborn.json >twice.out 2>twice.err &
    pid=$! &&
    wait_for 60 "started twice && test \$(cat twice/logs/*.out | grep -c up) = 4" &&
    kill -INT $pid &&
    wait_for 60 "grep -q \"event\\\":\\\"kill\" twice/journal.jsonl" &&
    sleep 0.3 && # what comes at once counts once
    kill -INT $pid &&
    test_expect_code 3 wait $pid &&
    test $(events twice "\"status\":\"cancelled\"" "\"signal\":9") = 4 &&
    nobody "sleep $LONG"
'

test_expect_success 'and so does the end of the grace' '
    rm -rf grace && async-workflow run --local --cpus 4 --grace 0.2 --dir grace stubborn.json >grace.out 2>grace.err &
    pid=$! &&
    wait_for 60 "started grace && test \$(cat grace/logs/*.out | grep -c up) = 4" &&
    kill -TERM $pid &&
    test_expect_code 3 wait $pid &&
    test $(events grace "\"signal\":9") = 4 &&
    nobody "sleep $LONG"
'

test_expect_success 'the coordinator killed: its tasks end' '
    rm -rf gone && async-workflow run --local --cpus 4 --dir gone sleep.json >gone.out 2>gone.err &
    pid=$! &&
    wait_for 60 "started gone" &&
    kill -KILL $pid &&
    wait_for 60 "nobody \"sleep $LONG\"" &&
    async-workflow status gone >status && grep -q "interrupted, 0 of 8 tasks done" status &&
    grep "continue the run with --resume=gone$" status
'

test_expect_success 'stopped and continued, as by Ctrl-Z and fg: the tasks went on' '
    rm -rf susp && workflow steps.json "\"tasks\": { \"a\": { \"command\": [\"sleep\", \"$BRIEF\"] },
        \"b\": { \"after\": [\"a\"], \"command\": [\"true\"] } }" &&
    async-workflow run --local --cpus 4 --dir susp steps.json >susp.out 2>susp.err &
    pid=$! &&
    wait_for 60 "grep -q start susp/journal.jsonl" &&
    kill -TSTP $pid &&
    wait_for 60 "grep -q \"State:.*T\" /proc/$pid/status" &&
    wait_for 60 "nobody \"sleep $BRIEF\"" &&
    kill -CONT $pid &&
    wait $pid &&
    test $(events susp "\"status\":\"completed\"") = 2
'

# A soft limit of 64 descriptors is raised where there are connections, and is back in tasks.
test_expect_success 'more tasks in recv than the soft limit has descriptors' '
    workflow soft.json "\"tasks\": {
        \"wait\": { \"count\": 70, \"script\": \"ulimit -Sn; async-workflow recv --timeout 60 go\" },
        \"go\": { \"script\": \"until test \$(cat soft/logs/wait.*.out | grep -c 64) = 70; do sleep 0.1; done; async-workflow send go now\" } }" &&
    (ulimit -Sn 64 && run 0 soft soft.json --cpus 71) &&
    test $(events soft "\"status\":\"completed\"") = 71
'

test_expect_success 'standard input is left alone' '
    printf "one\ntwo\n" | { async-workflow run --local --dir stdin diamond.json >/dev/null 2>&1 && cat; } >rest &&
    printf "one\ntwo\n" >expected &&
    test_cmp expected rest
'

test_expect_success 'missing directories of stdout and stderr are made' '
    workflow deep.json "\"tasks\": { \"a\": { \"count\": 2, \"stdout\": \"new/{index}/x/o\", \"stderr\": \"new/e/{index}\",
        \"script\": \"echo out; echo err >&2\" } }" &&
    run 0 deep deep.json && test "$(cat new/0/x/o new/1/x/o new/e/0 new/e/1 | sort | uniq -c | tr -s " " | tr "\n" ";")" = " 2 err; 2 out;"
'

test_expect_success 'a hint, once, if tasks with GPUs have one CPU by default' '
    workflow one.json "\"tasks\": { \"a\": { \"gpus\": 1, \"command\": [\"true\"] }, \"b\": { \"gpus\": 1, \"command\": [\"true\"] } }" &&
    echo "async-workflow: hint: one.json: tasks.a: a task with GPUs has 1 CPU by default; the nodes have 4 for each GPU: give \"cpus\"" >expected &&
    async-workflow run --local --cpus 8 --gpus 2 --test-only one.json 2>err && test_cmp expected err &&
    async-workflow run --local --cpus 8 --gpus 2 --dir one one.json 2>err && test $(grep -c "hint: one.json: tasks.a:" err) = 1 &&
    async-workflow run --local --cpus 3 --gpus 2 --test-only one.json 2>err && test_must_be_empty err &&
    workflow one.json "\"defaults\": { \"cpus\": 1 }, \"tasks\": { \"a\": { \"gpus\": 1, \"command\": [\"true\"] } }" &&
    async-workflow run --local --cpus 8 --gpus 2 --test-only one.json 2>err && test_must_be_empty err
'

test_done
