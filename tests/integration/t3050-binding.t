#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='where tasks run: each tells its CPUs, its GPUs and its threads; two jobs on one node'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

if test "$(nproc)" -lt 2; then
    skip_all="needs two CPUs"
    test_done
fi

# n1 has the CPUs that this machine has, so that tasks can be bound; n2 is only declared.
cluster_start --nodes 0 --node "n1 CPUs=2 CoresPerSocket=2 Gres=gpu:a100:2" \
    --node "n2 CPUs=16 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2 Gres=gpu:4"

# What a task may use, as the kernel and its environment say.
cat >probe <<'END'
#!/bin/sh
echo "cpus $(sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status)"
echo "memory $(sed -n '1s/^[^ ]* \([a-z]*\).*/\1/p' /proc/self/numa_maps)"
echo "gpus <$CUDA_VISIBLE_DEVICES>"
echo "omp $OMP_NUM_THREADS <$OMP_PLACES> <$OMP_PROC_BIND>"
echo "share <$ASYNC_WORKFLOW_GPU_SHARE> <$CUDA_MPS_ACTIVE_THREAD_PERCENTAGE>"
END
# The same, then waits until the other job's task has done so.
cat >together <<'END'
#!/bin/sh
./probe
touch "$1.here"
for try in $(seq 600); do
    test -e "$1.here" && test -e "$2.here" && exit
    sleep 0.1
done
exit 1
END
chmod +x probe together

# planned DIR SET INDEX: its CPUs by the journal
planned ()
{
    sed -n "s/.*\"event\":\"start\",\"task\":\"$2\[$3\]\".*\"cpus\":\"\([^\"]*\)\".*/\1/p" \
        "$1/journal.jsonl"
}

# said DIR SET INDEX WORD: what it printed behind WORD
said () { sed -n "s/^$4 //p" "$1/logs/$2.$3.out"; }

test_expect_success 'tasks are bound to the CPUs of the journal, and see the GPUs that they asked for' '
    workflow bound.json "\"tasks\": {
        \"none\": { \"count\": 2, \"command\": [\"./probe\"] },
        \"wide\": { \"cpus\": 2, \"gpus\": 2, \"command\": [\"./probe\"] },
        \"part\": { \"gpus\": 0.25, \"command\": [\"./probe\"] } }" &&
    run 0 bound -w n1 --exclusive --gpus=2 --async-workflow=bound.json --async-workflow-dir=bound &&
    finished bound 4 &&
    said bound none 0 cpus >actual && planned bound none 0 >expected && test_cmp expected actual &&
    said bound none 1 cpus >actual && planned bound none 1 >expected && test_cmp expected actual &&
    said bound wide 0 cpus >actual && planned bound wide 0 >expected && test_cmp expected actual &&
    test "$(members "$(cat actual)")" -eq 2 &&
    test "$(said bound wide 0 gpus)" = "<0,1>" &&
    said bound wide 0 omp | grep -qx "2 <{[0-9]*},{[0-9]*}> <false>" &&
    test "$(said bound none 0 gpus)" = "<>" &&
    test "$(said bound none 0 omp)" = "1 <{$(said bound none 0 cpus)}> <false>" &&
    test "$(said bound none 0 share)" = "<> <>" &&
    test "$(said bound part 0 share)" = "<0.25> <25>" &&
    said bound part 0 gpus | grep -qx "<[01]>"
'

if test -r /proc/self/numa_maps && grep -q '^Seccomp:[^0-9]*0$' /proc/self/status; then
    test_set_prereq NUMA
fi

test_expect_success NUMA 'memory is taken beside the CPUs, where it can be chosen' '
    test "$(said bound wide 0 memory)" = prefer &&
    test "$(said bound none 1 memory)" = prefer
'

test_expect_success 'GPUs have the type that gres.conf gives them' '
    grep -q "\"event\":\"node\".*gpu 0=[^|]*:a100|1=[^|]*:a100" bound/journal.jsonl
'

# see VARIABLE: what the three tasks see of their GPUs in it, sorted
see ()
{
    workflow see.json "\"tasks\": {
        \"gpu\": { \"count\": 2, \"gpus\": 1, \"script\": \"echo \$$1; sleep 0.2\" },
        \"none\": { \"script\": \"echo none \$$1\" } }" &&
    rm -rf see && async-workflow run --local --gpus 2 --dir see see.json >see.out 2>&1 &&
    cat see/logs/*.out | sort
}

test_expect_success 'GPUs by name, of each kind; a task that asked for none sees none' '
    CUDA_VISIBLE_DEVICES=GPU-8f2c,MIG-11aa see CUDA_VISIBLE_DEVICES >actual &&
    printf "%s\n" GPU-8f2c MIG-11aa "none" >expected && test_cmp expected actual &&
    ROCR_VISIBLE_DEVICES=GPU-aa,GPU-bb see ROCR_VISIBLE_DEVICES >actual &&
    printf "%s\n" GPU-aa GPU-bb "none" >expected && test_cmp expected actual &&
    ROCR_VISIBLE_DEVICES=GPU-aa,GPU-bb see CUDA_VISIBLE_DEVICES >actual &&
    printf "%s\n" 0 0 "none" >expected && test_cmp expected actual &&
    ZE_AFFINITY_MASK=0.0,0.1 see ZE_AFFINITY_MASK >actual &&
    printf "%s\n" 0.0 0.1 "none 65535" >expected && test_cmp expected actual
'

test_expect_success 'two jobs on one node: each binds to its own core' '
    for name in one two; do
        other=$(test $name = one && echo two || echo one)
        workflow $name.json "\"tasks\": { \"a\": { \"command\": [\"./together\", \"$name\", \"$other\"] } }" &&
        { srun -w n1 -n1 --mem=200 --async-workflow=$name.json --async-workflow-dir=$name \
            >$name.out 2>&1 & } || return 1
    done &&
    wait &&
    finished one 1 && finished two 1 &&
    test "$(said one a 0 cpus)" = "$(planned one a 0)" &&
    test "$(said two a 0 cpus)" = "$(planned two a 0)" &&
    test "$(members "$(said one a 0 cpus)")" -eq 1 &&
    test "$(said one a 0 cpus)" != "$(said two a 0 cpus)" &&
    test "$(members "$(said two a 0 cpus)")" -eq 1
'

# Its second socket has the odd CPUs, its second threads come last: as many real machines have it.
MACHINE="pack:2 core:4 pu:2(indexes=0,8,2,10,4,12,6,14,1,9,3,11,5,13,7,15)"

test_expect_success 'a declared machine: what two jobs plan there is each one'\''s own, in its numbers' '
    rm -f *.here &&
    for name in first second; do
        other=$(test $name = first && echo second || echo first)
        workflow $name.json "\"tasks\": { \"a\": { \"cpus\": 8, \"command\": [\"./together\", \"$name\", \"$other\"] } }" &&
        { HWLOC_SYNTHETIC=$MACHINE srun -w n2 -n1 -c8 --mem=200 --async-workflow=$name.json \
            --async-workflow-dir=$name >$name.out 2>&1 & } || return 1
    done &&
    wait &&
    finished first 1 && finished second 1 &&
    { planned first a 0; planned second a 0; } | sort >actual &&
    printf "%s\n" 0,2,4,6,8,10,12,14 1,3,5,7,9,11,13,15 >expected &&
    test_cmp expected actual &&
    grep -q "\"topology\":\"core [0-9]*,[0-9]*|[0-9]*,[0-9]*|[0-9]*,[0-9]*|[0-9]*,[0-9]*;" first/journal.jsonl &&
    grep -q "run unbound" first.out &&
    test "$(said first a 0 omp)" = "8 <> <>" &&
    test "$(said first a 0 cpus)" = "$(sed -n "s/^Cpus_allowed_list:[^0-9]*//p" /proc/self/status)"
'

test_expect_success 'CPUs that do not exist: planned by Slurm'\''s numbers, and said once' '
    rm -f *.here &&
    for name in third fourth; do
        other=$(test $name = third && echo fourth || echo third)
        workflow $name.json "\"tasks\": { \"a\": { \"cpus\": 2, \"command\": [\"./together\", \"$name\", \"$other\"] } }" &&
        { srun -w n2 -n1 -c2 --mem=200 --async-workflow=$name.json --async-workflow-dir=$name \
            >$name.out 2>&1 & } || return 1
    done &&
    wait &&
    finished third 1 && finished fourth 1 &&
    planned third a 0 >a && planned fourth a 0 >b &&
    ! test_cmp a b &&
    # A larger machine has some of them.
    { test "$(nproc)" -gt 2 || grep -q "run unbound" third.out fourth.out; } &&
    test "$(grep -c "run unbound" third.out)" -le 1 &&
    test "$(grep -c "run unbound" fourth.out)" -le 1
'

test_expect_success 'memory of the pool is what Slurm gave the job' '
    grep -q "\"event\":\"node\".*\"mem\":209715200[,}]" one/journal.jsonl
'

test_expect_success 'nothing is left' '
    nothing_left
'

test_done
