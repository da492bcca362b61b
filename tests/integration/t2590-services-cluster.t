#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Services on several nodes: found from all of them, started again where a node or the coordinator is lost'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

command -v python3 >/dev/null || { skip_all='python3 is not installed'; test_done; }
cluster_start --nodes 3 --cores 4 --gpus 0

# A task is "get.py NAME [FILE]": it makes NAME, waits for FILE, and fetches something from the service. What it prints goes to "gets".
cat >get.py <<'END'
import os, sys, time, urllib.request
open(sys.argv[1], "w").close()
end = time.time() + 100
while len(sys.argv) > 2 and not all(os.path.exists(name) for name in sys.argv[2:]) and time.time() < end:
    time.sleep(0.05)
host, port = os.environ["ASYNC_WORKFLOW_SERVICE_WEB_HOST"], os.environ["ASYNC_WORKFLOW_SERVICE_WEB_PORT"]
assert b"urllib" in urllib.request.urlopen("http://%s:%s/get.py" % (host, port), timeout=20).read()
with open("gets", "a") as file:
    file.write("%s %s\n" % (os.environ["SLURMD_NODENAME"], host))
END

# web NAME COUNT CPUS TEXT...: NAME.json: tasks that use a service; TEXT follows get.py
web ()
{
    name=$1 count=$2 cpus=$3
    shift 3
    workflow $name.json "\"tasks\": {
        \"web\": { \"service\": { \"ready\": { \"port\": 0 } }, \"command\": [\"python3\", \"-m\", \"http.server\", \"{port}\"] },
        \"get\": { \"after\": [\"web\"], \"count\": $count, \"cpus\": $cpus, \"retries\": 3, \"script\": \"exec python3 get.py $*\" } }"
}

# begin NAME: its run in the background, $pid; until all of FILE... are there
begin ()
{
    name=$1
    shift
    srun -N3 --exclusive --async-workflow=$name.json --async-workflow-dir=$name >$name.out 2>$name.err </dev/null &
    pid=$!
    for file; do
        wait_for 60 test -e $file || { cat $name.out $name.err; return 1; }
    done
}

over () { ! kill -0 $pid 2>/dev/null; }
# node_of NAME: where the service of that run is
node_of () { sed -n 's/.*"event":"serving","task":"web\[0\]".*"node":"\([^"]*\)".*/\1/p' $1/journal.jsonl | tail -n 1; }
servings () { events $1 '"event":"serving"'; }
# done_once NAME COUNT: each of the tasks has completed once
done_once () { test "$(grep '"task":"get' $1/journal.jsonl | grep -c '"status":"completed"')" = $2; }

test_expect_success 'one service, used from all nodes by its host and port' '
    web used 3 3 "used.{index} used.0 used.1 used.2" &&
    run 0 used -N3 --exclusive --async-workflow=used.json --async-workflow-dir=used &&
    cut -d" " -f1 gets | sort | tr -d "\n" >nodes && test "$(cat nodes)" = n1n2n3 &&
    grep "^$(node_of used) localhost$" gets && test "$(grep -vc " localhost$" gets)" = 2 &&
    test "$(servings used)" = 1 && done_once used 3 && nothing_left
'

test_expect_success 'its node is lost: it starts on another one, and its tasks are retried there' '
    web lost 3 3 "lost.{index} lost.go" && begin lost lost.0 lost.1 lost.2 &&
    first=$(node_of lost) && kill -KILL $(agent_of $first) &&
    wait_for 60 "test \$(events lost node_lost) = 1" && touch lost.go &&
    wait_for 120 over && wait $pid && ended lost 0 && done_once lost 3 &&
    test "$(servings lost)" = 2 && test "$(node_of lost)" != $first && nothing_left
'

test_expect_success 'the coordinator is killed: a resumed run starts it again' '
    web resumed 2 1 "resumed.{index} resumed.go" && begin resumed resumed.0 resumed.1 &&
    kill -KILL $(coordinator_of $pid) && wait_for 60 over && { wait $pid; nothing_left; } && touch resumed.go &&
    run 0 again -N3 --exclusive --async-workflow=resumed.json --async-workflow-resume=resumed &&
    ended resumed 0 && done_once resumed 2 && test "$(servings resumed)" = 2 && nothing_left
'

test_done
