#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Workers: processes that stay and take the tasks of their set as calls'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
PYTHONDONTWRITEBYTECODE=1
export PATH PYTHONDONTWRITEBYTECODE

# run STATUS NAME OPTION...: output in NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" timeout 120 async-workflow run --local --cpus 2 --dir "$name" "$@" "$name.json" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

# gone FILE: the processes whose ids it has
gone () { for pid in $(cat "$1"); do wait_for 30 "! kill -0 $pid 2>/dev/null" || return 1; done; }

# Notes its process id once; the index says what a call does.
cat >worker.sh <<\END
echo $$ >>"$PIDS"
echo loading
while read -r call <&3; do
    index=${call#*\"index\":} index=${index%%,*}
    attempt=${call#*\"attempt\":} attempt=${attempt%%,*}
    echo "$call"
    case $1:$index.$attempt in
    fail:1.0) echo '{"code":3,"error":"no luck"}' >&3 ;;
    end:1.0) exit 0 ;;
    close:1.0) exec 3>&-; sleep 1000 ;;
    hang:1.0) sleep 1000 ;;
    big:*) head -c 200000 /dev/zero | tr '\0' x; echo '{}' >&3 ;;
    *) echo "{\"result\":{\"index\":$index}}" >&3 ;;
    esac
done
END

test_expect_success 'wrong keys are errors, each in a line' '
    cat >wrong.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "a": { "worker": ["x", "{index}"], "directory": "{task}", "environment": { "X": "{iteration}" }, "stdout": "o" },
	    "b": { "worker": ["x"], "command": ["y"] },
	    "c": { "command": ["y"], "input": 3, "startup": 4 },
	    "d": { "worker": ["x", "{s}"], "foreach": { "s": ["1"] }, "ranks": 2 },
	    "e": { "worker": ["x"], "shell": "bash", "checkpoint_signal": "USR1@5" },
	    "f": { "worker": ["x"], "input": ["{indx}"] },
	    "long-name-of-a-set-that-has-more-than-its-fifty-six-letters": { "worker": ["x"] } } }
	END
    test_expect_code 2 async-workflow check wrong.json 2>err &&
    for text in "a.worker: {index} differs" "a.directory: {task} differs" "a.environment.X: {iteration} differs" \
        "a: \"stdout\" is not for calls" "b: both \"command\" and \"worker\"" "c: \"input\" is for sets" "c: \"startup\" is for" \
        "d.worker: {s} differs" "d: workers are processes of the pool" "e: \"shell\" has no effect" "e: \"checkpoint_signal\" is" \
        "f.input\[0\]: unknown placeholder {indx}: did you mean {index}" "letters: name too long: at most 56"; do
        grep "tasks.*$text" err || { echo "missing: $text"; cat err; return 1; }
    done
'

test_expect_success 'few processes, many calls; values, input, results and logs are those of each task' '
    cat >many.json <<-\END &&
	{ "async-workflow": 1, "parameters": { "m": "a \"model\"" }, "tasks": {
	    "call": { "worker": ["sh", "worker.sh", "good"], "environment": { "PIDS": "pids" },
	              "foreach": { "s": ["p/x.1", "q\"}{"], "n": { "range": [1, 50] } },
	              "input": { "m": "{m}", "of": ["{s:stem}", 1.50, null, true, {}], "{k}": "{index}" } },
	    "sum": { "after": [{ "message": "call:results", "count": 100 }],
	             "script": "async-workflow recv call:results --count 100 | sort -u | wc -l >sum" } } }
	END
    : >pids && run 0 many && test $(wc -l <pids) -le 2 && test $(cat sum) = 100 && gone pids &&
    async-workflow logs many "call[3]" | grep "^{\"task\":\"call\[3\]\",\"index\":3,\"iteration\":0,\"attempt\":0,\"launch\":\"3.0\",\"values\":{\"s\":\"p/x.1\",\"n\":\"4\"},\"input\":{\"m\":\"a .*model.*\",\"of\":\[\"x\",1.50,null,true,{}\],\"{k}\":\"3\"}}\$" &&
    async-workflow logs many call | grep -c "\"task\"" >n && test $(cat n) = 100 &&
    async-workflow logs many call | grep -c loading >n && test $(cat n) = $(wc -l <pids) &&
    async-workflow report many | grep "^Output of a task: async-workflow logs many TASK"
'

test_expect_success 'a call that fails, or whose worker ends or closes its descriptor, is retried' '
    for what in fail end close; do
        cat >$what.json <<-END || return 1
	{ "async-workflow": 1, "tasks": {
	    "call": { "worker": ["sh", "worker.sh", "$what"], "count": 4, "retries": 1, "environment": { "PIDS": "pids-$what" } } } }
	END
        run 0 $what && test $(grep -c "\"event\":\"finish\"" $what/journal.jsonl) = 5 || return 1
    done &&
    grep "call\[1\]: exit code 3: no luck" fail.err && grep "call\[1\]: its worker has ended before it answered" end.err &&
    grep "call\[1\]: its worker has closed descriptor 3 before it answered" close.err &&
    gone pids-fail && gone pids-end && gone pids-close
'

test_expect_success 'a call that takes too long ends with its worker' '
    cat >hang.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "call": { "worker": ["sh", "worker.sh", "hang"], "count": 4, "time_limit": 5, "on_failure": "continue",
	              "environment": { "PIDS": "pids-hang" } } } }
	END
    run 0 hang && grep "\"event\":\"finish\",\"task\":\"call\[1\]\".*\"status\":\"timeout\"" hang/journal.jsonl &&
    test $(grep -c "\"status\":\"completed\"" hang/journal.jsonl) = 3 && gone pids-hang
'

test_expect_success 'an idle worker makes room, also for its memory' '
    mem=$(sed -n "s/.*\"event\":\"node\".*\"mem\":\([0-9]*\).*/\1/p" many/journal.jsonl) && : >pids-room &&
    cat >room.json <<-END &&
	{ "async-workflow": 1, "tasks": {
	    "call": { "worker": ["sh", "-c", "echo \$\$ >>pids-room; while test \$(wc -l <pids-room) -lt 2; do sleep 0.05; done; while read -r c <&3; do echo {} >&3; done"],
	              "count": 6, "mem": $((mem / 20 * 9)) },
	    "large": { "after": ["call"], "cpus": 1, "mem": $((mem / 20 * 12)),
	               "script": "for p in \$(cat pids-room); do kill -0 \$p 2>/dev/null && echo \$p >>still-there; done; :" },
	    "wide": { "after": ["large"], "cpus": 2, "command": ["true"] },
	    "again": { "after": ["wide"], "worker": ["sh", "worker.sh", "good"], "count": 2, "environment": { "PIDS": "pids-again" } } } }
	END
    run 0 room && test ! -e still-there && gone pids-again
'

test_expect_success 'more output than a pipe holds' '
    cat >big.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "call": { "worker": ["sh", "worker.sh", "big"], "count": 6, "environment": { "PIDS": "pids-big" } } } }
	END
    run 0 big && async-workflow logs big "call[5]" | tr -d "\n" | tail -c 200000 | tr -d x | wc -c >n && test $(cat n) = 0
'

test_expect_success 'a run that is stopped, and resumed: each call is done once' '
    cat >stop.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "call": { "worker": ["sh", "-c", "echo $$ >>pids-stop; while read -r c <&3; do sleep 0.2; echo {} >&3; done"], "count": 30 } } }
	END
    timeout 120 async-workflow run --local --cpus 2 --dir stop stop.json >out 2>&1 & pid=$! &&
    wait_for 60 "test \$(grep -c completed stop/journal.jsonl) -ge 4" &&
    kill -TERM $(cat /proc/$pid/task/$pid/children) && test_expect_code 3 wait $pid && gone pids-stop &&
    timeout 120 async-workflow run --local --cpus 2 --resume stop >out 2>&1 &&
    grep "\"status\":\"completed\"" stop/journal.jsonl | grep -o "call\[[0-9]*\]" | sort | uniq -d >twice && test ! -s twice &&
    test $(grep -c "\"status\":\"completed\"" stop/journal.jsonl) = 30 && gone pids-stop
'

test_expect_success 'the agent is killed: no worker is left, nor what it has started, and the run resumes' '
    cat >kill.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "call": { "worker": ["sh", "-c", "echo $$ >>pids-kill; sleep 1000 & echo $! >>pids-kill; while read -r c <&3; do sleep 0.2; echo {} >&3; done"], "count": 20 } } }
	END
    { timeout 120 async-workflow run --local --cpus 2 --dir kill kill.json >out 2>&1 & } && pid=$! &&
    wait_for 60 "test \$(grep -c completed kill/journal.jsonl) -ge 4" &&
    kill -KILL $(cut -d" " -f4 /proc/$(head -n 1 pids-kill)/stat) && { wait $pid; :; } && gone pids-kill &&
    timeout 120 async-workflow run --local --cpus 2 --resume kill >out 2>&1 &&
    test $(grep -c "\"status\":\"completed\"" kill/journal.jsonl) = 20
'

command -v python3 >/dev/null && test_set_prereq PYTHON

test_expect_success PYTHON 'in Python: calls, serve, messages, errors' '
    cat >calls.py <<-\END &&
	import os, sys, asyncworkflow as aw
	assert "ASYNC_WORKFLOW_TASK" not in os.environ
	def answer(call):
	    assert os.environ["ASYNC_WORKFLOW_TASK"] == call.task
	    aw.publish("mine", str(call.index))
	    if call.index == 1 and call.attempt == 0:
	        raise RuntimeError("bad luck")
	    if call.index == 2:
	        call.done("x" * 65534)
	        return None
	    return {"index": call.index, "input": call.input}
	if sys.argv[1] == "serve":
	    aw.serve(answer)
	for call in aw.calls():
	    if call.index == 0:
	        call.fail("not now", 4) if call.attempt == 0 else call.done()
	END
    cat >python.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "served": { "worker": ["python3", "calls.py", "serve"], "count": 5, "retries": 1, "input": ["{index}"] },
	    "called": { "worker": ["python3", "calls.py", "calls"], "count": 5, "retries": 1 },
	    "mine": { "after": ["served"], "script": "async-workflow recv mine --count 6 | sort | tr -d \"\\n\" >mine; async-workflow recv served:results --count 5 >results; ! async-workflow send served:results x" } } }
	END
    run 0 python && grep "served\[1\]: exit code 1: RuntimeError: bad luck" python.err &&
    grep "called\[0\]: exit code 4: not now" python.err && async-workflow logs python "served[1]" --attempt 1 | grep "^RuntimeError" &&
    grep -qF "{\"index\": 4, \"input\": [\"4\"]}" results && test $(wc -c <results) -gt 65536 &&
    PYTHONPATH=$top_srcdir/helpers/client test_expect_code 1 python3 -c "import asyncworkflow as aw; next(aw.calls())" 2>err &&
    grep "^asyncworkflow.NotInWorkflow: this process is not a worker" err
'

# The library's, without which a program cannot be linked with it.
sanitizer=$(sed -n 's/^SANITIZER_CFLAGS = //p' "$top_builddir/helpers/Makefile")

test_expect_success 'in C: the same' '
    cat >c-worker.c <<-\END &&
	#include <async-workflow.h>
	#include <stdio.h>
	#include <string.h>
	int main (void)
	{
	    struct aw_call call;
	    int n = 0, rc;
	    while ((rc = aw_worker_next (&call)) > 0) {
	        char text[100];
	        printf ("%s %u %s %s %s\n", call.task, call.attempt, call.values, call.input ? call.input : "none", call.services);
	        snprintf (text, sizeof (text), "{\"n\":%d}", ++n);
	        if (call.index == 1 && call.attempt == 0)
	            aw_worker_done (3, NULL, "no \"luck\"");
	        else if (call.index != 2)
	            aw_worker_done (0, text, NULL);
	    }
	    return rc < 0;
	}
	END
    ${CC:-cc} $sanitizer -o c-worker c-worker.c -I"$top_srcdir/helpers/client" "$top_builddir/helpers/libclient.a" "$top_builddir/helpers/libutil.a" &&
    cat >c.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "web": { "service": {}, "script": "exec sleep 1000" },
	    "c": { "after": ["web"], "worker": ["./c-worker"], "foreach": { "s": ["a", "b\"}", "c"] }, "retries": 1, "input": { "s": "{s}" } } } }
	END
    run 0 c && grep "c\[1\].*: exit code 3: no \"luck\"" c.err && async-workflow logs c "c[1]" | grep "^c\[1\] 1 {\"s\":\"b.*}\"} {\"s\":.*} {\"web\":\"localhost\"}" &&
    test_expect_code 1 ./c-worker
'

test_done
