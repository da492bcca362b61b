#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Full disks, lost run directories, closed descriptors and ignored signals'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# All requests of tasks, of which none has an answer when messages cannot be written.
cat >requests <<\END
try () { name=$1; shift; timeout 60 async-workflow "$@"; echo $name $? >>"$TOLD"; }
test ! -e "$FILL" || head -c 1M /dev/zero >"$FILL"
seq 1 100000 | try lines send --lines t
try sync send --sync t x
test ! -e resumed || exit 0
try request send --request t x
try add add more.json
try cancel cancel b
try recv recv --group g t
try other recv u
END
cat >requests.json <<\END
{ "async-workflow": 1, "tasks": { "a": { "command": ["sh", "requests"] }, "b": { "after": ["a"], "command": ["true"] } } }
END
echo '{ "async-workflow": 1, "tasks": { "more": { "command": ["true"] } } }' >more.json
TOLD=$PWD/told FILL=
export TOLD FILL

# all_refused DIR WHY: the run in DIR has ended with status 3, and each request with an error
all_refused ()
{
    grep -q "$1/messages/t.jsonl: $2: nothing more starts" err &&
    printf "%s\n" "lines 4" "sync 2" "request 2" "add 2" "cancel 2" "recv 2" "other 2" >expected &&
    test_cmp expected told &&
    test_must_fail grep completed "$1/journal.jsonl"
}

test_expect_success 'a file at its limit is a full disk: each request of a task ends with an error, and the run with status 3' '
    rm -f told &&
    test_expect_code 3 sh -c "ulimit -f 100; timeout 100 async-workflow run --local --cpus 2 --dir limit requests.json" \
        >out 2>err </dev/null &&
    all_refused limit "File too large"
'

test_expect_success 'the run can be resumed: what could not be recorded runs again' '
    rm -f told && : >resumed &&
    async-workflow run --local --cpus 2 --resume limit >out 2>err </dev/null &&
    head -n 2 told >actual &&
    printf "%s\n" "lines 0" "sync 0" >expected &&
    test_cmp expected actual && rm resumed
'

mkdir small && mount -t tmpfs -o size=600k none small 2>/dev/null && test_set_prereq TMPFS

test_expect_success TMPFS 'the same on a full disk' '
    rm -f told &&
    test_expect_code 3 timeout 100 async-workflow run --local --cpus 2 --dir small/run requests.json \
        >out 2>err </dev/null &&
    all_refused small/run "No space left on device"
'

test_expect_success TMPFS 'a full disk from the first message on' '
    rm -rf told small/run && : >small/fill &&
    FILL=$PWD/small/fill &&
    test_expect_code 3 timeout 100 async-workflow run --local --cpus 2 --dir small/run requests.json \
        >out 2>err </dev/null &&
    all_refused small/run "No space left on device"
'

test_have_prereq TMPFS && umount small

cat >long.json <<\END
{ "async-workflow": 1, "tasks": { "a": { "script": "echo >begun; sleep 100" } } }
END

# lost COMMAND: COMMAND does away with the directory "lost" of a run, which ends within two heartbeats and some
lost ()
{
    rm -rf begun lost moved
    timeout 60 async-workflow run --local --cpus 1 --dir lost --grace 1 long.json >out 2>err </dev/null &
    pid=$!
    wait_for 30 "test -e begun" && eval "$1" &&
    test_expect_code 3 wait $pid &&
    grep -q "stopping: $PWD/lost has been removed or moved: what happens now cannot be recorded" err &&
    test_must_fail grep "continue with" err
}

test_expect_success 'a run whose directory is removed stops' 'lost "rm -r lost"'
test_expect_success 'a run whose directory is moved stops, and can be resumed there' '
    lost "mv lost moved" &&
    cp long.json short.json && sed -i s/100/0/ short.json &&
    async-workflow run --local --cpus 1 --resume moved short.json >out 2>err </dev/null
'
test_expect_success 'another file in the place of the journal, or of the directory' '
    lost "mv lost/journal.jsonl saved && cp saved lost/journal.jsonl" &&
    lost "mv lost moved && mkdir lost"
'
test_expect_success 'a directory that comes back in time harms nobody' '
    rm -rf begun lost moved &&
    sed "s/sleep 100/sleep 12/" long.json >back.json &&
    { async-workflow run --local --cpus 1 --dir lost back.json >out 2>err </dev/null & } &&
    pid=$! &&
    wait_for 30 "test -e begun" && mv lost moved && sleep 4 && mv moved lost &&
    wait $pid && test_must_fail grep stopping err
'

test_expect_success 'tasks are ended by a file at its limit, as without the run' '
    cat >task.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "a": { "script": "sed -n \"s/^SigIgn:.//p\" /proc/self/status >ignored" } } }
	END
    async-workflow run --local --cpus 1 task.json >out 2>err </dev/null &&
    test $((0x$(cat ignored) >> 24 & 1)) = 0
'

echo '{ "async-workflow": 1, "tasks": { "a": { "script": "echo yes >ran" } } }' >closed.json

test_expect_success 'closed descriptors harm nobody' '
    for closed in "0<&-" "1>&-" "2>&-" "0<&- 1>&- 2>&-"; do
        rm -f ran &&
        sh -c "exec async-workflow run --local --cpus 1 --dir closed closed.json $closed" >out 2>err &&
        test "$(cat ran)" = yes && test ! -s closed/logs/a.0.err && rm -r closed || return 1
    done
'

test_expect_success 'Ctrl-C does not stop a run in the background of a script' '
    cat >wait.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "a": { "script": "echo >begun; until test -e go; do sleep 0.1; done" } } }
	END
    (trap "" INT; exec async-workflow run --local --cpus 1 --dir wait wait.json) >out 2>err </dev/null &
    pid=$! &&
    wait_for 30 "test -e begun" &&
    kill -INT $pid &&
    echo >go &&
    wait $pid &&
    test_must_fail grep stopping err
'

test_done
