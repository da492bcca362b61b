#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='run --durability: what is on disk before a successor starts'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# with_slow_disk COMMAND...: LD_PRELOAD takes no name with blanks
with_slow_disk () { env "LD_LIBRARY_PATH=$PWD" LD_PRELOAD=slow-disk.so "$@"; }

${CC:-cc} -shared -fPIC -o slow-disk.so "$top_srcdir/tests/integration/slow-disk.c" 2>/dev/null &&
    with_slow_disk async-workflow --version 2>&1 | grep -vq ld.so && test_set_prereq SLOW_DISK

# A chain of three, each of which writes a line to the log of the disk.
cat >chain.json <<\END
{ "async-workflow": 1, "iterations": 3, "tasks": {
    "a": { "after": ["a@-1"], "script": "echo {task} >>\"$SLOW_DISK_LOG\"; echo {task} >>\"{run}/ran\"" } } }
END
printf '%s\n' 'a@0[0]' 'a@1[0]' 'a@2[0]' >all

# run STATUS NAME OPTION...: on that disk, output in NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    SLOW_DISK_LOG=$PWD/$name.log
    export SLOW_DISK_LOG
    test_expect_code "$want" with_slow_disk async-workflow run --local --cpus 2 --dir "$name" "$@" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

test_expect_success 'other levels are not known' '
    test_expect_code 2 async-workflow run --local --durability=disk chain.json 2>err &&
    grep -q "\-\-durability: unknown value \"disk\": give one of process|node" err
'

test_expect_success SLOW_DISK 'node: each task of a chain starts after a sync' '
    run 0 node --durability=node chain.json &&
    uniq node.log | tr "\n" " " >actual &&
    echo "sync a@0[0] sync a@1[0] sync a@2[0] sync " | tr -d "\n" >expected &&
    test_cmp expected actual
'

test_expect_success SLOW_DISK 'process: the only sync is that of the end' '
    run 0 process chain.json &&
    { cat all && echo sync; } >expected &&
    test_cmp expected process.log
'

test_expect_success SLOW_DISK 'the environment can ask for it' '
    ASYNC_WORKFLOW_DURABILITY=node run 0 environment chain.json &&
    head -n 1 environment.log | grep -qx sync
'

test_expect_success SLOW_DISK 'a disk that fails starts nothing more: status 3, and the run can be resumed' '
    SLOW_DISK_FAIL=3 run 3 broken --durability=node chain.json &&
    grep -q "broken/journal.jsonl: fdatasync: Input/output error: nothing more starts" broken.err &&
    test "$(wc -l <broken/ran)" -lt 3 &&
    async-workflow run --local --cpus 2 --durability=node --resume broken 2>err &&
    sort -u broken/ran >actual &&
    test_cmp all actual
'

test_expect_success SLOW_DISK 'node: the output in a log store is on disk before the completion is' '
    run 0 store --durability=node --logs=store chain.json &&
    uniq store.log | tr "\n" " " >actual &&
    echo "sync a@0[0] store sync a@1[0] store sync a@2[0] store sync " | tr -d "\n" >expected &&
    test_cmp expected actual &&
    run 0 lazy --logs=store chain.json && ! grep store lazy.log
'

test_expect_success SLOW_DISK 'output that cannot be put on disk fails its task' '
    SLOW_DISK_FAIL=store run 1 lost --durability=node --logs=store chain.json &&
    grep "its output cannot be written: .*lost/logs/.*\.log: Input/output error" lost.err lost.out
'

test_expect_success 'messages and added tasks are acknowledged' '
    cat >asks.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "a": { "script": "for i in 1 2 3; do async-workflow send --sync t $i || exit 1; done; async-workflow add more.json" },
	    "b": { "after": [{ "message": "t", "count": 3 }], "command": ["true"] } } }
	END
	echo "{ \"async-workflow\": 1, \"tasks\": { \"more\": { \"command\": [\"true\"] } } }" >more.json &&
    async-workflow run --local --cpus 2 --durability=node --dir asks asks.json >out 2>&1 || { cat out; false; } &&
    test "$(grep -c "\"status\":\"completed\"" asks/journal.jsonl)" = 3
'

test_expect_success 'a killed coordinator has lost nothing' '
    cat >long.json <<-\END &&
	{ "async-workflow": 1, "iterations": 20, "tasks": { "a": { "after": ["a@-1"], "script": "echo {task} >>\"{run}/ran\"; test {iteration} -ne 7 || test -e \"{run}/again\" || sleep 60" } } }
	END
    async-workflow run --local --cpus 2 --durability=node --dir killed long.json >out 2>&1 &
    wait_for 30 "grep -qF \"a@7[0]\" killed/ran" && kill -KILL $! && { wait $!; touch killed/again; } &&
    async-workflow run --local --cpus 2 --durability=node --resume killed &&
    test "$(uniq -d killed/ran)" = "a@7[0]" &&
    test "$(wc -l <killed/ran)" = 21
'

test_done
