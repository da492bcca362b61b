#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The private cluster: what other integration tests stand on'

. "$(dirname "$0")/lib.sh"

cluster_start --no-plugin --nodes 2 --cores 8 --gpus 2 --node 'u1 CPUs=4 Gres=gpu:1' \
    --conf 'SrunPortRange=61001-61100' --conf 'KillWait=7'

test_expect_success 'nodes are as asked for' '
    sinfo --noheader --Node --format "%N %c %G" >actual &&
    cat >expected <<-END &&
	n1 8 gpu:2
	n2 8 gpu:2
	u1 4 gpu:1
	END
    test_cmp expected actual
'

test_expect_success 'lines of slurm.conf are taken, in place of the defaults' '
    scontrol show config >config &&
    grep -q "SrunPortRange *= 61001-61100" config &&
    grep -q "KillWait *= 7 sec" config
'

test_expect_success 'jobs run, with their GPUs' '
    srun --nodes=2 --ntasks=2 --gpus-per-node=2 --constraint= \
        sh -c "echo \$SLURMD_NODENAME \$CUDA_VISIBLE_DEVICES" | sort >actual &&
    printf "n1 0,1\nn2 0,1\n" >expected &&
    test_cmp expected actual
'

test_expect_success 'the environment is printed again on demand' '
    "$CLUSTER" env "$CLUSTER_DIR" >again &&
    grep -qF "export SLURM_CONF=" again &&
    test -S "$ASYNC_WORKFLOW_MUNGE_SOCKET"
'

test_expect_success 'a second cluster lives beside the first' '
    second=$(mktemp -d /tmp/aw-test.XXXXXX) &&
    test_when_finished "\"$CLUSTER\" stop \"$second\" && rm -rf \"$second\"" &&
    "$CLUSTER" start "$second" --no-plugin --nodes 1 >environment &&
    (
        . ./environment &&
        test "$(srun echo second)" = second
    ) &&
    test "$(srun echo first)" = first
'

test_expect_success 'starting twice in one directory is refused' '
    test_expect_code 1 "$CLUSTER" start "$CLUSTER_DIR" --no-plugin 2>error &&
    grep -q "a cluster is running here" error &&
    "$CLUSTER" status "$CLUSTER_DIR"
'

test_expect_success 'a wrong line fails soon, prints the log and leaves nothing' '
    wrong=$(mktemp -d /tmp/aw-test.XXXXXX) &&
    test_expect_code 1 "$CLUSTER" start "$wrong" --no-plugin --conf Bogus=1 >out 2>error &&
    grep -q "unrecognized key: Bogus" error &&
    test "$(cat out)" = false &&
    test -z "$("$CLUSTER" users "$wrong")" &&
    rm -rf "$wrong"
'

test_expect_success 'wrong command lines are told' '
    test_expect_code 2 "$CLUSTER" start 2>error && grep -q "which directory" error &&
    test_expect_code 2 "$CLUSTER" start "$HOME" 2>error && grep -q "cannot hold" error &&
    test_expect_code 2 "$CLUSTER" start /tmp --nodes x 2>error && grep -q "not a number" error &&
    test_expect_code 2 "$CLUSTER" start /tmp --nodes 0 2>error && grep -q "needs a node" error &&
    test_expect_code 2 "$CLUSTER" begin /tmp 2>error && grep -q "unknown command" error &&
    "$CLUSTER" --help >help && grep -q "^Usage: cluster start" help
'

test_expect_success 'a directory with a long name will do' '
    long=$(mktemp -d /tmp/aw-test.XXXXXX) &&
    deep=$long/$(printf "%0100d" 0)/$(printf "%0100d" 0) &&
    test_when_finished "\"$CLUSTER\" stop \"$deep\" && rm -rf \"$long\"" &&
    "$CLUSTER" start "$deep" --no-plugin --nodes 1 >environment &&
    (. ./environment && test "$(srun echo deep)" = deep)
'

test_expect_success 'processes of jobs are seen' '
    no_process_left &&
    (srun --nodes=2 --ntasks=2 sleep 600 & echo $! >srun.pid) 2>srun.err &&
    wait_for 60 "test \"\$(\"$CLUSTER\" users \"$CLUSTER_DIR\" | grep -c \"sleep 600\")\" -ge 2" &&
    ! no_process_now &&
    scancel --user="$(id -un)" &&
    no_process_left
'

test_expect_success 'stop ends everything, deaf and detached tasks and dead daemons included' '
    (srun --nodes=2 --ntasks=2 sh -c "trap : TERM; setsid sleep 601 & sleep 602" &) 2>srun.err &&
    wait_for 60 "test \"\$(\"$CLUSTER\" users \"$CLUSTER_DIR\" | grep -c \"sleep 60\")\" -ge 4" &&
    daemons=$(cat "$CLUSTER_DIR"/run/*.pid) &&
    kill -KILL "$(cat "$CLUSTER_DIR/run/munged.pid")" "$(cat "$CLUSTER_DIR/run/slurmctld.pid")" \
        "$(cat "$CLUSTER_DIR/run/slurmd-n1.pid")" &&
    "$CLUSTER" stop "$CLUSTER_DIR" &&
    test_must_fail "$CLUSTER" status "$CLUSTER_DIR" &&
    test -z "$("$CLUSTER" users "$CLUSTER_DIR")" &&
    for pid in $daemons; do
        ! grep -qs "^State:.*[^Z] (" /proc/$pid/status || return 1 # who has ended may wait for init to reap it
    done &&
    "$CLUSTER" stop "$CLUSTER_DIR"
'

test_done
