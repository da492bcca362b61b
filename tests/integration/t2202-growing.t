#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='workflows that are changed while they run: tasks are added or cancelled, iterations end early'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH
replay=$top_builddir/tests/integration/replay

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1"; }

# run STATUS DIR FILE [OPTION]...
run ()
{
    want=$1 dir=$2 file=$3
    shift 3
    test_expect_code "$want" timeout 120 async-workflow run --local --cpus 8 --dir "$dir" "$@" "$file" \
        >"$dir.out" 2>"$dir.err" </dev/null || { cat "$dir.out" "$dir.err" "$dir"/logs/* >&4; false; }
}

# of DIR EVENT TASK: how many such lines the journal has
of () { grep -cF "\"event\":\"$2\",\"task\":\"$3" "$1/journal.jsonl"; }

# same DIR: a replay decides the same
same () { "$replay" "$1" >replayed && grep "the same" replayed; }

test_expect_success 'cancel: what runs is told to end, what waits does not start, and it is no failure' '
    workflow cancel.json "\"tasks\": {
        \"check\": { \"script\": \"async-workflow cancel wander && async-workflow cancel nobody; test \$? = 2\" },
        \"wander\": { \"count\": 12, \"script\": \"sleep 300\" },
        \"behind\": { \"after\": [\"wander\"], \"script\": \"true\" } }" &&
    run 0 cancel cancel.json --policy fifo &&
    test $(of cancel cancel "wander[0]\",\"count\":12,\"reason\":\"check[0]\"") = 1 &&
    test $(of cancel skip "behind[0]") = 1 &&
    test $(($(of cancel skip "wander[") + $(of cancel start "wander["))) = 12 &&
    test $(of cancel kill "wander[") -ge $(of cancel start "wander[") &&
    grep "the workflow has no tasks \"nobody\"" cancel/logs/check.0.err &&
    grep "^cancel: 1 of 14 tasks done in .*; 13 were not needed$" cancel.out &&
    async-workflow report --format svg cancel >cancel.svg && grep ">cancelled<" cancel.svg &&
    same cancel
'

test_expect_success 'cancel --release: what waits goes on' '
    workflow release.json "\"tasks\": {
        \"check\": { \"script\": \"async-workflow cancel --release \\\"wander[1]\\\"\" },
        \"wander\": { \"count\": 2, \"script\": \"test {index} = 0 || sleep 300\" },
        \"behind\": { \"after\": [\"wander\"], \"script\": \"true\" } }" &&
    run 0 release release.json &&
    test $(of release finish "behind[0]") = 1 &&
    test $(of release kill "wander[0]") = 0 &&
    same release
'

test_expect_success 'iterations end with the one whose check says so' '
    workflow until.json "\"iterations\": { \"max\": 20, \"until\": \"check\" }, \"tasks\": {
        \"work\": { \"after\": [\"check@-1\"], \"script\": \"true\" },
        \"check\": { \"after\": [\"work\"], \"script\": \"test {iteration} -ge 2\" } }" &&
    run 0 until until.json &&
    test $(of until finish "check@") = 3 &&
    test $(of until skip "") = 34 &&
    same until
'

test_expect_success 'by another exit code; a failing check is a failure all the same' '
    workflow code.json "\"iterations\": { \"max\": 9, \"until\": { \"set\": \"check\", \"code\": 10 } }, \"tasks\": {
        \"check\": { \"after\": [\"check@-1\"], \"script\": \"test {iteration} -lt 4 || exit 10\" } }" &&
    run 0 code code.json &&
    test $(of code finish "check@") = 5 &&
    workflow fail.json "\"iterations\": { \"max\": 9, \"until\": { \"set\": \"check\", \"code\": 10 } }, \"tasks\": {
        \"check\": { \"after\": [\"check@-1\"], \"script\": \"exit 11\" } }" &&
    run 1 fail fail.json &&
    test $(of fail finish "check@") = 1
'

test_expect_success 'by a message' '
    workflow message.json "\"iterations\": { \"max\": 50, \"until\": { \"message\": \"goal\" } }, \"tasks\": {
        \"work\": { \"after\": [\"work@-1\"], \"script\": \"test {iteration} -lt 3 || async-workflow send --sync goal reached\" } }" &&
    run 0 message message.json &&
    test $(of message finish "work@") = 4 &&
    same message
'

test_expect_success 'what is wrong with them is reported' '
    workflow wrong.json "\"iterations\": { \"max\": 2, \"until\": \"nobody\" }, \"tasks\": { \"a\": { \"script\": \"x\" } }" &&
    test_expect_code 2 async-workflow check wrong.json 2>err &&
    grep "wrong.json: iterations.until: unknown task set \"nobody\": write the name of a set" err
'

# more FILE BODY: a workflow of these tasks, to be added
more () { printf '{ "async-workflow": 1, "tasks": { %s } }\n' "$2" >"$1"; }

test_expect_success 'add: a task adds others, behind sets of the workflow and of its own' '
    more tree.json "
        \"leaf\": { \"after\": [\"base[i]\", \"plan\"], \"count\": 3, \"script\": \"echo {task} {index} {iteration}\" },
        \"root\": { \"after\": [\"leaf\"], \"cpus\": 2, \"script\": \"echo \$ASYNC_WORKFLOW_TASK\" }" &&
    workflow add.json "\"tasks\": {
        \"plan\": { \"script\": \"async-workflow add - <tree.json\" },
        \"base\": { \"count\": 3, \"script\": \"sleep 0.1\" } }" &&
    run 0 add add.json &&
    test $(of add add "plan[0]\",\"attempt\":0,\"workflow\":\"{") = 1 &&
    test $(of add finish "") = 8 &&
    echo "leaf[2] 2 0" >want && test_cmp want add/logs/leaf.2.out &&
    echo "root[0]" >want && test_cmp want add/logs/root.0.out &&
    same add
'

test_expect_success 'report and status know them' '
    async-workflow status add >out && grep "^add: completed, 8 of 8 tasks done" out && grep "^leaf  *3  *3 " out &&
    async-workflow report add >out && grep "8 of 8 done" out && grep "^  added  *4 tasks in 2 sets" out && grep "^  root  *1  *1 " out &&
    async-workflow report --format json add >out && grep "leaf" out &&
    async-workflow report --format svg add >out && grep "leaf" out &&
    async-workflow report --format trace add >out && grep "leaf\[2\]" out
'

test_expect_success 'in a workflow with iterations they are gone through once, behind all of these' '
    more last.json "
        \"last\": { \"after\": [\"work\"], \"script\": \"echo {task}\" },
        \"twin\": { \"after\": [\"last[i]\"], \"script\": \"true\" }" &&
    workflow loop.json "\"iterations\": { \"max\": 7, \"until\": \"check\" }, \"tasks\": {
        \"plan\": { \"script\": \"test {iteration} -gt 0 || async-workflow add last.json\" },
        \"work\": { \"after\": [\"work@-1\"], \"script\": \"sleep 0.05\" },
        \"check\": { \"after\": [\"work\", \"check@-1\"], \"script\": \"test {iteration} = 2\" } }" &&
    for mode in async sequential; do
        run 0 loop-$mode loop.json --mode $mode &&
        test $(of loop-$mode finish "check@") = 3 &&
        test $(of loop-$mode finish "last[0]") = 1 && test $(of loop-$mode finish "twin[0]") = 1 &&
        echo "last[0]" >want && test_cmp want loop-$mode/logs/last.0.out &&
        grep "\"event\":\"start\",\"task\":\"last" -B1000 loop-$mode/journal.jsonl | grep "finish\",\"task\":\"work@2" &&
        same loop-$mode || return 1
    done
'

test_expect_success 'what is wrong is reported, all of it and where; nothing is changed' '
    printf "{ \"async-workflow\": 1, \"name\": \"-\", \"iterations\": 2, \"tasks\": {
        \"base\": { \"script\": \"true\", \"cpu\": 3 },
        \"z\": { \"after\": [\"bas\", \"z2\", \"base@-1\", \"many[i]\"], \"script\": \"true\" },
        \"z2\": { \"after\": [\"z\"], \"cpus\": 900, \"script\": \"true\" },
        \"many\": { \"count\": 10000000, \"script\": \"true\" },
        \"far\": { \"nodes\": 2, \"script\": \"true\" },
        \"data\": { \"script\": \"ls {scratch}\" } } }" >wrong.json &&
    sed "s/.*/{/" add.json >broken.json && : >empty.json &&
    workflow wrong-add.json "\"tasks\": {
        \"base\": { \"script\": \"for f in wrong broken empty nobody; do async-workflow add \$f.json; test \$? = 2 || exit 1; done\" },
        \"end\": { \"after\": [\"base\"], \"script\": \"true\" } }" &&
    run 0 wrong wrong-add.json &&
    cat >want <<-\EOF &&
	async-workflow: wrong.json: iterations: an added workflow has no iterations: remove it
	async-workflow: wrong.json: name: "-": a name begins with a letter, a digit or "_"
	async-workflow: wrong.json: tasks.base: the workflow already has a task set "base": give this one another name
	async-workflow: wrong.json: tasks.base: unknown key "cpu": did you mean "cpus"?
	async-workflow: wrong.json: tasks.z2: a task needs 900 CPUs on one node, and no node of the pool has that (up to 8 CPUs, 0 GPUs): request more (--exclusive, --gpus-per-node; with --local: --cpus, --gpus), or less for the task
	async-workflow: wrong.json: tasks.far: several ranks or nodes need srun: this run has none (--local)
	async-workflow: wrong.json: tasks.data: needs a scratch directory: this run has none: start the run with --scratch=DIR
	async-workflow: wrong.json: tasks: 10000004 tasks in addition to 2: at most 10000000 are possible in total
	async-workflow: wrong.json: tasks.z.after[0]: unknown task set "bas": write the name of a set in "tasks"
	EOF
	sed -n 1,9p wrong/logs/base.0.err >got && sed -i "s/: did you mean .base.?/: write the name of a set in \"tasks\"/" got &&
    test_cmp want got &&
    grep "wrong.json: tasks.z.after\[2\]: an added workflow has no previous iteration" wrong/logs/base.0.err &&
    grep "wrong.json: tasks.z.after\[3\]: \[i\] needs sets of one size" wrong/logs/base.0.err &&
    grep "wrong.json: tasks.z: cycle: z -> z2 -> z" wrong/logs/base.0.err &&
    grep "broken.json: line 2, column" wrong/logs/base.0.err &&
    grep "empty.json: is empty" wrong/logs/base.0.err &&
    grep "nobody.json: cannot be read: No such file" wrong/logs/base.0.err &&
    test $(grep -c "\"event\":\"add\"" wrong/journal.jsonl) = 0 &&
    test $(of wrong finish "") = 2 &&
    same wrong
'

test_expect_success 'the largest that can be added, of bytes that take six each on their way, is refused or read again' '
    head -c 4194304 /dev/zero | tr "\\0" "\"" >quotes.json &&
    head -c 130000 /dev/zero | tr "\\0" "\\177" >deleted &&
    { printf "{ \"async-workflow\": 1, \"parameters\": {" &&
        for i in $(seq 32); do printf " \"p$i\": \"" && cat deleted && printf "\","; done &&
        printf " \"end\": 0 }, \"tasks\": { \"more\": { \"script\": \"true\" } } }"; } >large.json &&
    workflow large-add.json "\"tasks\": {
        \"base\": { \"script\": \"async-workflow add quotes.json; test \$? = 2 && async-workflow add large.json\" } }" &&
    run 0 large large-add.json &&
    grep "quotes.json: line 1, column" large/logs/base.0.err &&
    test $(of large finish "more[0]") = 1 &&
    async-workflow status large >out && grep "2 of 2 tasks done" out &&
    same large
'

test_expect_success 'outside of a task there is no pool' '
    test_expect_code 4 async-workflow add tree.json 2>err && grep "this process is not a task of a running workflow" err &&
    test_expect_code 2 async-workflow add 2>err && grep "no workflow file given" err
'

cat >adder.c <<'END'
#include <async-workflow.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char good[] = "{ \"async-workflow\": 1, \"tasks\": { \"c\": { \"count\": 2, \"script\": \"true\" } } }";
static const char bad[] = "{ \"async-workflow\": 1, \"tasks\": { \"d\": { \"after\": [\"e\", \"f\"], \"script\": \"true\" } } }";

int main (void)
{
    struct aw_connection *aw = aw_open ();

    if (!aw || aw_add (aw, good, strlen (good), -1) < 0 || aw_add (aw, good, strlen (good), -1) < 0)
        return 1;
    if (aw_add (aw, bad, strlen (bad), -1) == 0 || errno != EINVAL)
        return 2;
    puts (aw_error_text (aw));
    aw_close (aw);
    return 0;
}
END

test_expect_success 'from C; what is there already changes nothing' '
    ${CC:-cc} -Wall -Werror -I"$top_srcdir/helpers/client" -o adder adder.c "$top_builddir/helpers/.libs/libasyncworkflow.a" &&
    workflow c.json "\"tasks\": { \"go\": { \"command\": [\"./adder\"] } }" &&
    run 0 c c.json &&
    test $(of c finish "c[") = 2 &&
    test $(of c add "go[0]") = 1 &&
    test $(grep -c "unknown task set" c/logs/go.0.out) = 2 &&
    same c
'

test_expect_success 'what is acknowledged outlives the coordinator; a task that adds it again does so once' '
    more later.json "\"later\": { \"after\": [\"work\"], \"count\": 5, \"script\": \"true\" }" &&
    workflow kill.json "\"tasks\": {
        \"work\": { \"script\": \"async-workflow add later.json && touch added; test -e again || sleep 300\" },
        \"done\": { \"script\": \"true\" } }" &&
    { async-workflow run --local --cpus 8 --dir kill kill.json >kill.out 2>&1 </dev/null & } &&
    wait_for 60 test -e added && kill -KILL $! && { wait $! 2>/dev/null; true; } &&
    async-workflow status kill >out && grep "^later  *5  *0 " out &&
    cp -r kill changed && cp -r kill clash && touch again &&
    test_expect_code 0 timeout 60 async-workflow run --local --cpus 8 --resume kill >kill.out 2>&1 &&
    test $(of kill finish "later[") = 5 &&
    test $(of kill add "work[0]") = 1 &&
    test $(of kill finish "done[0]") = 1 &&
    same kill
'

test_expect_success 'resume with another file: what was added is added to that' '
    sed "s/sleep 300/sleep 200/" kill.json >changed.json &&
    test_expect_code 0 timeout 60 async-workflow run --local --cpus 8 --resume changed changed.json >changed.out 2>&1 &&
    ! grep "tasks.later: removed" changed.out &&
    test $(of changed finish "later[") = 5 &&
    same changed &&
    test_expect_code 0 timeout 60 async-workflow run --local --cpus 8 --resume changed kill.json >changed.out 2>&1 &&
    grep "tasks.later: depends on work: 5 finished tasks run again" changed.out &&
    ! grep "tasks.later: new" changed.out &&
    test $(of changed finish "later[") = 10 &&
    test $(of changed finish "done[") = 1 &&
    same changed &&
    printf "{ \"async-workflow\": 1, \"name\": \"kill\", \"tasks\": { \"other\": { \"script\": \"true\" } } }" >clash.json &&
    cp clash/journal.jsonl before &&
    test_expect_code 2 timeout 60 async-workflow run --local --cpus 8 --resume clash clash.json >clash.out 2>&1 &&
    grep "journal.jsonl: line [0-9]*: added workflow: tasks.later.after\[0\]: unknown task set \"work\"" clash.out &&
    test_cmp before clash/journal.jsonl &&
    test_expect_code 0 timeout 60 async-workflow run --local --cpus 8 --resume clash >clash.out 2>&1 &&
    test $(of clash finish "later[") = 5
'

test_expect_success 'what was added can be cancelled, fails as any other, and runs on a failed predecessor never' '
    more fate.json "
        \"cancelled\": { \"after\": [\"end\"], \"script\": \"true\" },
        \"fails\": { \"script\": \"exit 3\", \"on_failure\": \"skip\" },
        \"behind\": { \"after\": [\"fails\"], \"script\": \"true\" },
        \"orphan\": { \"after\": [\"bad\"], \"script\": \"true\" }" &&
    workflow fate.json.run "\"tasks\": {
        \"bad\": { \"script\": \"exit 1\", \"on_failure\": \"skip\" },
        \"plan\": { \"script\": \"sleep 0.2; async-workflow add fate.json && async-workflow cancel cancelled\" },
        \"end\": { \"after\": [\"plan\"], \"script\": \"true\" } }" &&
    run 1 fate fate.json.run &&
    grep "not done: 4 of 7 tasks (bad: 1 failed; fails: 1 failed; behind: 1 skipped; orphan: 1 skipped)" fate.err &&
    for set in cancelled behind orphan; do test $(of fate skip "$set[0]") = 1 || return 1; done &&
    test $(of fate finish "fails[0]") = 1 &&
    same fate
'

test_expect_success 'they wait for messages, those before they came too; their data is brought' '
    echo data >input &&
    more waits.json "
        \"once\": { \"after\": [{ \"message\": \"old\", \"count\": 2 }], \"script\": \"true\" },
        \"each\": { \"after\": [{ \"message\": \"news\", \"every\": 2 }], \"count\": 2, \"script\": \"true\" },
        \"staged\": { \"stage_in\": { \"from\": \"input\", \"to\": \"i\" }, \"script\": \"cat \\\"{scratch}/i\\\"\" }" &&
    workflow waits-run.json "\"tasks\": {
        \"plan\": { \"script\": \"for topic in old news old; do echo 1 | async-workflow send --sync \$topic -; done; async-workflow add waits.json; for i in 2 3 4; do echo \$i | async-workflow send --sync news -; done\" } }" &&
    run 0 waits waits-run.json --scratch "$PWD" &&
    test $(of waits finish "") = 5 &&
    echo data >want && test_cmp want waits/logs/staged.0.out &&
    same waits
'

test_done
