#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Other users of the node and of the network, really connecting to a run that is going on'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 2 --gpus 0

. "$top_srcdir/tests/integration/strangers.sh"

# The port is open until all agents are there: ours wait for a word, and tell where they were sent.
mkdir "$CLUSTER_DIR/held"
cp "$top_builddir"/helpers/async-workflow "$top_builddir"/helpers/async-workflow-main "$top_builddir"/helpers/async-workflow-bind "$CLUSTER_DIR/held/"
cat >"$CLUSTER_DIR/held/async-workflow-agent" <<END
#!/bin/sh
echo "\$2" >"$CLUSTER_DIR/address.\$SLURMD_NODENAME"
until [ -e "$CLUSTER_DIR/go" ]; do sleep 0.05; done
exec "$top_builddir/helpers/async-workflow-agent" "\$@"
END
chmod +x "$CLUSTER_DIR/held/async-workflow-agent"

workflow wait.json '"tasks": {
    "first": { "count": 2, "script": "echo x; until [ -e end ]; do sleep 0.1; done" },
    "then": { "after": ["first"], "count": 4, "command": ["true"] } }'

test_expect_success 'a run begins, started by somebody without a umask; its agents are kept away' '
    (umask 000 && exec salloc --quiet -N2 --exclusive "$CLUSTER_DIR/held/async-workflow" run --dir wait wait.json) \
        >run.out 2>run.err &
    echo $! >run.pid &&
    wait_for 60 "test -s $CLUSTER_DIR/address.n1" &&
    sed "s/.*://" "$CLUSTER_DIR/address.n1" >port &&
    squeue --noheader --format=%i >job &&
    test -s port && test -s job
'
port=$(cat port)
JOB=$(cat job)

PROOF=$CLUSTER_DIR/public/proof
export JOB PROOF

test_expect_success 'another job: refused' '
    (JOB=999999 && export JOB && knock 0 "closed 1 .*accepted 0" proof 1)
'

test_expect_success 'a proof made for one connection, played back on another by the same user: refused' '
    knock 0 "closed 1 .*accepted 0" keep 1 && test -s "$PROOF" &&
    knock 0 "closed 1 .*accepted 0" replay 1
'

test_expect_success OTHER 'another user, with a genuine credential of his own: refused' '
    AS=other knock 0 "closed 3 .*accepted 0" proof 3
'

test_expect_success OTHER 'another user who has overheard a proof: refused' '
    AS=other knock 0 "closed 3 .*accepted 0" replay 3
'

test_expect_success OTHER 'another user with garbage, too much, nothing, little by little: refused' '
    AS=other knock 0 "closed 40 kept 0 accepted 0" garbage,much,silent,slow 40
'

test_expect_success OTHER 'another user in crowds: refused' '
    AS=other knock 0 "unreachable 0 .*accepted 0" silent,garbage,hang-up,slow 1000
'

test_expect_success 'a crowd of our own: none is accepted, none kept' '
    knock 0 "unreachable 0 .*kept 0 accepted 0" silent,garbage,hang-up,much,slow 500
'

test_expect_success 'the agents get in all the same' '
    touch "$CLUSTER_DIR/go" &&
    wait_for 60 "started wait 2" ||
        { cat run.err; false; }
'

test_expect_success 'once they are there nobody listens any more' '
    knock 0 "opened 3 unreachable 3 .*accepted 0" garbage 3
'

test_expect_success OTHER 'another user can neither list the run directory nor read what is in it' '
    for file in journal.jsonl workflow.json logs/first.0.out; do
        test -s wait/$file &&
        test_must_fail other cat "$PWD/wait/$file" 2>err || return 1
        grep -q "Permission denied" err || return 1
    done &&
    test_must_fail other ls "$PWD/wait" 2>err &&
    grep -q "Permission denied" err &&
    test_must_fail other touch "$PWD/wait/mine"
'

test_expect_success 'directories are 0700, what the coordinator writes is 0600, whatever the umask' '
    find wait -type d ! -perm 700 >wrong &&
    find wait/journal.jsonl wait/workflow.json ! -perm 600 >>wrong &&
    test_must_be_empty wrong
'

test_expect_success OTHER 'nor can he look into coordinator or agent, or send them a signal' '
    agent=$(agent_of n1) &&
    for pid in $agent $(pgrep -xf "$CLUSTER_DIR/held/async-workflow run --dir wait wait.json"); do
        test_must_fail other cat /proc/$pid/environ 2>/dev/null &&
        test_must_fail other kill -0 $pid 2>/dev/null || return 1
    done
'

test_expect_success 'the run is none the worse' '
    touch end &&
    wait $(cat run.pid) &&
    finished wait 6 &&
    ! grep "^{.*reason" wait/journal.jsonl &&
    nothing_left
'

test_expect_success 'one who does prove to be the same user and of the same job is accepted: it was the right door' '
    rm "$CLUSTER_DIR/go" "$CLUSTER_DIR"/address.* &&
    { salloc --quiet -N2 --exclusive "$CLUSTER_DIR/held/async-workflow" run --dir right wait.json >run.out 2>run.err & } &&
    pid=$! &&
    wait_for 60 "test -s $CLUSTER_DIR/address.n1" &&
    port=$(sed "s/.*://" "$CLUSTER_DIR/address.n1") &&
    JOB=$(squeue --noheader --format=%i) &&
    knock 3 "accepted 1" proof 1;
    code=$?
    touch "$CLUSTER_DIR/go" && scancel "$JOB"
    wait $pid
    nothing_left && test $code = 0
'

test_done
