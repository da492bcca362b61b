#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='submitted tasks over the nodes of a job, also when the node of the submitting task is lost'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 2 --cores 4 --gpus 0

PATH=$top_builddir/helpers:$PATH
export PATH

# client NAME [KEYS]: NAME.json runs NAME.sh in the one task "client"
client () { workflow "$1.json" "\"tasks\": { \"client\": { \"command\": [\"sh\", \"$PWD/$1.sh\"]$2 } }"; }

test_expect_success 'tasks run on both nodes, with the variables of their own place, and submit others' '
    client both &&
    cat >place.sh <<-\END &&
	echo $SLURMD_NODENAME $SLURM_CPUS_ON_NODE $SLURM_JOB_NUM_NODES $MINE
	END
    cat >wide.sh <<-\END &&
	sh place.sh
	echo >>begun
	until test $(wc -l <begun) -ge 2; do sleep 0.05; done
	async-workflow submit --name child sh place.sh >child.$1
	async-workflow wait $(cat child.$1)
	END
    cat >both.sh <<-\END &&
	export MINE="is mine"
	ids=
	for i in 1 2 3; do
	    ids="$ids $(async-workflow submit --name wide --cpus 3 sh wide.sh $i)"
	done
	async-workflow wait $ids || exit 1
	async-workflow status --task $ids $(cat child.*)
	END
    run 0 both -N2 --exclusive --async-workflow=both.json --async-workflow-dir=both &&
    test $(grep -cx success both/logs/client.0.out) = 6 &&
    cat both/logs/wide-*.out >wide && test $(grep -c "^n[12] 3 1 is mine$" wide) = 3 &&
    test $(grep "^n[12] 3" wide | sort -u | wc -l) = 2 &&
    cat both/logs/child-*.out >child && test $(grep -c "^n[12] 1 1 is mine$" child) = 3 &&
    nothing_left
'

# A client on a node of its own (3 of 4 CPUs and a task of 3 do not fit together).
test_expect_success 'the node of the submitting task is lost: what it has submitted ends, and its next attempt submits again' '
    client lost ", \"cpus\": 3" &&
    cat >lost.sh <<-\END &&
	id=$(async-workflow submit --name job --cpus 3 sh -c "echo up; test $ASYNC_WORKFLOW_ATTEMPT != 0 || exec sleep 300")
	after=$(async-workflow submit --name after --after-ok $id true)
	echo $SLURMD_NODENAME >node.$ASYNC_WORKFLOW_ATTEMPT
	test $ASYNC_WORKFLOW_ATTEMPT = 0 || exit 0
	async-workflow wait $after
	END
    srun -N2 --exclusive --async-workflow=lost.json --async-workflow-dir=lost >lost.out 2>lost.err </dev/null &
    pid=$! &&
    wait_for 60 "test -s node.0 && grep -q up lost/logs/job-1000000000.0.out" &&
    kill -9 $(agent_of $(cat node.0)) &&
    test_expect_code 0 wait $pid &&
    test $(events lost node_lost) = 1 &&
    test $(events lost "\"event\":\"cancel\",\"task\":\"job-1000000000[0]\"" "client[0]") = 1 &&
    test $(events lost "\"event\":\"start\",\"task\":\"job-1000000000[0]\"") = 1 &&
    test $(events lost "\"event\":\"start\",\"task\":\"after-1000000001[0]\"") = 0 &&
    test $(events lost "\"event\":\"finish\",\"task\":\"after-1000000003[0]\"" completed) = 1 &&
    nothing_left
'

test_done
