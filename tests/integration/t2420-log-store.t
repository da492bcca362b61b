#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Output of tasks: files, the log store, and the command that prints both'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# workflow NAME BODY: NAME.json
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1.json"; }

# run STATUS DIR OPTION...: a local run; output in DIR.out and DIR.err
run ()
{
    want=$1 dir=$2
    shift 2
    rm -rf "$dir"
    test_expect_code "$want" timeout 100 async-workflow run --local --cpus 4 --grace 1 --dir "$dir" "$@" \
        >"$dir.out" 2>"$dir.err" </dev/null || { cat "$dir.out" "$dir.err" >&4; false; }
}

# background DIR OPTION...: the same in the background: $pid
background ()
{
    dir=$1
    shift
    rm -rf "$dir"
    $INTERRUPTIBLE async-workflow run --local --cpus 4 --grace 1 --dir "$dir" "$@" >"$dir.out" 2>"$dir.err" </dev/null &
    pid=$!
}

# child NAME: the process of that name below the agent of the run $pid
agent () { pgrep -P "$(pgrep -P "$pid" -x aw-supervisor)" | head -n 1; }
writer () { pgrep -P "$(agent)" -x aw-log-writer; }

# header DIR VALUE: what the journal says of the choice
header () { head -n 1 "$1/journal.jsonl" | grep -q "\"logs\":\"$2\""; }

test_expect_success 'up to 1,000 tasks have files, more have the store, and one line says so' '
    workflow few "\"tasks\": { \"a\": { \"count\": 500, \"command\": [\"true\"] } }, \"iterations\": 2" &&
    workflow many "\"tasks\": { \"a\": { \"count\": 1001, \"command\": [\"echo\", \"{index}\"] } }" &&
    run 0 few few.json && header few files && test_must_fail grep "share their log files" few.err &&
    run 0 many many.json && header many store &&
    grep -c "1001 tasks share their log files: async-workflow logs .*/many TASK prints one (a file per task: \"logs\": \"files\")" many.err >lines &&
    test "$(cat lines)" = 1 &&
    test "$(ls many/logs | wc -l)" = 2 &&
    async-workflow logs many "a[1000]" >out && echo 1000 | test_cmp - out
'

test_expect_success 'commands that look at a run do not repeat the warnings of check' '
    workflow warns "\"tasks\": { \"a\": { \"command\": [\"echo\", \"\$HOME\"] } }" &&
    run 0 warns warns.json && grep "warning: .*HOME is not replaced" warns.err &&
    { async-workflow logs warns a && async-workflow explain warns a; } >out 2>err && grep "HOME" out && test_must_be_empty err
'

test_expect_success 'the key and the option choose; the option comes first' '
    workflow store "\"logs\": \"store\", \"tasks\": { \"a\": { \"command\": [\"echo\", \"a\"] } }" &&
    workflow files "\"logs\": \"files\", \"tasks\": { \"a\": { \"count\": 1001, \"command\": [\"true\"] } }" &&
    run 0 store store.json && header store store && test ! -e store/logs/a.0.out &&
    run 0 files files.json && header files files && test_must_fail grep "share their log files" files.err &&
    run 0 option --logs files store.json && header option files && test -e option/logs/a.0.out &&
    ASYNC_WORKFLOW_LOGS=store run 0 variable few.json && header variable store &&
    run 2 bad --logs both store.json && grep "unknown value \"both\"" bad.err &&
    workflow bad "\"logs\": \"both\", \"tasks\": { \"a\": { \"command\": [\"true\"] } }" &&
    run 2 bad bad.json && grep "bad.json: logs: " bad.err
'

test_expect_success 'a run keeps its choice when it is resumed' '
    workflow kept "\"logs\": \"store\", \"tasks\": { \"a\": { \"script\": \"echo \$ASYNC_WORKFLOW_ATTEMPT; test -e go\" } }" &&
    run 1 kept kept.json && sed s/store/files/ kept.json >changed.json && : >go &&
    async-workflow run --local --resume kept changed.json >out 2>err </dev/null &&
    grep "\"logs\" stays \"store\"" err && test ! -e kept/logs/a.0.retry1.out &&
    async-workflow logs kept a >out && echo 1 | test_cmp - out &&
    async-workflow logs kept a --attempt 1 >out && echo 0 | test_cmp - out &&
    test_expect_code 2 async-workflow run --local --logs files --resume kept >out 2>err &&
    grep -- "--logs: has no effect with --resume" err
'

# Lines of both streams, 300 kB, bytes of all kinds, no newline at the end, nothing.
workflow bytes '"tasks": {
    "lines": { "count": 20, "script": "for i in 1 2 3; do echo {task} $i; echo error {task} $i >&2; done" },
    "long": { "count": 3, "script": "seq {index} 50000; seq {index} 1000 >&2" },
    "binary": { "script": "head -c 70000 /dev/urandom | tee \"{run}/bytes\"; printf end" },
    "silent": { "count": 5, "command": ["true"] } }'

test_expect_success 'the same bytes from the store and from files' '
    run 0 fbytes --logs files bytes.json && run 0 sbytes --logs store bytes.json &&
    for task in "lines[7]" "lines[19]" "long[2]" lines long silent; do
        for stream in --stdout --stderr; do
            async-workflow logs fbytes "$task" $stream >want && async-workflow logs sbytes "$task" $stream >got &&
            test_cmp want got || return 1
        done
    done &&
    seq 2 50000 >want && async-workflow logs sbytes "long[2]" --stdout >got && test_cmp want got &&
    { cat sbytes/bytes && printf end; } >want && async-workflow logs sbytes binary >got && cmp want got
'

test_expect_success 'empty files are removed, those of a retry too' '
    workflow empty "\"tasks\": { \"a\": { \"count\": 3, \"retries\": 1, \"on_failure\": \"skip\", \"script\": \"test {index} = 0 || { echo bad >&2; false; }\" },
        \"mine\": { \"stdout\": \"mine.out\", \"command\": [\"true\"], \"stderr\": \"/dev/null\" } }" &&
    run 1 empty empty.json &&
    ls empty/logs >got && printf "%s\n" a.1.err a.1.retry1.err a.2.err a.2.retry1.err >want && test_cmp want got &&
    test -e mine.out && test -c /dev/null
'

test_expect_success 'several tasks have headers, one has none; selection' '
    async-workflow logs sbytes "lines[1]" "lines[0]" "silent" "lines[1]" --stdout >got &&
    printf "==> lines[1] <==\nlines[1] 1\nlines[1] 2\nlines[1] 3\n\n==> lines[0] <==\nlines[0] 1\nlines[0] 2\nlines[0] 3\n" >want &&
    test_cmp want got &&
    async-workflow logs empty --failed >got &&
    printf "==> a[1] <==\nbad\n\n==> a[2] <==\nbad\n" >want && test_cmp want got &&
    test_expect_code 2 async-workflow logs sbytes "lines[20]" 2>err && grep "lines\[20\]: no such task" err &&
    test_expect_code 2 async-workflow logs sbytes "lines[1]" --attempt 2 2>err && grep "there is no such attempt" err &&
    test_expect_code 2 async-workflow logs nowhere 2>err && grep nowhere err &&
    test_expect_code 2 async-workflow logs 2>err &&
    test_expect_code 2 async-workflow logs sbytes a --stdout --stderr 2>err &&
    test_expect_code 2 async-workflow logs sbytes --follow --failed 2>err &&
    test_expect_code 2 async-workflow logs many --follow 2>err && grep "1001 tasks are too many" err &&
    test_expect_code 2 async-workflow logs sbytes lines 2>err >/dev/full && grep "standard output: No space left" err
'

test_expect_success 'nothing to print: the task has not begun, or its log is gone' '
    workflow none "\"tasks\": { \"a\": { \"on_failure\": \"skip\", \"script\": \"echo a; false\" }, \"b\": { \"after\": [\"a\"], \"command\": [\"true\"] } }" &&
    run 1 none --logs store none.json &&
    test_expect_code 2 async-workflow logs none b 2>err && grep "logs: b: it has not begun" err &&
    for log in none/logs/*.log; do truncate -s 40 "$log"; done &&
    test_expect_code 2 async-workflow logs none a 2>err && grep "logs: a: its output is missing" err
'

test_expect_success 'control characters are shown on a terminal alone' '
    command -v script >/dev/null || { say "# no script(1)"; return 0; }
    workflow control "\"logs\": \"store\", \"tasks\": { \"a\": { \"script\": \"printf \\\"a\\\\\\\\033[31mb\\\\\\\\001c\\\\\\\\t\\\\\\\\303\\\\\\\\244\\\\\\\\n\\\"\" } }" &&
    run 0 control control.json &&
    async-workflow logs control a >got && printf "a\033[31mb\001c\t\303\244\n" >want && cmp want got &&
    LC_ALL=C.UTF-8 script -qec "async-workflow logs control a" /dev/null </dev/null | tr -d "\r" >got &&
    printf "a^[[31mb^Ac\t\303\244\n" >want && cmp want got &&
    LC_ALL=C.UTF-8 script -qec "async-workflow logs --raw control a" /dev/null </dev/null | tr -d "\r" >got &&
    printf "a\033[31mb\001c\t\303\244\n" >want && cmp want got &&
    # Characters that two pieces share, and some that never end.
    workflow parts "\"logs\": \"store\", \"tasks\": { \"a\": { \"script\": \"printf \\\"\\\\\\\\303\\\"; sleep 0.1; printf \\\"\\\\\\\\244 \\\\\\\\360\\\\\\\\237\\\"; sleep 0.1; printf \\\"\\\\\\\\230\\\\\\\\200 \\\\\\\\303x \\\\\\\\303\\\"\" } }" &&
    run 0 parts parts.json &&
    LC_ALL=C.UTF-8 script -qec "async-workflow logs parts a" /dev/null </dev/null >got &&
    printf "\303\244 \360\237\230\200 ?x ?" >want && cmp want got
'

test_expect_success 'who names the output names the command' '
    workflow fails "\"logs\": \"store\", \"tasks\": { \"a\": { \"script\": \"echo why >&2; false\" } }" &&
    run 1 fails fails.json &&
    grep "a\[0\]: exit code 1 .*; see async-workflow logs .*/fails .a\[0\]." fails.err &&
    grep "    | why" fails.out && grep "async-workflow logs .*fails .a\[0\]. --stderr --attempt 1" fails.out &&
    grep "^Output of a task: async-workflow logs .*fails TASK" fails.out &&
    async-workflow report --format json fails | grep "\"stderr\":null,\"stderr_command\":\"async-workflow logs fails .a\[0\]. --stderr --attempt 1\",\"stderr_tail\":\"why"
'

cat >leaves.sh <<\END
sleep 100 &
setsid sh -c 'echo begun; : >begun; until grep -q finish behind/journal.jsonl; do sleep 0.02; done
    while echo late; do sleep 0.01; done' &
until test -e begun; do sleep 0.02; done
echo done
END

test_expect_success 'what a task leaves behind does not hold its end, and cannot print into another one' '
    workflow behind "\"logs\": \"store\", \"tasks\": { \"a\": { \"command\": [\"sh\", \"leaves.sh\"] },
        \"b\": { \"after\": [\"a\"], \"script\": \"sleep 1; echo b\" } }" &&
    began=$(date +%s) && run 0 behind behind.json && test $(($(date +%s) - began)) -lt 90 &&
    async-workflow logs behind a >got && printf "begun\ndone\n" >want && test_cmp want got &&
    async-workflow logs behind b >got && echo b >want && test_cmp want got
'

test_expect_success '--follow prints what comes until the task has ended, its retry too' '
    workflow follow "\"logs\": \"store\", \"tasks\": { \"a\": { \"count\": 2, \"retries\": 1, \"script\":
        \"echo {index} up; until test -e go.\$ASYNC_WORKFLOW_ATTEMPT; do sleep 0.02; done; echo {index} \$ASYNC_WORKFLOW_ATTEMPT; test {index} -ne 1\" } }" &&
    printf "1 %s\n" up 0 up 1 >want &&
    for logs in store files; do
        rm -f go.? && background follow --logs $logs follow.json &&
        wait_for 60 "test -e follow/journal.jsonl" &&
        { timeout 60 async-workflow logs follow -f "a[1]" >got 2>err & } && follower=$! &&
        wait_for 60 "grep \"1 up\" got" && : >go.0 && wait_for 60 "grep \"1 0\" got" && : >go.1 &&
        wait $follower && test_cmp want got && test_expect_code 1 wait $pid || return 1
    done
'

test_expect_success '--follow finds a log that is there only after it has looked' '
    rm -f go.? && background late --logs store follow.json && mkdir away &&
    wait_for 60 "grep -qs \"1 up\" late/logs/*.log" && mv late/logs/*.log away &&
    { timeout 60 async-workflow logs late -f "a[1]" >got 2>err & } && follower=$! &&
    sleep 1 && mv away/*.log late/logs && wait_for 60 "grep \"1 up\" got" && : >go.0 && : >go.1 &&
    wait $follower && test_cmp want got && test_expect_code 1 wait $pid
'

test_expect_success '--follow ends when the coordinator is killed' '
    workflow lost "\"tasks\": { \"a\": { \"script\": \"echo up; sleep 100\" } }" &&
    background lost lost.json && wait_for 60 "grep -qs start lost/journal.jsonl" &&
    { timeout 60 async-workflow logs lost -f a >got 2>err & } && follower=$! &&
    wait_for 60 "grep up got" && kill -KILL $pid && { wait $pid; test $? != 0; } && wait $follower
'

test_expect_success 'the writer is killed: the tasks that run fail, and are retried with another one' '
    workflow killed "\"logs\": \"store\", \"tasks\": { \"a\": { \"retries\": 1, \"script\": \"echo begun; until test -e \\\"{run}/go\\\"; do sleep 0.02; done; echo ended\" } }" &&
    background killed killed.json &&
    wait_for 60 "async-workflow logs killed a 2>/dev/null | grep begun" && kill -KILL $(writer) &&
    wait_for 60 "grep \"its output is lost: the process that writes logs was killed.*will be retried\" killed.err" &&
    : >killed/go && wait $pid &&
    async-workflow logs killed a >got && printf "begun\nended\n" >want && test_cmp want got &&
    async-workflow logs killed a --attempt 1 >got 2>err && echo begun >want && test_cmp want got && grep "not complete" err
'

# By then most tasks have ended, some run, and some wait.
workflow half '"logs": "store", "tasks": { "a": { "count": 200, "script": "seq {index} 3000; sleep 0.02" } }'

# completed DIR: each completed task has its output, in its last attempt
completed ()
{
    sed -n 's/.*"event":"finish","task":"a\[\([0-9]*\)\]".*"status":"completed".*/\1/p' "$1/journal.jsonl" >indexes &&
    for i in $(cat indexes); do
        async-workflow logs "$1" "a[$i]" >got && seq $i 3000 >want && cmp want got || return 1
    done
}

for who in agent coordinator; do
    test_expect_success "the $who is killed: no output of a completed task is lost; the run goes on" "
        background half half.json &&
        wait_for 60 'test \$(grep -c completed half/journal.jsonl) -gt 50' &&
        log=\$(writer) &&
        if test $who = agent; then kill -KILL \$(agent); else kill -KILL \$pid; fi &&
        { wait \$pid; test \$? != 0; } && wait_for 60 '! kill -0 \$log 2>/dev/null' &&
        test \$(grep -c completed half/journal.jsonl) -lt 200 && completed half &&
        async-workflow run --local --cpus 4 --resume half >out 2>err </dev/null && test -e half/logs/*.1.log &&
        completed half && test \$(wc -l <indexes) = 200
    "
done

test_expect_success 'what a task has printed is there after its agent was killed' '
    workflow drain "\"logs\": \"store\", \"tasks\": { \"a\": { \"script\": \"echo one; : >\\\"{run}/go\\\"; sleep 100\" } }" &&
    background drain drain.json && wait_for 60 "test -e drain/go" && log=$(writer) &&
    kill -KILL $(agent) && { wait $pid; test $? != 0; } && wait_for 60 "! kill -0 $log 2>/dev/null" &&
    async-workflow logs drain a >got 2>err && echo one | test_cmp - got && grep "a\[0\]: not complete: the agent was killed" err
'

test_expect_success 'a writer that hangs holds up no stop of the run' '
    workflow hang "\"logs\": \"store\", \"tasks\": { \"a\": { \"count\": 100, \"command\": [\"echo\", \"x\"] }, \"b\": { \"script\": \"echo; sleep 100\" } }" &&
    background hang hang.json && wait_for 60 "grep -qs \"start.*b.0.\" hang/journal.jsonl && test -n \"\$(writer)\"" && log=$(writer) && kill -STOP $log &&
    kill -INT $pid && wait_for 30 "! kill -0 $pid 2>/dev/null" && { wait $pid; test $? = 3; } &&
    wait_for 60 "! kill -0 $log 2>/dev/null" &&
    sed -i "s/sleep 100//" hang.json && async-workflow run --local --cpus 4 --resume hang hang.json >out 2>err </dev/null &&
    for i in 0 50 99; do
        async-workflow logs hang "a[$i]" >got && echo x | test_cmp - got || return 1
    done
'

test_expect_success 'a store that cannot be written fails the task, which is retried' '
    workflow full "\"logs\": \"store\", \"tasks\": { \"a\": { \"retries\": { \"count\": 20, \"delay\": \"100ms\" }, \"script\": \"head -c 300000 /dev/zero; : >\\\"$PWD/tried\\\"\" } }" &&
    rm -f tried && rm -rf full &&
    { (ulimit -S -f 100; exec async-workflow run --local --cpus 2 --dir full full.json) >full.out 2>full.err </dev/null & } && pid=$! &&
    wait_for 60 "grep \"its output cannot be written: $PWD/full/logs/.*.log: File too large.*will be retried\" full.err" &&
    for process in $pid $(agent) $(writer); do prlimit --pid $process --fsize=unlimited: || return 1; done &&
    wait $pid && async-workflow logs full a | wc -c >got && echo 300000 | test_cmp - got
'

test_expect_success 'too few descriptors fail tasks with their reason' '
    workflow pipes "\"logs\": \"store\", \"tasks\": { \"a\": { \"count\": 8, \"on_failure\": \"continue\", \"script\": \"echo a; sleep 0.3\" } }" &&
    rm -rf pipes && (ulimit -n 20; exec timeout 60 async-workflow run --local --cpus 8 --dir pipes pipes.json) >pipes.out 2>pipes.err </dev/null &&
    grep "Too many open files" pipes.err &&
    for i in $(sed -n "s/.*\"finish\",\"task\":\"a\[\([0-9]\)\]\".*\"completed\".*/\1/p" pipes/journal.jsonl); do
        async-workflow logs pipes "a[$i]" >got && echo a | test_cmp - got || return 1
    done
'

# writers: those of this test
writers ()
{
    for process in $(pgrep -x aw-log-writer); do
        tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qxF "PWD=$PWD" && echo "$process"
    done
}

test_expect_success 'no process is left' 'wait_for 60 "test -z \"\$(writers)\""'

test_done
