#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='The pool step: every agent gets all that the job holds on its node

pool-driver stands for the coordinator, stub-agent for the agent.'
. "$(dirname "$0")/lib.sh"

driver=$top_builddir/tests/integration/pool-driver
agent=$top_srcdir/tests/integration/stub-agent
if ! test -x "$driver"; then
    skip_all="pool-driver is not built"
    test_done
fi

# n1, n2: 16 CPUs in cores of two threads, 4 GPUs; n3: less of each.
cluster_start --nodes 2 --sockets 2 --cores 4 --threads 2 --no-plugin --node 'n3 CPUs=4 Gres=gpu:2'

# In an allocation, not for ever.
in_job ()
{
    timeout 60 salloc --quiet "$@"
}

# all_held FILE NODES: as many agents as nodes, and each reports the CPUs and GPUs that the job
# holds there.
all_held ()
{
    cat "$1"
    awk -v want="$2" '
        $1 == "job" { held[$2] = $3 " " $5 }
        $1 == "line" && $2 == "agent" && NF > 4 { n++; if (held[$3] != $4 " " $5) bad = 1 }
        $1 == "ended" { status = $2; ended = 1 }
        END { exit bad || n != want || !ended || status }' "$1"
}

# sbatch_pool NODES DIRECTIVE...: in a batch script with these #SBATCH lines.
sbatch_pool ()
{
    nodes=$1
    shift
    {
        echo "#!/bin/sh"
        for directive; do echo "#SBATCH $directive"; done
        echo "exec '$driver' '$agent'"
    } >job.sh &&
        rm -f out &&
        timeout 60 sbatch --wait --output="$PWD/out" job.sh && all_held out "$nodes"
}

while IFS='|' read -r nodes options; do
    test_expect_success "salloc $options" "
        in_job $options '$driver' '$agent' >out && all_held out $nodes
    "
done <<'END'
1|-n 3
3|-N 3
2|-N 2 --exclusive
3|-N 3 --exclusive
2|-N 2 --exclusive --gpus=2
2|-N 2 -n 4 --gpus-per-task=1 -w n2,n3
3|-N 3 --gpus=7
2|-N 2 --gpus-per-node=3
1|-n 4 -c 4 --gpus-per-task=1 --mem-per-gpu=100
1|-n 2 --threads-per-core=1
1|-n 2 -c 3 --hint=nomultithread
2|-N 2 --ntasks-per-node=2 --cpus-per-gpu=2 --gpus-per-node=2
2|-N 2 -n 9 --overcommit
3|-N 3 --mem=0 --gres=gpu:1
END

test_expect_success 'a batch script with all that leaks into an srun' '
    sbatch_pool 2 --nodes=2 --ntasks-per-node=2 --cpus-per-task=4 --mem-per-cpu=200 \
        --gpus-per-node=2 --export=PATH,SLURM_CONF --distribution=cyclic --job-name=awkward &&
    grep "line agent n1 .*awkward $PWD --coordinator" out
'

test_expect_success 'a batch script: --gpus-per-task, --cpus-per-gpu, --exclusive' '
    sbatch_pool 2 --nodes=2 --ntasks=3 --gpus-per-task=1 --cpus-per-gpu=2 --exclusive
'

test_expect_success 'variables that make an srun behave strangely' '
    (
        export SLURM_NTASKS=7 SLURM_CPU_BIND=rank SLURM_EXACT=1 SLURM_WAIT=1 SLURM_GRES=none \
            SLURM_HINT=nomultithread SLURM_LABELIO=1 SLURM_STDOUTMODE=/nowhere \
            SLURM_WORKING_DIR=/nowhere SRUN_CPUS_PER_TASK=2 SLURM_OVERCOMMIT=1 SLURM_GPUS=1
        in_job -N 2 -c 2 --gpus-per-node=2 "$driver" "$agent" >out
    ) &&
    all_held out 2
'

while IFS='|' read -r expected options; do
    test_expect_success "some of the nodes: $options" "
        in_job -N 3 --exclusive '$driver' '$agent' $options >out &&
        all_held out $(echo "$expected" | wc -w) &&
        test '$expected' = \"\$(sed -n 's/^line agent \([^ ]*\) .*/\1/p' out | sort | xargs)\"
    "
done <<'END'
n1|-N 1
n1 n2|--nodes=1-2
n3|-w n3
n2 n3|--exclude=n1
n1 n3|-N 2 -w n3
n2|-r 1 -N 1
END

test_expect_success 'nodes that the job does not have' '
    test_must_fail in_job -N 1 "$driver" "$agent" -N 2 2>err &&
    grep "2 nodes are asked for, but 1 of job [0-9]*.s 1 is available" err &&
    test_must_fail in_job -N 1 -w n1 "$driver" "$agent" -w n2 2>err &&
    grep "n2 is not a node of job" err
'

test_expect_success 'stdin is left to the caller' '
    printf "one\ntwo\n" | in_job -N 1 sh -c "
        \"$driver\" \"$agent\" >out && cat >rest" &&
    printf "one\ntwo\n" >expected &&
    test_cmp expected rest
'

test_expect_success 'an agent that fails takes no other with it' '
    : >stay &&
    {
        STUB_FAIL=n2 STUB_WAIT=$PWD/stay in_job -N 2 --exclusive -w n1,n2 \
            "$driver" "$agent" >out &
    } &&
    wait_for 60 "grep -q \"n2: task .*: Exited with exit code 3\" out" &&
    rm stay &&
    wait &&
    grep "agent n1 is done" out &&
    grep "^ended 768$" out
'

test_expect_success 'a second pool waits for the first' '
    : >stay &&
    cat >two.sh <<-\END &&
    limit=$(($(date +%s) + 30))
    wait_until () {
        until eval "$1" || test $(date +%s) -gt $limit; do sleep 0.05; done
    }
    STUB_WAIT=$PWD/stay "$1" "$2" >first &
    wait_until "test \$(grep -c \"line agent\" first) = 2"
    "$1" "$2" >second &
    wait_until "test \$(grep -c \"^job\" second) = 2"
    grep "line agent" second >wrong
    rm stay
    wait
END
    in_job -N 2 --exclusive -w n1,n2 sh ./two.sh "$driver" "$agent" &&
    test_must_be_empty wrong &&
    grep "agent n2 is done" first &&
    all_held second 2
'

test_expect_success 'the end of the driver ends the step' '
    : >stay &&
    {
        STUB_WAIT=$PWD/stay in_job -N 2 --exclusive -w n1,n2 sh -c "
            echo \$\$ >pid
            exec \"$driver\" \"$agent\"" >out &
    } &&
    wait_for 60 "test \$(grep -c \"line agent\" out) = 2" &&
    kill -INT $(cat pid) &&
    wait_for 60 "test -z \"\$(squeue --noheader)\"" &&
    test_must_fail grep ended out &&
    no_process_left
'

test_expect_success 'an agent that is not there' '
    in_job -N 1 "$driver" /nonexistent/agent >out &&
    grep "line .*/nonexistent/agent: No such file or directory" out &&
    grep "^ended 512$" out
'

test_expect_success 'no process is left behind' '
    no_process_left
'

test_done
