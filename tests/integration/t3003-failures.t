#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='runs of which a part dies: coordinator, agent, srun, slurmd; agents that never come'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

port=$((32100 + $$ % 300))
cluster_start --nodes 2 --cores 4 --gpus 0 --conf "SrunPortRange=$port-$((port + 30))"

workflow long.json "\"tasks\": { \"s\": { \"count\": 4, \"cpus\": 2,
    \"script\": \"echo up; exec sleep $MARK\" } }"
workflow gate.json "\"tasks\": { \"m\": { \"count\": 4, \"cpus\": 2,
    \"script\": \"echo up; until test -e {task}.go -o -e go; do sleep 0.1; done\" } }"

begun () { wait_for 60 "test \"\$(cat $1/logs/*.out 2>/dev/null | grep -c up)\" -ge $2"; }
none_sleeps () { test "$(sleepers)" = 0; }

# start NAME FILE: in the background, over both nodes; $pid is the command, $coordinator what salloc has started
start ()
{
    srun -n8 --async-workflow=$2 --async-workflow-dir=$1 >$1.out 2>$1.err </dev/null &
    pid=$!
    begun $1 4 || { cat $1.out $1.err; return 1; }
    coordinator=$(coordinator_of $pid)
}

# ends STATUS: within a minute
gone () { ! kill -0 $pid 2>/dev/null; }
ends () { wait_for 60 gone && test_expect_code $1 wait $pid; }

test_expect_success 'the coordinator killed: agents and tasks end, and the job' '
    start killed long.json &&
    kill -KILL $coordinator &&
    nothing_left && none_sleeps &&
    ! grep -q "\"event\":\"end\"" killed/journal.jsonl &&
    async-workflow status killed | grep -q interrupted
'

# What the agent could not remove itself.
no_socket () { ! ls -d "${TMPDIR:-/tmp}/async-workflow.$agent."* /tmp/async-workflow.$agent.* 2>/dev/null; }

test_expect_success 'one agent killed: its node is lost, its tasks run elsewhere' '
    rm -f go &&
    start agent gate.json &&
    agent=$(agent_of n1) && ls -d "${TMPDIR:-/tmp}/async-workflow.$agent."* &&
    kill -KILL $agent &&
    wait_for 30 "test \$(events agent node_lost) = 1" &&
    wait_for 30 no_socket &&
    touch go &&
    ends 0 &&
    finished agent 4 &&
    test $(events agent "\"status\":\"node_fail\"") = 2 &&
    nothing_left
'

# Here Slurm follows no cgroup: what has left its parents and its session is the agent's guardian's to find.
test_expect_success 'an agent killed: nothing that its tasks have started stays' '
    rm -f go &&
    cat >stray.sh <<-END &&
	trap : TERM
	sleep $MARK &
	(setsid setsid sleep $MARK &)
	(env -i setsid sh -c "trap : TERM; sleep $MARK; :" &)
	echo up; echo up
	until test -e go; do sleep 0.1; done
	END
    workflow stray.json "\"tasks\": { \"m\": { \"count\": 2, \"cpus\": 4, \"command\": [\"sh\", \"stray.sh\"] } }" &&
    start stray stray.json &&
    wait_for 30 "test \$(sleepers) = 6" &&
    kill -KILL $(agent_of n1) &&
    wait_for 30 "test \$(events stray node_lost) = 1" &&
    wait_for 30 "test \$(sleepers) = 3" &&
    touch go &&
    ends 0 && wait_for 60 none_sleeps && nothing_left
'

# replays DIR: also where the pool ended the run, before the scheduler had taken note of lost nodes
replays () { "$top_builddir/tests/integration/replay" "$1"; }

test_expect_success 'all agents killed: exit 4' '
    start agents long.json &&
    kill -KILL $(agent_of n1) $(agent_of n2) &&
    ends 4 && replays agents &&
    nothing_left && none_sleeps
'

test_expect_success 'the srun of the pool killed: exit 4, told, nothing goes on' '
    start srun long.json &&
    kill -KILL $(pgrep -P $coordinator -x srun) &&
    ends 4 && replays srun &&
    grep -q "pool.s srun was killed" srun.err &&
    nothing_left && none_sleeps
'

test_expect_success 'a foreign voice at the port is turned away, and the run goes on' '
    workflow slow.json "\"tasks\": { \"a\": { \"command\": [\"true\"] } }" &&
    cat >shout.sh <<-END &&
	# Every port of the range, as long as the run lasts.
	while test ! -e quiet; do
	    for p in \$(seq $port $((port + 30))); do
	        (echo "{\"hello\": 1}"; head -c 9000 /dev/urandom) 2>/dev/null >/dev/tcp/127.0.0.1/\$p
	    done 2>/dev/null
	done
	END
    { bash shout.sh & } && shouter=$! &&
    run 0 shout -n8 --async-workflow=slow.json --async-workflow-dir=shout
    status=$?; touch quiet; wait $shouter
    test $status = 0 && finished shout 1
'

test_expect_success 'the coordinator listens inside SrunPortRange' '
    cat >port.sh <<-\END &&
	tr "\\0" " " </proc/$PPID/cmdline
	END
    workflow port.json "\"tasks\": { \"a\": { \"command\": [\"sh\", \"port.sh\"] } }" &&
    run 0 port -N1 --async-workflow=port.json --async-workflow-dir=port &&
    { test -s port/logs/a.0.out || cat port/journal.jsonl; } &&
    used=$(sed "s|.*--coordinator [^ ]* ||; s| .*||" port/logs/a.0.out) &&
    test "$used" -ge $port && test "$used" -le $((port + 30))
'

test_expect_success 'an agent that cannot start: exit 4, with what srun says' '
    mkdir -p broken &&
    cp "$top_builddir"/helpers/async-workflow "$top_builddir"/helpers/async-workflow-main "$top_builddir"/helpers/async-workflow-bind broken/ &&
    printf "#!/nowhere/sh\n" >broken/async-workflow-agent &&
    chmod +x broken/async-workflow-agent &&
    test_expect_code 4 salloc -n8 --quiet broken/async-workflow run --dir=noagent long.json >noagent.out 2>noagent.err &&
    grep -q "srun.*\(error\|No such\)\|execve" noagent.err &&
    nothing_left
'

test_expect_success 'slurmd killed while tasks run: they go on, or run elsewhere' '
    rm -f go &&
    start slurmd gate.json &&
    kill -KILL $(pgrep -f "slurmd -D -N n2 -f $CLUSTER_DIR/slurm.conf") &&
    touch go &&
    ends 0 &&
    finished slurmd 4 &&
    no_process_left
'

test_done
