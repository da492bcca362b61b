#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='run --resume after kill -9: messages, streaming starts, iterations that end early, cancelled tasks'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
replay=$top_builddir/tests/integration/replay

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1"; }

# killed DIR FILE CONDITION: a run in DIR whose coordinator is killed when that is so
killed ()
{
    async-workflow run --local --cpus 8 --policy fifo --dir "$1" "$2" >"$1.out" 2>"$1.err" </dev/null &
    killed_pid=$!
    wait_for 30 "$3" || { cat "$1.err" "$1"/logs/*; kill -KILL $killed_pid; return 1; }
    kill -KILL $killed_pid && { wait $killed_pid 2>/dev/null; true; }
}

# resumed STATUS DIR: it goes on, and ends with this status
resumed ()
{
    test_expect_code "$1" timeout 120 async-workflow run --local --cpus 8 --resume "$2" \
        >"$2.out" 2>"$2.err" </dev/null || { cat "$2.out" "$2.err" "$2"/logs/* "$2/journal.jsonl"; false; }
}

# of DIR EVENT TASK: how many such lines the journal has
of () { grep -cF "\"event\":\"$2\",\"task\":\"$3" "$1/journal.jsonl"; }

# completed DIR SET: the tasks of it that have completed, each once
completed ()
{
    grep '"status":"completed"' "$1/journal.jsonl" | sed -n "s/.*\"task\":\"\($2[@[][^\"]*\)\".*/\1/p" | sort >done &&
        uniq -d done >twice && test ! -s twice && cat done
}

# lose DIR EVENT: the journal's end, from the last such event on, was never written
lose ()
{
    line=$(grep -nF "\"event\":\"$2\"" "$1/journal.jsonl" | tail -n 1 | cut -d: -f1) && test "$line" -gt 1 &&
        head -n $((line - 1)) "$1/journal.jsonl" >cut && cat cut >"$1/journal.jsonl"
}

# sender, attempt, number and data of what was received
ids () { paste -d" " - - | cut -d" " -f1,2,3,5; }

# One receiver has a message that it has not done with: its output is full.
test_expect_success 'half of the messages were received: none is lost, doubles have their sender, attempt and number' '
    cat >half.sh <<-\END &&
	recv="async-workflow recv -g g --header"
	if test $ASYNC_WORKFLOW_ATTEMPT != 0; then
	    $recv --count 100 --timeout 2 work >>half/got$1
	    exit 0
	fi
	$recv --count 7 --timeout 60 work >>half/got$1
	if test $1 = 1; then
	    { head -c 65536 /dev/zero; touch half/holds; exec $recv --count 100 work; } | sleep 300
	fi
	while ! test -e half/holds; do sleep 0.02; done
	$recv --count 100 work >half/held
	END
    workflow half.json "\"tasks\": {
        \"send\": { \"count\": 2, \"script\": \"seq -f {task}=%g 1 20 | async-workflow send --sync --lines work; touch half/sent{index}\" },
        \"recv\": { \"count\": 2, \"command\": [\"sh\", \"half.sh\", \"{index}\"] } }" &&
    killed half half.json "test -e half/sent0 && test -e half/sent1 && test \$(cat half/held 2>&1 | wc -l) -ge 50" &&
    resumed 0 half &&
    test "$(of half start "send[")" = 2 &&
    cat half/got0 half/got1 half/held | ids | sort >all &&
    sort -u all >each && test $(wc -l <each) = 40 &&
    cut -d" " -f1-3 each | uniq -d >ambiguous && test ! -s ambiguous &&
    cut -d" " -f1,4 each | sed "s/ .*=/ /; s/\[\(.\)\]/ \1/" | sort -k2n -k3n >data &&
    for i in 0 1; do seq -f "send $i %g" 1 20; done | test_cmp - data &&
    test $(wc -l <all) -gt 40
'

test_expect_success 'streaming starts: none twice, none missing, also when the sender sends again' '
    workflow every.json "\"tasks\": {
        \"simulate\": { \"script\": \"seq 1 22 | async-workflow send --sync --lines frames; test \$ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300; seq 23 34 | async-workflow send --lines frames\" },
        \"train\": { \"count\": 10, \"after\": [{ \"message\": \"frames\", \"every\": 4 }],
            \"script\": \"echo {index} >>every/ran; test {index} != 3 -o \$ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300\" } }" &&
    killed every every.json "test \$(grep -c finish every/journal.jsonl) = 4 && grep -q 3 every/ran" &&
    resumed 0 every &&
    completed every train >trained && seq -f "train[%g]" 0 7 | test_cmp - trained &&
    sort -n every/ran | xargs >ran && echo "0 1 2 3 3 4 5 6 7" | test_cmp - ran &&
    test "$(of every skip "train[8]") $(of every skip "train[9]")" = "1 1" &&
    test $(wc -l <every/messages/frames.jsonl) = 56 &&
    "$replay" every >replayed && grep "the same" replayed
'

test_expect_success 'what was counted and did not come into the journal is counted from the log' '
    workflow lost.json "\"tasks\": {
        \"simulate\": { \"script\": \"seq 1 8 | async-workflow send --sync --lines frames; touch lost/sent\" },
        \"hold\": { \"script\": \"test \$ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300\" },
        \"train\": { \"count\": 2, \"after\": [{ \"message\": \"frames\", \"every\": 4 }, \"hold\"], \"script\": \"true\" } }" &&
    killed lost lost.json "test -e lost/sent && grep -q \"event.:.message\" lost/journal.jsonl" &&
    lose lost message &&
    resumed 0 lost &&
    completed lost train >trained && seq -f "train[%g]" 0 1 | test_cmp - trained
'

# Work of iteration 3 reaches the goal; the first part of a run ends while `slow` hangs.
until='"iterations": { "max": 12, "until": { "message": "goal" } }, "tasks": {
    "work": { "after": ["work@-1"], "script": "test {iteration} != 3 || async-workflow send --sync goal reached" },
    "slow": { "after": ["work"], "script": "test {iteration} != 1 -o $ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300" } }'

test_expect_success 'until was met: what is behind it does not start' '
    workflow met.json "$until" &&
    killed met met.json "grep -qs \"skip.*work@11\" met/journal.jsonl && grep -qs \"finish.*work@3\" met/journal.jsonl" &&
    test $(of met finish "work@") = 4 &&
    resumed 0 met &&
    completed met work >worked && test $(wc -l <worked) = 4 &&
    completed met slow >slow && grep "slow@1" slow &&
    test $(of met start "work@") = 4 &&
    "$replay" met >replayed && grep "the same" replayed
'

test_expect_success 'until was met, and the journal does not know' '
    workflow unsaid.json "$until" &&
    killed unsaid unsaid.json "grep -qs \"skip.*work@11\" unsaid/journal.jsonl" &&
    lose unsaid message &&
    resumed 0 unsaid &&
    completed unsaid work >worked && test $(wc -l <worked) = 4 &&
    ! grep "start.*work@4" unsaid/journal.jsonl
'

test_expect_success 'until was not yet met: the run goes on until it is' '
    workflow unmet.json "\"iterations\": { \"max\": 12, \"until\": { \"message\": \"goal\" } }, \"tasks\": {
        \"work\": { \"after\": [\"work@-1\"], \"script\": \"test {iteration} != 2 -o \$ASYNC_WORKFLOW_ATTEMPT != 0 || { touch unmet/there; sleep 300; }; test {iteration} != 4 || async-workflow send --sync goal reached\" } }" &&
    killed unmet unmet.json "test -e unmet/there" &&
    resumed 0 unmet &&
    completed unmet work >worked && seq -f "work@%g[0]" 0 4 | test_cmp - worked &&
    test $(of unmet skip "work@") = 7
'

test_expect_success 'until a task of that set says so' '
    workflow code.json "\"iterations\": { \"max\": 12, \"until\": \"check\" }, \"tasks\": {
        \"work\": { \"after\": [\"check@-1\"], \"script\": \"true\" },
        \"check\": { \"after\": [\"work\"], \"script\": \"test {iteration} -ge 3\" },
        \"slow\": { \"after\": [\"work\"], \"script\": \"test {iteration} != 1 -o \$ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300\" } }" &&
    killed code code.json "grep -qs \"skip.*work@11\" code/journal.jsonl" &&
    resumed 0 code &&
    completed code check >checked && test $(wc -l <checked) = 4 &&
    test $(of code start "work@") = 4
'

# Two tasks run when they are cancelled, one of which does not end when it is told to; two wait.
wander='"hold": { "script": "test $ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300" },
    "wander": { "count": 4, "cpus": 3, "script": "trap : TERM; touch \"{run}/ran{index}\"; while :; do sleep 0.05; done" },
    "behind": { "after": ["wander"], "script": "touch \"{run}/behind\"" },
    "check": { "script": "until test -e \"{run}/ran0\" -a -e \"{run}/ran1\"; do sleep 0.02; done; async-workflow cancel OPTION wander" } }'

test_expect_success 'cancelled tasks stay so, and what waits for them, too' '
    workflow cancel.json "\"tasks\": { $(echo "$wander" | sed "s/OPTION//")" &&
    killed cancel cancel.json "grep -q \"finish.*check\" cancel/journal.jsonl" &&
    test $(of cancel kill "wander[") = 2 && test $(of cancel finish "wander[") = 0 &&
    resumed 0 cancel &&
    test $(of cancel start "wander[") = 2 && ! test -e cancel/ran2 && ! test -e cancel/behind &&
    sed -n "/\"resume\"/,\$ s/.*\"skip\",\"task\":\"\([^\"]*\)\".*/\1/p" cancel/journal.jsonl | xargs >skipped &&
    echo "behind[0] wander[2] wander[3]" | test_cmp - skipped &&
    "$replay" cancel >replayed && grep "the same" replayed
'

test_expect_success 'cancelled with release: they stay so, and what waits for them goes on' '
    workflow release.json "\"tasks\": { $(echo "$wander" | sed "s/OPTION/--release/")" &&
    killed release release.json "grep -q \"finish.*check\" release/journal.jsonl" &&
    test $(of release kill "wander[") = 2 &&
    resumed 0 release &&
    test $(of release start "wander[") = 2 && ! test -e release/ran2 &&
    test -e release/behind && test $(of release start "behind[0]") = 1 &&
    "$replay" release >replayed && grep "the same" replayed
'

test_expect_success 'one that was told and has ended, and one of a set alone' '
    workflow some.json "\"tasks\": {
        \"hold\": { \"script\": \"test \$ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300\" },
        \"wander\": { \"count\": 2, \"retries\": 3, \"script\": \"touch some/ran{index}; test {index} = 0 || sleep 300; test \$ASYNC_WORKFLOW_ATTEMPT != 0 || sleep 300\" },
        \"behind\": { \"after\": [\"wander[i]\"], \"count\": 2, \"script\": \"touch some/behind{index}\" },
        \"check\": { \"script\": \"while ! test -e some/ran1; do sleep 0.02; done; async-workflow cancel \\\"wander[1]\\\"\" } }" &&
    killed some some.json "grep -q \"finish.*wander.1\" some/journal.jsonl && grep -q \"finish.*check\" some/journal.jsonl" &&
    resumed 0 some &&
    test $(of some start "wander[1]") = 1 && test $(of some start "wander[0]") = 2 &&
    test -e some/behind0 && ! test -e some/behind1 &&
    "$replay" some >replayed && grep "the same" replayed
'

test_done
