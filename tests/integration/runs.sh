# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# runs.sh - for tests that run workflows on the private cluster; sourced after lib.sh
#
# Tasks that wait do so in "sleep $MARK": a number that no other test uses, by which they are found.

MARK=$$$(date +%N | cut -c 1-4)

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1"; }

# run STATUS NAME SRUN-OPTION...: srun with these options ends with this status; NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" srun "$@" >"$name.out" 2>"$name.err" </dev/null ||
        { tail -n 40 "$name.out" "$name.err"; false; }
}

# batch STATUS NAME LINE...: a script of these "#SBATCH" lines that runs NAME.json in directory NAME, as users
# write it, ends its srun with this status; output in NAME.log
batch ()
{
    want=$1 name=$2
    shift 2
    {
        echo '#!/bin/sh'
        for line in "$@"; do
            echo "#SBATCH $line"
        done
        echo "srun --async-workflow=$name.json --async-workflow-dir=$name"
        echo 'echo "status $?"'
    } >"$name.sh"
    rm -f "$name.log"
    sbatch --parsable --output="$name.log" "$name.sh" >"$name.id" &&
        wait_for 60 "grep -qs '^status' $name.log" &&
        grep -qx "status $want" "$name.log" || { cat "$name.log"; false; }
}

# events DIR WORD...: how many lines of the journal have all these words
events ()
{
    lines=$(cat "$1/journal.jsonl" 2>/dev/null)
    shift
    for word in "$@"; do
        lines=$(printf '%s\n' "$lines" | grep -F -- "$word") || { echo 0; return; }
    done
    printf '%s\n' "$lines" | wc -l
}

# at DIR EVENT TASK: line number of it in the journal
at () { grep -nF "\"event\":\"$2\",\"task\":\"$3\"" "$1/journal.jsonl" | head -n 1 | cut -d: -f1; }

# started DIR N: this many starts are in the journal
started () { test "$(events "$1" '"event":"start"')" -ge "$2"; }

# finished DIR N: this many tasks were completed, and the run ended well
finished ()
{
    test "$(events "$1" '"event":"finish"' '"status":"completed"')" = "$2" &&
        tail -n 1 "$1/journal.jsonl" | grep -q '"event":"end","code":0' ||
        { tail -n 20 "$1/journal.jsonl"; false; }
}

# ended DIR CODE
ended () { tail -n 1 "$1/journal.jsonl" | grep -q "\"event\":\"end\",\"code\":$2"; }

# sleepers: how many tasks wait in "sleep $MARK"
sleepers () { pgrep -cxf "sleep $MARK"; }

# none_runs WORDS: no process that was told of the cluster has these words in its command line
none_runs ()
{
    for pid in $("$CLUSTER" users "$CLUSTER_DIR"); do
        tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$*" && return 1
    done
    true
}

# members LIST: how many numbers there are in a list such as 0-3,7
members ()
{
    echo "$1" | tr ',' '\n' | awk -F- 'NF { n += NF == 2 ? $2 - $1 + 1 : 1 } END { print n + 0 }'
}

# pool DIR: "node cpus gpus" by the journal
pool ()
{
    sed -n 's/.*"event":"node","node":"\([^"]*\)","cpus":"\([^"]*\)","gpus":"\([^"]*\)".*/\1 \2 \3/p' \
        "$1/journal.jsonl" | while read -r node cpus gpus; do
        echo "$node $(members "$cpus") $(members "$gpus")"
    done
}

# held FILE: the same by "scontrol show job -d", kept in FILE
held ()
{
    sed -n 's/^ *Nodes=\([^ ]*\) CPU_IDs=\([^ ]*\) .*GRES=\(.*\)$/\1 \2 \3/p' "$1" |
        while read -r nodes cpus gres; do
            gpus=$(echo "$gres" | sed -n 's/.*IDX:\([0-9,-]*\)).*/\1/p')
            for node in $(scontrol show hostnames "$nodes"); do
                echo "$node $(members "$cpus") $(members "$gpus")"
            done
        done | sort
}

no_job () { test -z "$(squeue --noheader)"; }

# nothing_left: no job, no task, no agent, no command
nothing_left ()
{
    wait_for 60 no_job || { squeue --long; scontrol show job; tail -n 30 "$CLUSTER_DIR"/log/*; return 1; }
    no_process_left
}

# coordinator_of PID: the id of the coordinator of srun PID, between which salloc is
coordinator_of () { pgrep -P "$(pgrep -P "$1")"; }

# agent_of NODE [JOB]: the id of its agent
agent_of ()
{
    variables=2
    test -z "$2" || variables=3
    for agent in $(pgrep -x async-workflow-); do
        test "$(tr '\0' '\n' 2>/dev/null <"/proc/$agent/environ" |
            grep -cxF -e "SLURMD_NODENAME=$1" -e "SLURM_CONF=$SLURM_CONF" ${2:+-e "SLURM_JOB_ID=$2"})" != $variables ||
            echo $agent
    done
}
