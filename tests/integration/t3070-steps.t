#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='tasks that are a job step of their own, over several nodes, beside tasks of the pool'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

# As many CPUs a node as the machine has, up to 2, so that ranks can be bound to them.
cores=$(nproc)
test "$cores" -le 2 || cores=2
cluster_start --nodes 4 --cores 2 --gpus 2
unbound=
test "$cores" = 2 || unbound=--unbound

# The pool and each step share the machine's CPUs: a rank says what it was given.
cat >"$CLUSTER_DIR/report.sh" <<\END
cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
echo "REPORT $ASYNC_WORKFLOW_TASK ${SLURM_PROCID:-0} ${SLURM_LOCALID:-0} $SLURMD_NODENAME $cpus ${CUDA_VISIBLE_DEVICES:--}"
END
report=". $CLUSTER_DIR/report.sh"

check_steps () { "$top_srcdir/tests/integration/check-steps" "$@" $unbound; }

# ranks N: this many ranks wait in "sleep $MARK"
ranks () { test "$(sleepers)" -ge "$1"; }

test_expect_success 'ranks get the CPUs and GPUs of the plan, each node its own' '
    workflow plan.json "\"tasks\": {
        \"wide\": { \"count\": 4, \"nodes\": 2, \"ranks\": 4, \"gpus\": 1, \"script\": \"$report; echo omp=\$OMP_NUM_THREADS; sleep 0.3\" },
        \"one\": { \"count\": 3, \"launch\": \"step\", \"cpus\": 2, \"script\": \"$report; sleep 0.2\" },
        \"pool\": { \"count\": 12, \"gpus\": 1, \"script\": \"$report; sleep 0.2\" } }" &&
    run 0 plan -N4 --exclusive --gpus-per-node=2 --async-workflow=plan.json --async-workflow-dir=plan &&
    finished plan 19 &&
    check_steps plan >checked && cat checked &&
    grep -q "31 reports of 19 tasks agree" checked &&
    test "$(cat plan/logs/wide.*.out | grep -c "^omp=1\$")" = 16 &&
    test "$(events plan "\"event\":\"start\"" "\"more\":[{\"node\":\"n")" = 4
'

test_expect_success 'the run can be decided again, and shown' '
    "$top_builddir/tests/integration/replay" plan &&
    async-workflow report plan --format json >report.json &&
    async-workflow report plan --format svg >report.svg &&
    test "$(grep -c "<title>wide\[0\]" report.svg)" = 2 &&
    async-workflow report plan --format trace | grep -c "\"name\":\"wide\[0\]\"" >slices &&
    echo 2 >expected && test_cmp expected slices
'

test_expect_success 'a rank adds tasks: a step over several nodes, where there was none' '
    for set in wide:2 many:5; do
        printf "{ \"async-workflow\": 1, \"tasks\": { \"${set%:*}\": {
            \"nodes\": ${set#*:}, \"gpus\": 1, \"script\": \"$report\" } } }" >${set%:*}.json || return 1
    done &&
    workflow add.json "\"tasks\": {
        \"plan\": { \"launch\": \"step\", \"script\": \"async-workflow add many.json; test \$? = 2 && async-workflow add wide.json\" } }" &&
    run 0 add -N4 --exclusive --gpus-per-node=2 --async-workflow=add.json --async-workflow-dir=add &&
    finished add 2 && check_steps add >checked && cat checked &&
    grep -q "2 reports of 1 tasks agree" checked &&
    grep "many.json: tasks.many: a task needs 5 nodes" add/logs/plan.0.err &&
    "$top_builddir/tests/integration/replay" add
'

test_expect_success 'one rank that fails ends the step, and the task fails as one' '
    workflow fail.json "\"tasks\": { \"bad\": { \"nodes\": 4, \"script\": \"test \$SLURM_PROCID != 2 || exit 3; sleep $MARK\" } }" &&
    run 1 fail -N4 --exclusive --async-workflow=fail.json --async-workflow-dir=fail &&
    test "$(events fail "\"status\":\"failed\"" "\"code\":3" "rank 2 on n3")" = 1 &&
    wait_for 60 test "\$(sleepers)" = 0
'

# Slurm kills the ranks that are there: one that is about to start may go on, and srun waits for it. Rare, so here
# srun is kept from killing any.
test_expect_success 'also where Slurm misses the others' '
    mkdir bin && real=$(command -v srun) &&
    {
        echo "#!/bin/bash"
        echo "exec $real \"\${@/--kill-on-bad-exit=1/--kill-on-bad-exit=0}\""
    } >bin/srun && chmod +x bin/srun &&
    (PATH=$PWD/bin:$PATH && run 1 miss -N4 --exclusive --async-workflow=fail.json --async-workflow-dir=miss) &&
    test "$(events miss "\"status\":\"failed\"" "\"code\":3" "rank 2 on n3")" = 1 &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'a rank that is killed, too' '
    workflow kill.json "\"tasks\": { \"bad\": { \"nodes\": 2, \"ranks_per_node\": 2, \"command\": [\"sleep\", \"$MARK\"] } }" &&
    { run 1 kill -N4 --exclusive --async-workflow=kill.json --async-workflow-dir=kill & } && other=$! &&
    wait_for 30 ranks 4 &&
    kill -KILL $(pgrep -xf "sleep $MARK" | sed -n 2p) &&
    wait $other &&
    test "$(events kill "\"status\":\"failed\"" "\"signal\":9" "rank ")" = 1 &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'what ranks leave behind in the background ends with the step' '
    workflow behind.json "\"tasks\": { \"a\": { \"nodes\": 2,
        \"script\": \"setsid sleep $MARK >/dev/null 2>&1 </dev/null & sleep 0.2\" } }" &&
    run 0 behind -N4 --exclusive --async-workflow=behind.json --async-workflow-dir=behind &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'the loss of one of its nodes ends the step on all, and the task runs on others' '
    workflow lost.json "\"tasks\": { \"a\": { \"nodes\": 2,
        \"script\": \"test \$ASYNC_WORKFLOW_ATTEMPT = 0 || exit 0; sleep $MARK\" } }" &&
    { run 0 lost -N4 --exclusive --async-workflow=lost.json --async-workflow-dir=lost & } && other=$! &&
    wait_for 30 ranks 2 &&
    kill -KILL $(agent_of n2) &&
    wait $other &&
    test "$(events lost "\"status\":\"node_fail\"")" = 1 &&
    test "$(events lost "\"event\":\"finish\"")" = 2 &&
    "$top_builddir/tests/integration/replay" lost && async-workflow report lost >lost.txt &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'what srun refuses is reported as srun reports it' '
    workflow mpi.json "\"tasks\": { \"a\": { \"launch\": \"step\", \"srun\": [\"--mpi=unheard\"], \"command\": [\"true\"] } }" &&
    run 1 mpi -N1 --async-workflow=mpi.json --async-workflow-dir=mpi &&
    grep -q "its step could not be started: .*unheard" mpi.err
'

test_expect_success 'a program that is not there' '
    workflow none.json "\"tasks\": { \"a\": { \"launch\": \"step\", \"command\": [\"no-such-program\"] } }" &&
    run 1 none -N1 --async-workflow=none.json --async-workflow-dir=none &&
    test "$(events none "\"code\":127")" = 1 &&
    grep -q "cannot start no-such-program" none/logs/a.0.err
'

# Slurm signals one process after the other: the shell must not end by itself when its sleep does.
test_expect_success 'the time limit, with time to end well' '
    workflow late.json "\"tasks\": { \"a\": { \"nodes\": 2, \"time_limit\": 1,
        \"script\": \"trap \\\"echo ended; exit 0\\\" TERM; sleep $MARK & wait; while :; do sleep 0.1; done\" } }" &&
    run 1 late -N2 --async-workflow=late.json --async-workflow-dir=late &&
    test "$(events late "\"status\":\"timeout\"")" = 1 &&
    test "$(grep -c ended late/logs/a.0.out)" = 2
'

test_expect_success 'Ctrl-C ends steps as it does tasks; those that wait for their turn never start' '
    workflow stop.json "\"tasks\": { \"a\": { \"count\": 3, \"launch\": \"step\", \"command\": [\"sleep\", \"$MARK\"] } }" &&
    { ASYNC_WORKFLOW_MAX_STEPS=1 salloc -N2 --exclusive --quiet $INTERRUPTIBLE async-workflow run "$PWD/stop.json" --dir stop \
        >stop.out 2>stop.err </dev/null & } && other=$! &&
    wait_for 30 "started stop 3 && ranks 1" &&
    pkill -INT -f "^async-workflow run $PWD/stop.json" &&
    { wait $other; test $? = 3; } &&
    test "$(events stop "\"status\":\"cancelled\"")" = 3 &&
    test "$(events stop "\"status\":\"cancelled\"" "\"signal\":15")" = 1 &&
    wait_for 60 test "\$(sleepers)" = 0
'

test_expect_success 'steps end with a coordinator that is killed' '
    workflow orphan.json "\"tasks\": { \"a\": { \"nodes\": 2, \"command\": [\"sleep\", \"$MARK\"] } }" &&
    { salloc -N2 --quiet async-workflow run "$PWD/orphan.json" --dir orphan >orphan.out 2>&1 </dev/null & } && other=$! &&
    { wait_for 30 ranks 2 || { cat orphan.out; squeue; sinfo -N; false; }; } &&
    pkill -KILL -f "^async-workflow run $PWD/orphan.json" &&
    { wait $other || :; } &&
    wait_for 30 test "\$(sleepers)" = 0
'

test_expect_success 'without Slurm several ranks are an error, one is a process' '
    test_expect_code 2 async-workflow run --local kill.json --dir local 2>err &&
    grep -q "tasks.bad: several ranks or nodes need srun" err &&
    workflow alone.json "\"tasks\": { \"a\": { \"launch\": \"step\", \"command\": [\"true\"] } }" &&
    async-workflow run --local alone.json --dir alone
'

test_expect_success 'more nodes than there are' '
    workflow wide.json "\"tasks\": { \"a\": { \"nodes\": 5, \"command\": [\"true\"] } }" &&
    run 2 wide -N4 --async-workflow=wide.json --async-workflow-dir=wide &&
    grep -q "a task needs 5 nodes with 1 CPU each, and 4 of the pool.s 4 nodes have that" wide.err
'

# Options of container plugins reach them: a plugin of our own says what it was given.
cat >option.c <<\END
#include <stdio.h>
#include <slurm/spank.h>
SPANK_PLUGIN (image, 1)
static char image[64] = "none";
static int on_image (int val, const char *arg, int remote)
{
    (void)val;
    (void)remote;
    snprintf (image, sizeof (image), "%s", arg);
    return ESPANK_SUCCESS;
}
static struct spank_option option = { "container-image", "NAME", "for a test", 1, 0, on_image };
int slurm_spank_init (spank_t sp, int ac, char **av)
{
    (void)ac;
    (void)av;
    return spank_option_register (sp, &option);
}
int slurm_spank_task_init (spank_t sp, int ac, char **av)
{
    (void)ac;
    (void)av;
    return spank_setenv (sp, "IMAGE", image, 1);
}
END
test_expect_success 'a container plugin is there' '
    ${CC:-cc} -shared -fPIC -o "$CLUSTER_DIR/option.so" option.c &&
    echo "optional $CLUSTER_DIR/option.so" >>"$CLUSTER_DIR/plugstack.conf"
'

test_expect_success 'options of a container plugin are passed on, placeholders filled in' '
    workflow image.json "\"tasks\": { \"a\": { \"count\": 2, \"srun\": [\"--container-image=img{index}\", \"--export=ALL,MORE=x\"],
        \"script\": \"echo \$IMAGE \$MORE\" } }" &&
    run 0 image -N1 --async-workflow=image.json --async-workflow-dir=image &&
    grep -qx "img0 x" image/logs/a.0.out && grep -qx "img1 x" image/logs/a.1.out
'

test -x "$top_builddir/examples/mpi/halo" && srun --mpi=list 2>&1 | grep -qw pmi2 && test_set_prereq MPI
test_have_prereq MPI || say "the MPI example is not built, or Slurm has no pmi2"

# The nodes are one machine: over its loopback UCX's TCP hangs now and then.
test_expect_success MPI 'MPI: halo exchange over 2 and 4 nodes, beside tasks of the pool' '
    workflow halo.json "\"defaults\": { \"srun\": [\"--mpi=pmi2\"], \"environment\": { \"UCX_TLS\": \"self,sm\" } },
        \"tasks\": {
        \"two\": { \"time_limit\": \"2m\", \"count\": 2, \"nodes\": 2, \"gpus\": 1, \"command\": [\"$top_builddir/examples/mpi/halo\", \"48\", \"20\"] },
        \"four\": { \"time_limit\": \"2m\", \"nodes\": 4, \"ranks\": 8, \"gpus\": 1, \"command\": [\"$top_builddir/examples/mpi/halo\", \"48\", \"20\"] },
        \"pool\": { \"count\": 8, \"srun\": [], \"launch\": \"pool\", \"script\": \"$report; sleep 0.3\" } }" &&
    { run 0 halo -N4 --exclusive --gpus-per-node=2 --async-workflow=halo.json --async-workflow-dir=halo ||
        { tail -n 20 halo/journal.jsonl halo/logs/two.* halo/logs/four.*; false; }; } &&
    finished halo 11 && check_steps halo >checked && cat checked &&
    grep -q "20 reports of 11 tasks agree" checked &&
    grep -q "^8 ranks, .*: 0 cells differ" halo/logs/four.0.out &&
    test "$(cat halo/logs/two.*.out | grep -c "^2 ranks, .*: 0 cells differ")" = 2
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
