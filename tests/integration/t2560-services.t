#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='services: servers that start when tasks need them, and end when none does'

. "$(dirname "$0")/lib.sh"

PATH=$PWD/bin:$top_builddir/helpers:$top_builddir/tests/integration:$PATH
export PATH

# serve NAME [TOPIC]: a server without a port; it notes its start and its end, and makes pid.NAME.ITERATION.ATTEMPT. Tasks
# wait for that: a service that is ready once it has started may be ended before its shell has read a line.
# until_file FILE: until the file is there
mkdir bin
cat >bin/serve <<\END
#!/bin/sh
trap 'echo "$1" >>stops; exit 0' TERM
echo "$1" >>starts
test -z "$2" || async-workflow send "$2" now
echo $$ >pid.$1.$ASYNC_WORKFLOW_ITERATION.$ASYNC_WORKFLOW_ATTEMPT
while :; do sleep 0.1; done
END
cat >bin/until_file <<\END
#!/bin/sh
for n in $(seq 600); do test -e "$1" && exit; sleep 0.1; done
echo "$1 does not come" >&2
exit 1
END
chmod +x bin/serve bin/until_file

# run STATUS NAME [OPTION]...: NAME.json in a directory of its own, run directory NAME/run, output in NAME.out
run ()
{
    want=$1 name=$2
    shift 2
    mkdir -p "$name" && cp "$name.json" "$name/" &&
        (cd "$name" && test_expect_code "$want" async-workflow run --local --cpus 2 --progress none --dir run "$@" "$name.json" >../"$name.out" 2>&1 </dev/null) ||
        { cat "$name.out"; false; }
}

# events NAME EVENT...: the journal's lines of those events, as "event task"
events ()
{
    sed -n 's/.*"event":"\([a-z]*\)","task":"\([^"]*\)".*/\1 \2/p' "$1/run/journal.jsonl" | grep -E "^($2) "
}

test_expect_success 'a service is ready when it listens on the port that was chosen for it' '
    cat >web.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "web-server": { "service": { "ready": { "port": 0 } },
	        "command": ["python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}"] },
	    "get": { "after": ["web-server"], "count": 2, "command": ["python3", "get.py"] },
	    "last": { "after": ["get"], "script": "env | grep -c ^ASYNC_WORKFLOW_SERVICE || touch none" } } }
	END
    mkdir -p web &&
    cat >web/get.py <<-\END &&
	import os, urllib.request
	name = "ASYNC_WORKFLOW_SERVICE_WEB_SERVER_"
	url = "http://%s:%s/web.json" % (os.environ[name + "HOST"], os.environ[name + "PORT"])
	assert b"web-server" in urllib.request.urlopen(url).read()
	END
    run 0 web && test -e web/none &&
    events web "start|serving|kill|finish" >order && head -n 2 order >begin &&
    printf "%s\n" "start web-server[0]" "serving web-server[0]" >expected && test_cmp expected begin &&
    grep "\"event\":\"serving\".*\"port\":[1-9]" web/run/journal.jsonl &&
    grep "\"finish\",\"task\":\"web-server.*\"completed\"" web/run/journal.jsonl &&
    grep "^Services .* served *idle$" web.out && async-workflow report web/run --format svg | grep "web-server (service)" &&
    async-workflow report web/run --format json >report.json && grep "\"service\":true" report.json
'

test_expect_success 'a service is ready when it sends a message, or once it has started; services use services' '
    cat >chain.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "a": { "service": {}, "script": "exec serve a" },
	    "b": { "after": ["a"], "service": { "ready": { "message": "up" } }, "script": "exec serve b up" },
	    "c": { "after": ["b"], "script": "until_file pid.a.0.0; until_file pid.b.0.0" } } }
	END
    run 0 chain --cpus 3 && events chain start >starts && test "$(sed "s/.*start //" starts | tr "\n" " ")" = "a[0] b[0] c[0] " &&
    printf "%s\n" b a >expected && test_cmp expected chain/stops
'

test_expect_success 'a service makes way for a task that wants its CPUs, and starts again' '
    cat >wide.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "s": { "service": {}, "script": "exec serve s" },
	    "one": { "after": ["s"], "script": "until_file pid.s.0.0" },
	    "wide": { "after": ["one"], "cpus": 2, "script": "test -e stops" },
	    "two": { "after": ["wide", "s"], "script": "until_file pid.s.0.1" } } }
	END
    run 0 wide && test "$(wc -l <wide/starts)" = 2 && test "$(wc -l <wide/stops)" = 2 &&
    grep "\"kill\",\"task\":\"s.*\"code\":1" wide/run/journal.jsonl
'

test_expect_success 'a service that ends by itself has failed, also with exit code 0; its retry serves the tasks that wait' '
    cat >again.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "s": { "service": {}, "retries": 1, "script": "test $ASYNC_WORKFLOW_ATTEMPT = 1 || { echo $$ >f; mv f first; until_file begun; exit 0; }; exec serve s" },
	    "t": { "after": ["s"], "count": 2, "script": "until_file first; touch begun; while kill -0 $(cat first); do sleep 0.02; done; until_file pid.s.0.1" } } }
	END
    run 0 again && grep "s\[0\].*\"failed\".*it ended by itself" again/run/journal.jsonl &&
    sed "s/\"retries\": 1, //; s/; until_file pid.s.0.1//" again.json >never.json && run 1 never && grep "it ended by itself" never.out
'

test_expect_success 'a service that is not ready in time has failed, and tasks that need it do not run' '
    cat >late.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "s": { "service": { "ready": { "port": 0, "timeout": "200ms" } }, "on_failure": "skip", "script": "exec serve s" },
	    "t": { "after": ["s"], "script": "touch ran" },
	    "other": { "script": "touch other" } } }
	END
    run 1 late && test -e late/other && test ! -e late/ran && grep "not ready in time" late.out
'

test_expect_success 'iterations: one service each, or one for all; sequential, too' '
    cat >each.json <<-\END &&
	{ "async-workflow": 1, "iterations": 3, "tasks": {
	    "s": { "service": {}, "script": "exec serve s" },
	    "t": { "after": ["s", "t@-1"], "script": "until_file pid.s.{iteration}.0" } } }
	END
    sed "s/\"service\"/\"once\": true, \"service\"/; s/{iteration}/0/" each.json >all.json && cp each.json stages.json &&
    run 0 each && test "$(wc -l <each/starts)" = 3 && run 0 all && test "$(wc -l <all/starts)" = 1 &&
    run 0 stages --mode sequential && test "$(wc -l <stages/stops)" = 3
'

test_expect_success 'a resumed run starts its services again, and no process is left' '
    cat >resume.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "s": { "service": {}, "script": "exec serve s" },
	    "t": { "after": ["s"], "count": 3, "script": "echo $ASYNC_WORKFLOW_INDEX >>ran; until_file pid.s.0.$ASYNC_WORKFLOW_ATTEMPT; test {index} != 2 || until_file go" } } }
	END
    mkdir resume && cp resume.json resume/ &&
    (cd resume && { async-workflow run --local --cpus 2 --dir run resume.json >out 2>&1 & } && echo $! >pid) &&
    (cd resume && for n in $(seq 600); do grep -qs 2 ran && break; sleep 0.1; done; grep 2 ran) &&
    async-workflow explain resume/run "t[2]" && async-workflow status resume/run >status && grep -E "^ *s .*1" status &&
    kill -9 $(cat resume/pid) && server=$(cat resume/pid.s.0.0) &&
    { for n in $(seq 600); do kill -0 $server 2>/dev/null || break; sleep 0.1; done; ! kill -0 $server; } &&
    touch resume/go && (cd resume && async-workflow run --local --resume run >out2 2>&1 || { cat out2; false; }) &&
    sort resume/ran | uniq -c >counts && grep " 1 0" counts && grep " 1 1" counts && grep " 2 2" counts &&
    test "$(wc -l <resume/starts)" = 2
'

test_expect_success 'explain: what waits for a service, and a service that nothing needs yet' '
    cat >why.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "s": { "service": { "ready": { "message": "up" } }, "script": "touch began; until_file go; exec serve s up" },
	    "t": { "after": ["s"], "script": "true" },
	    "u": { "service": {}, "script": "exec serve u" },
	    "v": { "after": ["t", "u"], "script": "true" } } }
	END
    mkdir why && cp why.json why/ &&
    (cd why && { async-workflow run --local --cpus 2 --dir run why.json >out 2>&1 & } && echo $! >pid && until_file began) &&
    async-workflow explain why/run t >out && grep "service s\[0\], which it uses, is not ready" out &&
    async-workflow explain why/run u >out && grep "no task that uses it is ready" out &&
    touch why/go && { for n in $(seq 600); do kill -0 $(cat why/pid) 2>/dev/null || break; sleep 0.1; done; } &&
    test -e why/stops
'

test_expect_success 'a service does not hide that all tasks wait for messages' '
    cat >hidden.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "s": { "service": {}, "script": "exec serve s" },
	    "t": { "after": ["s"], "script": "(until grep -q \"stall\" run/journal.jsonl; do sleep 0.1; done; exec async-workflow send go x) & async-workflow recv go" } } }
	END
    run 0 hidden && grep "the only running task, t\[0\], waits for a message on topic go, and no other task can start" hidden.out
'

test_expect_success 'nor that what a task has submitted cannot start next to it: status and explain say so' '
    cat >full.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "s": { "service": {}, "script": "exec serve s" },
	    "t": { "after": ["s"], "script": "async-workflow submit true; for n in $(seq 600); do grep -q stall run/journal.jsonl && break; sleep 0.1; done; async-workflow explain run >explained; async-workflow status run >status" } } }
	END
    run 0 full && full="what t\[0\] has submitted cannot start next to it: give the run more CPUs" &&
    grep "$full" full.out && grep "^  stall: $full" full/explained && grep "^$full" full/status
'

test_expect_success 'the model: from when to when a service is needed, what it holds, and for how long it is idle' '
    cat >model.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "a": { "duration": 5, "script": "x" },
	    "s": { "service": {}, "duration": 2, "script": "x" },
	    "t": { "after": ["a", "s"], "duration": 10, "count": 2, "script": "x" },
	    "b": { "after": ["t"], "duration": 4, "script": "x" },
	    "u": { "after": ["b", "s"], "duration": 3, "script": "x" } } }
	END
    async-workflow model --nodes 1 --cpus 3 model.json >out && grep "  s  *needed from 5.00 s to 24.0 s, 19.0 s held, 4.00 s of it idle" out &&
    async-workflow model --nodes 1 --cpus 3 --json model.json >out && grep "\"services\": {\"s\": { \"from\": 5, \"to\": 24, \"held\": 19, \"idle\": 4 }}" out
'

# refuses TEXT PATTERN...: check of tasks.TEXT fails with a line that has the patterns
refuses ()
{
    printf "{ \"async-workflow\": 1, %s }\n" "$1" >wrong.json
    shift
    test_expect_code 2 async-workflow check wrong.json >wrong.out 2>&1 || { cat wrong.out; return 1; }
    for pattern; do
        grep -e "$pattern" wrong.out || { cat wrong.out; return 1; }
    done
}

S='"s": { "service": {}, "script": "x" }'
test_expect_success 'check names what a service cannot be' '
    refuses "\"tasks\": { \"s\": { \"service\": {}, \"count\": 2, \"script\": \"x\" } }" "remove \"count\"" &&
    refuses "\"tasks\": { \"s\": { \"service\": {}, \"ranks\": 2, \"script\": \"x\" } }" "remove \"ranks\"" &&
    refuses "\"tasks\": { \"s\": { \"service\": { \"ready\": { \"port\": 70000 } }, \"script\": \"x\" } }" "ready.port" 65535 &&
    refuses "\"tasks\": { \"s\": { \"service\": { \"ready\": { \"port\": 1, \"message\": \"m\" } }, \"script\": \"x\" } }" "not both" &&
    refuses "\"tasks\": { \"s\": { \"service\": { \"readyy\": {} }, \"script\": \"x\" } }" "did you mean \"ready\"" &&
    refuses "\"tasks\": { $S, \"t\": { \"after\": [\"s[i]\"], \"script\": \"x\" } }" "write \"s\"" &&
    refuses "\"iterations\": 2, \"tasks\": { $S, \"t\": { \"after\": [\"s@-1\"], \"script\": \"x\" } }" "write \"s\"" &&
    refuses "\"iterations\": 2, \"tasks\": { $S, \"t\": { \"script\": \"x\" }, \"u\": { \"once\": true, \"after\": [\"s\", \"t\"], \"script\": \"x\" } }" "\"once\": true" &&
    refuses "\"iterations\": { \"max\": 2, \"until\": \"s\" }, \"tasks\": { $S }" "is a service" &&
    refuses "\"tasks\": { \"a-b\": { \"service\": {}, \"script\": \"x\" }, \"a_b\": { \"service\": {}, \"script\": \"x\" } }" "a-b would have the same" &&
    refuses "\"defaults\": { \"service\": {} }, \"tasks\": { \"t\": { \"script\": \"x\" } }" "cannot be a default" &&
    refuses "\"tasks\": { \"t\": { \"command\": [\"x\", \"{port}\"] } }" "unknown placeholder {port}"
'

test_expect_success 'a service that no set comes after is warned of' '
    echo "{ \"async-workflow\": 1, \"tasks\": { $S, \"t\": { \"script\": \"x\" } } }" >unused.json &&
    async-workflow check unused.json >out 2>&1 && grep "tasks.s: .*it will not start" out
'

test_expect_success 'what does not fit next to its services is refused before anything runs' '
    cat >fit.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "s": { "service": {}, "script": "exec serve s" }, "t": { "after": ["s"], "cpus": 2, "script": "true" } } }
	END
    run 2 fit && grep "tasks.t: .*do not fit into the pool together" fit.out && test ! -e fit/starts
'

test_expect_success 'an added workflow uses a service, which starts again if it was done; it can have none of its own' '
    cat >add.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "s": { "service": {}, "script": "exec serve s" },
	    "t": { "after": ["s"], "script": "async-workflow add ../one.json 2>one.err && exit 1; async-workflow add ../two.json" },
	    "u": { "after": ["t"], "script": "until_file stops; async-workflow add ../three.json" } } }
	END
    echo "{ \"async-workflow\": 1, \"tasks\": { \"new\": { \"service\": {}, \"script\": \"x\" } } }" >one.json &&
    echo "{ \"async-workflow\": 1, \"tasks\": { \"two\": { \"after\": [\"s\"], \"script\": \"until_file pid.s.0.0\" } } }" >two.json &&
    echo "{ \"async-workflow\": 1, \"tasks\": { \"three\": { \"after\": [\"s\"], \"script\": \"until_file pid.s.0.1\" } } }" >three.json &&
    run 0 add --cpus 3 && grep "cannot have a service" add/one.err && test "$(wc -l <add/starts)" = 2 &&
    events add start | grep -c "s\[0\]" >n && test "$(cat n)" = 2 && replay add/run | grep ": the same" &&
    sed "s/\"tasks\"/\"iterations\": 2, &/; s/ && exit 1; .*add .*two.json/; ! async-workflow add ..\/two.json 2>two.err/; s/until_file stops; async/! async/" add.json >each-add.json &&
    run 0 each-add --cpus 3 && grep "s is a service of each iteration.*once" each-add/two.err
'

test_expect_success 'calls to workers have the address of each service' '
    cat >call.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "a-b": { "service": {}, "script": "exec serve s" },
	    "web": { "service": { "ready": { "port": 0 } }, "command": ["python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}"] },
	    "t": { "after": ["web", "a-b"], "worker": ["python3", "worker.py"], "foreach": { "v": ["1", "2"] } } } }
	END
    mkdir call && cat >call/worker.py <<-\END &&
	import asyncworkflow, urllib.request
	for call in asyncworkflow.calls():
	    assert call.services["a-b"] == "localhost" and call.values["v"] in "12", call.services
	    urllib.request.urlopen("http://%s/worker.py" % call.services["web"]).read()
	    call.done()
	END
    run 0 call --cpus 3
'

command -v redis-server >/dev/null && command -v redis-cli >/dev/null && test_set_prereq REDIS
test_expect_success REDIS 'the example counts words in Redis' '
    cp -r "$top_srcdir/examples/service" . && chmod -R u+w service && cd service && async-workflow check words.json &&
    async-workflow run --local --cpus 4 --progress none words.json >out 2>&1 || { cat out; false; } &&
    head -n 2 words.txt >top && printf "%s\n" the "$(tr -cs A-Za-z "\n" <README.md | tr A-Z a-z | grep -cx the)" >expected &&
    test_cmp expected top
'

test_done
