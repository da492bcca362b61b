#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a run where cgroups confine jobs: cores, devices, memory, processes'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

# Nodes of this name have cgroups of this name, which Slurm leaves behind.
NODE=aw$$

# Version 1: a hierarchy for each controller. Version 2: one for all, here without systemd, which would not know of what slurmd makes in it.
confine=
for controller in cpuset devices memory freezer; do
    test -w /sys/fs/cgroup/$controller/cgroup.procs || { confine=no; break; }
done
if test -z "$confine"; then
    confine='CgroupPlugin=cgroup/v1'
elif grep -qsw cpuset /sys/fs/cgroup/cgroup.controllers && test -w /sys/fs/cgroup/cgroup.procs && ! test -d /run/systemd/system; then
    confine="CgroupPlugin=cgroup/v2
IgnoreSystemd=yes"
else
    skip_all='needs root, and cgroup v1 hierarchies or cgroup v2 without systemd'
    test_done
fi
if test "$(nproc)" -lt 2 || ! test -c /dev/tty1; then
    skip_all="needs two CPUs and device files /dev/tty0, /dev/tty1"
    test_done
fi

cluster_start --nodes 0 --node "${NODE}a CPUs=2 Gres=gpu:2" \
    --conf 'ProctrackType=proctrack/cgroup' --conf 'TaskPlugin=task/affinity,task/cgroup' \
    --cgroup "$confine" --cgroup 'CgroupMountpoint=/sys/fs/cgroup' \
    --cgroup 'ConstrainCores=yes' --cgroup 'ConstrainDevices=yes' --cgroup 'ConstrainRAMSpace=yes'

# What a task may use: CPUs, GPU variable, which of the two device files that stand for GPUs opens.
cat >probe <<'END'
#!/bin/sh
open=
for device in 0 1; do
    head -c 0 /dev/tty$device 2>/dev/null && open="$open $device"
done
echo "$(sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status) \"$CUDA_VISIBLE_DEVICES\"$open"
END
chmod +x probe

test_expect_success 'a whole node: tasks are bound within the step, and have its GPUs' '
    workflow whole.json "\"tasks\": { \"a\": { \"count\": 4, \"gpus\": 1, \"command\": [\"$PWD/probe\"] } }" &&
    run 0 whole --exclusive --gpus=2 --async-workflow=whole.json --async-workflow-dir=whole &&
    finished whole 4 &&
    sort -u whole/logs/a.*.out >actual &&
    printf "0 \"0\" 0 1\n0 \"1\" 0 1\n1 \"0\" 0 1\n1 \"1\" 0 1\n" >possible &&
    test -s actual && ! grep -vxF -f possible actual
'

# Slurm numbers the devices that a job may open from 0.
cat >together <<'END'
#!/bin/sh
"$1"
touch "$2.here"
for try in $(seq 600); do
    test -e one.here && test -e two.here && exit
    sleep 0.1
done
exit 1
END
chmod +x together

test_expect_success 'two jobs on one node: each has its core and its GPU, and no more' '
    for name in one two; do
        workflow $name.json "\"tasks\": { \"a\": { \"gpus\": 1,
            \"command\": [\"$PWD/together\", \"$PWD/probe\", \"$name\"] } }" &&
        { srun -n1 --mem=200 --gpus=1 --async-workflow=$name.json --async-workflow-dir=$name \
            >$name.out 2>&1 & } || return 1
    done &&
    wait &&
    finished one 1 && finished two 1 &&
    cat one/logs/a.0.out two/logs/a.0.out | sort >actual &&
    cat actual &&
    test "$(cut -d " " -f 1 actual | tr -d "\n")" = 01 &&
    test "$(cut -d " " -f 2 actual | sort -u)" = "\"0\"" &&
    test "$(cut -d " " -f 3- actual | sort | tr -d "\n")" = 01
'

test_expect_success 'a task beyond the memory of the job is killed; agent and run go on' '
    workflow memory.json "\"defaults\": { \"on_failure\": \"continue\" }, \"tasks\": {
        \"fat\": { \"command\": [\"python3\", \"-c\", \"len (bytearray (10 ** 9))\"] },
        \"lean\": { \"after\": [\"fat\"], \"count\": 3, \"command\": [\"true\"] } }" &&
    run 0 memory -n1 --mem=200 --async-workflow=memory.json --async-workflow-dir=memory &&
    test $(events memory "\"event\":\"finish\",\"task\":\"lean" "\"status\":\"completed\"") = 3 &&
    test $(events memory "\"event\":\"finish\",\"task\":\"fat" "\"status\":\"out_of_memory\",\"code\":0,\"signal\":9") = 1
'

# None of its processes is as large as the agent.
test_expect_success 'a task of many small processes beyond the memory of the job is killed; agent and run go on' '
    workflow small.json "\"defaults\": { \"on_failure\": \"continue\" }, \"tasks\": {
        \"many\": { \"time_limit\": 5, \"script\": \"for i in \$(seq 600); do sleep 600 & done; wait\" },
        \"lean\": { \"after\": [\"many\"], \"count\": 3, \"command\": [\"true\"] } }" &&
    run 0 small -n1 --mem=30 --async-workflow=small.json --async-workflow-dir=small &&
    grep task small/journal.jsonl &&
    test $(events small "\"event\":\"finish\",\"task\":\"lean" "\"status\":\"completed\"") = 3 &&
    test $(events small node_lost) = 0
'

test_expect_success 'scratch in memory: what does not fit the job is not staged' '
    head -c 150000000 /dev/zero >large &&
    workflow shm.json "\"tasks\": { \"a\": { \"stage_in\": [\"large\"], \"command\": [\"true\"] } }" &&
    run 1 shm -n1 --mem=200 --async-workflow=shm.json --async-workflow-dir=shm --async-workflow-scratch=/dev/shm &&
    grep "in the job.s memory: name a disk with --scratch" shm/journal.jsonl &&
    test $(events shm node_lost) = 0
'

test_expect_success 'with its agent a task ends, whatever it has become' '
    workflow daemon.json "\"tasks\": { \"d\": { \"script\": \"trap : TERM; setsid setsid sleep $MARK & wait; sleep 600\" } }" &&
    (srun -n1 --async-workflow=daemon.json --async-workflow-dir=daemon >daemon.out 2>&1; echo $? >daemon.status) &
    wait_for 60 "test \"\$(sleepers)\" = 1" &&
    agent=$(agent_of ${NODE}a) && test -n "$agent" && kill -KILL $agent &&
    wait_for 60 "test -s daemon.status" &&
    wait_for 30 "test \"\$(sleepers)\" = 0"
'

test_expect_success 'nothing is left' '
    nothing_left
'

cluster_stop
find /sys/fs/cgroup -depth -type d \( -path "*/slurm_$NODE*" -o -path "*/${NODE}a_slurmstepd.scope*" \) -exec rmdir {} + 2>/dev/null

test_done
