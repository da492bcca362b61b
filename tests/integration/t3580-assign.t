#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='short tasks that nodes get in advance: each runs once, also where tasks end, are cancelled or die meanwhile'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 2 --gpus 0

# Each task that runs to its end writes a line. Without "go" none does.
task='until test -e go; do sleep 0.05; done; sleep 0.05; echo {task} >>\"{run}/ran\"'
workflow bag.json "\"tasks\": { \"t\": { \"count\": 300, \"duration\": 0.1, \"script\": \"$task\" } }"
# Half of the tasks end with 3, which is a success, too.
workflow next.json "\"tasks\": { \"t\": { \"count\": 300, \"duration\": 0.1, \"success_codes\": [0, 3],
    \"script\": \"$task; exit \$(({index} % 2 * 3))\" },
    \"sum\": { \"after\": [\"t\"], \"script\": \"wc -l <\\\"{run}/ran\\\"\" } }"
workflow bad.json "\"tasks\": { \"t\": { \"count\": 300, \"duration\": 0.1, \"on_failure\": \"stop\",
    \"script\": \"$task; test {index} != 50\" } }"

workflow cancel.json "\"tasks\": { \"end\": { \"duration\": 9, \"script\": \"until test -e now; do sleep 0.05; done; async-workflow cancel t\" },
    \"t\": { \"count\": 300, \"duration\": 0.1, \"script\": \"$task\" } }"

replayed () { "$top_builddir/tests/integration/replay" "$1"; }

# each_once DIR N: N tasks, and none twice
each_once () { test "$(sort -u "$1/ran" | wc -l)" = "$2" && test "$(wc -l <"$1/ran")" = "$2"; }

# start NAME FILE OPTION...: in the background; tasks have been assigned when it returns
start ()
{
    name=$1 file=$2
    shift 2
    rm -f go
    srun -n4 --async-workflow="$file" --async-workflow-dir="$name" "$@" >"$name.out" 2>"$name.err" </dev/null &
    pid=$!
    wait_for 60 "test \$(events $name '\"event\":\"assign\"') -ge 4" || { cat "$name.out" "$name.err"; return 1; }
    coordinator=$(coordinator_of $pid)
}

# At the places of tasks that have ended, by the journal.
continued ()
{
    awk -F '"task":"' '/"event":"assign"/ { sub(/".*/, "", $2); given[$2] = 1 }
        /"event":"start"/ { sub(/".*/, "", $2); n += $2 in given } END { print n + 0 }' "$1/journal.jsonl"
}

test_expect_success 'most tasks are started by their nodes; each runs once, and what comes after them after all' '
    touch go &&
    run 0 plain -n4 --async-workflow=next.json --async-workflow-dir=plain &&
    finished plain 301 && each_once plain 300 && grep -x 300 plain/logs/* &&
    test "$(continued plain)" -ge 200 && replayed plain
'

test_expect_success 'with --async-workflow-backlog=0 none is' '
    touch go &&
    run 0 none -n4 --async-workflow=next.json --async-workflow-dir=none --async-workflow-backlog=0 &&
    finished none 301 && each_once none 300 && test "$(events none "\"event\":\"assign\"")" = 0 && replayed none
'

test_expect_success 'stopped: what nodes have does not run, and is not lost' '
    start stopped bag.json &&
    kill -INT $coordinator &&
    test_expect_code 3 wait $pid && ended stopped 3 && test ! -e stopped/ran &&
    touch go &&
    run 0 again -n4 --async-workflow-resume=stopped &&
    finished stopped 300 && each_once stopped 300 && replayed stopped
'

# The names of the tasks that have completed, by the journal.
completed () { sed -n 's/.*"event":"finish","task":"\([^"]*\)".*"status":"completed".*}$/\1/p' "$1/journal.jsonl"; }

test_expect_success 'the coordinator is killed: a resumed run does the rest; what has ended by the journal is not done again' '
    start killed bag.json &&
    touch go && wait_for 60 "test \$(events killed completed) -ge 40" &&
    kill -KILL $coordinator && test_expect_code 4 wait $pid && nothing_left &&
    completed killed >ended && test "$(wc -l <ended)" -ge 40 &&
    run 0 rest -n4 --async-workflow-resume=killed &&
    finished killed 300 && test "$(sort -u killed/ran | wc -l)" = 300 && replayed killed &&
    test "$(grep -cxFf ended killed/ran)" = "$(wc -l <ended)"
'

test_expect_success 'a node is lost: what it had runs elsewhere' '
    start lost bag.json &&
    touch go && wait_for 60 "test \$(events lost completed) -ge 20" &&
    kill -KILL $(agent_of n2) &&
    wait $pid && finished lost 300 && test "$(sort -u lost/ran | wc -l)" = 300 &&
    test "$(events lost "\"event\":\"node_lost\"")" = 1 && replayed lost
'

test_expect_success 'cancelled: what nodes have of these does not run' '
    start cancelled cancel.json &&
    touch now && wait $pid && ended cancelled 0 && test ! -e cancelled/ran &&
    test "$(events cancelled "\"event\":\"finish\"" "\"status\":\"completed\"")" = 1 && replayed cancelled && nothing_left
'

test_expect_success 'a failure that stops the run: nothing starts after it' '
    touch go &&
    run 1 bad -n4 --async-workflow=bad.json --async-workflow-dir=bad &&
    failed=$(grep -n "\"status\":\"failed\"" bad/journal.jsonl | cut -d: -f1) &&
    sed "1,${failed}d" bad/journal.jsonl >after && test "$(grep -c "\"event\":\"start\"" after)" -le 8 &&
    test "$(events bad "\"event\":\"start\"")" -lt 200 && replayed bad && nothing_left
'

test_done
