#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='tasks submit tasks: ids, states, dependencies, environments, and whose they are'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
replay=$top_builddir/tests/integration/replay

# client NAME [KEYS]: NAME.json runs the script NAME.sh in the one task "client"
client ()
{
    printf '{ "async-workflow": 1, "tasks": { "client": { "command": ["sh", "%s"]%s } } }\n' \
        "$PWD/$1.sh" "$2" >"$1.json"
}

# run STATUS NAME [OPTION]...
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" timeout 120 async-workflow run --local --cpus 4 --dir "$name" "$@" "$name.json" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err" "$name"/logs/* >&4; false; }
}

# of DIR EVENT TASK: how many such lines the journal has
of () { grep -c "\"event\":\"$2\",\"task\":\"$3" "$1/journal.jsonl"; }

# when_ended DIR TASK FILE: makes FILE when TASK has ended
when_ended () { wait_for 60 "grep -q \"\\\"finish\\\",\\\"task\\\":\\\"$2\" $1/journal.jsonl 2>/dev/null" && : >"$3"; }

# same DIR: a replay decides the same
same () { "$replay" "$1" >replayed && grep "the same" replayed; }

# Clients that hold all CPUs: it takes a while until that is reported, in which the other tests run.
full=
for n in 1 2; do
    printf '{ "async-workflow": 1, "tasks": { "client": { "script": "async-workflow submit true; until test -e enough; do sleep 0.1; done", "count": %d, "cpus": %d } } }\n' \
        $n $((4 / n)) >full$n.json
    timeout 120 async-workflow run --local --cpus 4 --dir full$n --progress none full$n.json >full$n.out 2>full$n.err </dev/null &
    full="$full $!"
done

test_expect_success 'outside of a task each command says so in one line' '
    for command in "submit true" "wait 1000000000" "status --task 1000000000" "cancel 1000000000"; do
        test_expect_code 4 async-workflow $command 2>err </dev/null &&
        test $(wc -l <err) = 1 && grep "is not a task of a running workflow" err || return 1
    done
'

test_expect_success 'submitted tasks run, and their states are told' '
    client states &&
    cat >states.sh <<-\END &&
	set -e
	a=$(async-workflow submit --name align sh -c "until test -e go; do sleep 0.05; done")
	b=$(async-workflow submit --name merge --after-ok $a true)
	test $a = 1000000000
	test $b = 1000000001
	until test "$(async-workflow status --task --long $a)" = running; do sleep 0.05; done
	async-workflow status --task $a $b
	async-workflow status --task --long $a $b
	: >go
	async-workflow wait $a $b
	async-workflow status --task $a $b
	END
    rm -f go && run 0 states &&
    printf "%s\n" running running running waiting success success >want &&
    test_cmp want states/logs/client.0.out &&
    test $(of states finish "align-1000000000\[0\]\".*completed") = 1 &&
    same states
'

test_expect_success 'dependencies: after-ok is skipped when one fails, after-any starts; wait tells a failure' '
    client depend &&
    cat >depend.sh <<-\END &&
	a=$(async-workflow submit false)
	b=$(async-workflow submit --after-ok $a true)
	c=$(async-workflow submit --after-ok $b true)
	d=$(async-workflow submit --after-any $a,$b --after-any $c echo any)
	async-workflow wait $a; echo wait $?
	async-workflow wait $d; echo wait $?
	async-workflow wait $d $c; echo wait $?
	async-workflow status --task --long $a $b $c $d
	async-workflow status --task $a $b $c $d
	# on tasks that have ended
	e=$(async-workflow submit --after-ok $a echo no)
	f=$(async-workflow submit --after-any $a --after-ok $d echo yes)
	async-workflow wait $f; echo wait $?
	async-workflow status --task --long $e
	END
    run 0 depend &&
    printf "%s\n" "wait 1" "wait 0" "wait 1" failed skipped skipped success failed failed failed success \
        "wait 0" skipped >want &&
    test_cmp want depend/logs/client.0.out &&
    grep -q any depend/logs/echo-1000000003.0.out &&
    test_must_fail test -e depend/logs/echo-1000000004.0.out &&
    grep -q yes depend/logs/echo-1000000005.0.out &&
    same depend
'

test_expect_success 'a submitted task has directory and environment of its submission, and words as they are' '
    client words &&
    mkdir -p "there it is" &&
    cat >words.sh <<-\END &&
	cd "there it is"
	export SECRET="hush {index} }{" LINES="a
	b"
	OTHER=one async-workflow submit --name one sh -c "echo \"\$SECRET|\$LINES|\$OTHER|\$1|\$2|\$ASYNC_WORKFLOW_ID\"; pwd" - "{run} {x}" "" >id
	unset SECRET
	async-workflow wait $(cat id)
	id=$(async-workflow submit --name two --directory .. --stdout two.txt sh -c "echo \"\${SECRET-none}\"; pwd")
	async-workflow wait $id
	END
    run 0 words &&
    printf "%s\n" "hush {index} }{|a" "b|one|{run} {x}||1000000000" "$PWD/there it is" >want &&
    test_cmp want words/logs/one-1000000000.0.out &&
    printf "%s\n" none "$PWD" >want &&
    test_cmp want two.txt
'

test_expect_success 'environments: once each, for their user alone, without tokens, and shown nowhere' '
    client hidden &&
    cat >hidden.sh <<-\END &&
	export PASSWORD=sesame-open-123
	for i in 1 2 3; do async-workflow submit true; done
	PASSWORD=sesame-open-456 async-workflow submit true
	END
    run 0 hidden &&
    test $(ls hidden/submitted | wc -l) = 2 &&
    test "$(stat -c %a hidden/submitted)" = 700 &&
    test "$(stat -c %a hidden/submitted/* | sort -u)" = 600 &&
    grep -q sesame-open-123 hidden/submitted/* &&
    test_must_fail grep -q ASYNC_WORKFLOW_ hidden/submitted/* &&
    for format in text json html svg trace prometheus wfformat; do
        async-workflow report --format $format hidden >report.$format || return 1
    done &&
    async-workflow status --json hidden >status.json &&
    async-workflow explain hidden >explain.txt &&
    test_must_fail grep -rl sesame hidden.out hidden.err hidden/journal.jsonl hidden/workflow.json hidden/logs \
        report.* status.json explain.txt
'

test_expect_success 'what is wrong is reported, and nothing is submitted' '
    client wrong &&
    cat >wrong.sh <<-\END &&
	try () { async-workflow "$@" 2>&1; echo $?; }
	try submit --after-ok 1000000000 true
	try submit --after-ok 7,x true
	try submit --name "a b" true
	try submit --time soon true
	try submit --cpus 100 true
	try submit
	try wait 1000000000
	try wait one
	try status --task 1000000000
	try cancel 1000000000
	END
    run 0 wrong &&
    cat >want <<-\END &&
	async-workflow submit: after_ok: no submitted task has the id 1000000000
	2
	async-workflow submit: "7,x": not a list of ids: give for example 1000000000,1000000001
	2
	async-workflow submit: name: "a b": a name has at most 48 letters, digits, "_", "-" and ".", and begins with a letter, a digit or "_"
	2
	async-workflow submit: time_limit: "soon" is not a time: write seconds, or "1h30m" (d, h, m, s, ms)
	2
	async-workflow submit: a task needs 100 CPUs on one node, and no node of the pool has that (up to 4 CPUs, 0 GPUs): request more (--exclusive, --gpus-per-node; with --local: --cpus, --gpus), or less for the task
	2
	async-workflow submit: no command given
	2
	async-workflow wait: no submitted task has one of these ids
	2
	async-workflow wait: "one": not an id: give what async-workflow submit has printed
	2
	async-workflow status: no submitted task has one of these ids
	2
	async-workflow cancel: no submitted task has the id "1000000000"
	2
	END
    sed "/^Try/d; /^information/d" wrong/logs/client.0.out >out && test_cmp want out &&
    test $(of wrong add client) = 0
'

test_expect_success 'an added workflow cannot pass for a submission' '
    client pass &&
    cat >pass.sh <<-\END &&
	echo "{\"async-workflow\":1,\"submitted\":{\"id\":1000000000,\"name\":\"x\",\"environment\":\"0\",\"after_any\":[]},\"tasks\":{\"x\":{\"script\":\"true\"}}}" |
	    async-workflow add -
	test $? = 2
	END
    run 0 pass &&
    grep "unknown key \"submitted\"" pass/logs/client.0.err
'

test_expect_success 'what has not ended is cancelled when the attempt fails, and its retry submits again' '
    client retry ", \"retries\": 1" &&
    cat >retry.sh <<-\END &&
	id=$(async-workflow submit --name job sh -c "echo started; test \$ASYNC_WORKFLOW_ID != 1000000000 || exec sleep 300")
	late=$(async-workflow submit --name late --after-ok $id true)
	if test "$ASYNC_WORKFLOW_ATTEMPT" = 0; then
	    until test "$(async-workflow status --task --long $id)" = running; do sleep 0.05; done
	    exit 1
	fi
	async-workflow wait $id $late
	END
    run 0 retry &&
    test $(of retry cancel "job-1000000000\[0\]\",\"count\":1,\"reason\":\"client\[0\]\"") = 1 &&
    test $(of retry kill "job-1000000000") = 1 &&
    test $(of retry start "late-1000000001") = 0 &&
    test $(of retry finish "job-1000000002\[0\]\".*completed") = 1 &&
    test $(of retry finish "late-1000000003\[0\]\".*completed") = 1 &&
    same retry
'

test_expect_success 'if the attempt ends well they go on; failures of theirs are not the run'"'"'s' '
    client well &&
    cat >well.sh <<-\END &&
	id=$(async-workflow submit sh -c "until test -e done; do sleep 0.05; done")
	async-workflow submit --after-ok $id sh -c "exit 3"
	END
    rm -f done &&
    { when_ended well client done & } &&
    run 0 well && wait $! &&
    test $(of well finish "sh-1000000000\[0\]\".*completed") = 1 &&
    test $(of well finish "sh-1000000001\[0\]\".*failed") = 1 &&
    same well
'

test_expect_success 'cancel by ids: running, waiting and ended ones' '
    client cancel &&
    cat >cancel.sh <<-\END &&
	a=$(async-workflow submit sleep 300)
	b=$(async-workflow submit --after-ok $a true)
	c=$(async-workflow submit true)
	async-workflow wait $c
	async-workflow cancel $a $c
	async-workflow wait $a $b $c
	async-workflow status --task --long $a $b $c
	END
    run 0 cancel &&
    printf "%s\n" cancelled skipped success >want && test_cmp want cancel/logs/client.0.out &&
    same cancel
'

test_expect_success 'all that is submitted with one name counts as one set, and is selected by it' '
    client group &&
    cat >group.sh <<-\END &&
	for i in 1 2 3; do async-workflow submit --name one sh -c "echo $i; exit $((i == 2))"; done
	id=$(async-workflow submit --name two sleep 300)
	async-workflow cancel two
	async-workflow wait $id || true
	END
    run 0 group &&
    async-workflow status --json group >status.json &&
    grep -q "\"set\":\"one\",\"tasks\":3,\"completed\":2,\"failed\":1" status.json &&
    grep -q "\"set\":\"two\",\"tasks\":1,\"completed\":0,\"failed\":0,\"cancelled\":1" status.json &&
    async-workflow report group >report.txt && grep -q "^  one  *3  *2  *1 " report.txt &&
    test_must_fail grep -q "^  one-[0-9]* " report.txt &&
    grep -q "added  *4 tasks in 2 sets" report.txt &&
    async-workflow report --format prometheus group >metrics && grep -q "tasks{.*set=\"one\",state=\"failed\"} 1" metrics &&
    async-workflow report --format html group >page.html && grep -q "<td>one</td>" page.html &&
    async-workflow explain group one >explained && grep -q "^one: 3 tasks: 2 completed, 1 failed\.$" explained &&
    grep -q "^Failed:" explained && test $(grep -c "^  one-" explained) = 1 &&
    async-workflow report --format wfformat group >group.json && test $(grep -c "{\"name\":\"one\",\"id\":\"one-[0-9]*_ID" group.json) = 3 &&
    async-workflow logs group one >logs.txt && test $(grep -c "^==> one-" logs.txt) = 3 &&
    async-workflow logs group 1000000001 >log && grep -q 2 log &&
    same group
'

test_expect_success 'wait --timeout' '
    client timeout &&
    cat >timeout.sh <<-\END &&
	a=$(async-workflow submit sleep 300)
	async-workflow wait --timeout 0.1 $a; echo $?
	async-workflow cancel $a
	async-workflow wait $a; echo $?
	END
    run 0 timeout &&
    printf "%s\n" 3 1 >want && test_cmp want timeout/logs/client.0.out
'

# The driver has one of two CPUs. "next" is ready before its submission, and could start only after the driver.
cat >driver.sh <<\END
: >go
until grep -q '"ready","task":"next' "$ASYNC_WORKFLOW_RUN/journal.jsonl"; do sleep 0.05; done
a=$(async-workflow submit true) && async-workflow wait $a
END
for next in '"cpus": 2, "after": ["fill"]' '"after": ["fill", "web"]'; do
    test_expect_success "what a running task has submitted does not wait for a task that waits for its CPU: $next" '
        printf "{ \"async-workflow\": 1, \"tasks\": { \"client\": { \"command\": [\"sh\", \"driver.sh\"] },
            \"fill\": { \"script\": \"until test -e go; do sleep 0.05; done\" },
            \"web\": { \"service\": {}, \"command\": [\"sleep\", \"600\"] },
            \"next\": { \"command\": [\"true\"], %s } } }" "$next" >held.json &&
        rm -rf held go && run 0 held --cpus 2 && test "$(of held finish next)" = 1 && same held
    '
done

test_expect_success 'when the run stops, a task that waits for what does not start any more is reported' '
    cat >stop.sh <<-\END &&
	a=$(async-workflow submit sleep 300)
	b=$(async-workflow submit --after-ok $a true)
	: >fail
	async-workflow wait $b; echo $?
	async-workflow status --task --long $b
	async-workflow submit true; echo $?
	async-workflow cancel $a
	END
    rm -f fail &&
    printf "{ \"async-workflow\": 1, \"tasks\": { \"client\": { \"command\": [\"sh\", \"stop.sh\"] },
        \"bad\": { \"script\": \"until test -e fail; do sleep 0.05; done; exit 1\" } } }" >stop.json &&
    run 1 stop &&
    printf "%s\n" 1 cancelled 2 >want && test_cmp want stop/logs/client.0.out &&
    grep "the run has been stopped" stop/logs/client.0.err
'

test_expect_success 'what was submitted cannot start next to the tasks that have submitted it: a warning, until it can' '
    for n in 1 2; do
        wait_for 60 "grep -q \"cannot start next to\" full$n.err" && async-workflow status full$n >full$n.status || return 1
    done &&
    grep "what client\[0\] has submitted cannot start next to it: give the run more CPUs" full1.err full1.status &&
    grep "what the 2 running tasks (client\[0\] and others) have submitted cannot start next to them" full2.err full2.status &&
    touch enough && wait $full &&
    for n in 1 2; do
        test $(of full$n finish "true-.*completed") = $n && same full$n || return 1
    done
'

test_done
