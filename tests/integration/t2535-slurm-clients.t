#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Snakemake 7 with --slurm, and Toil, unmodified, in one allocation each: a failing job; and a run whose client is
killed, whose node is lost, and which Ctrl-C ends, until a resumed one completes it

All four run at the same time. A job that waits has begun, and its client has no answer yet.'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

case $(snakemake --version 2>/dev/null) in
7.*) test_set_prereq SNAKEMAKE ;;
esac
command -v toil-cwl-runner >/dev/null && test_set_prereq TOIL
test_have_prereq SNAKEMAKE || test_have_prereq TOIL || { skip_all="neither Snakemake 7 nor Toil is installed"; test_done; }

# Neither Snakemake nor Toil can work in a directory with a blank in its name, as sharness has it.
dir=$(mktemp -d /tmp/aw-clients.XXXXXX) || exit 1
at_exit_also="rm -rf $dir"
cd "$dir" || exit 1
cluster_start --nodes 2 --cores 16 --gpus 0

PATH=$top_builddir/helpers:$PATH
HOME=$dir USER=$(id -un)
export PATH HOME USER
unset PYTHONPATH

# client DIR NAME COMMAND...: a directory with what runs COMMAND in one task, and a job for it that waits until attempt 3, if
# there is to be one
client ()
{
    mkdir -p "$1" &&
    cat >"$1/job" <<-\END &&
	#!/bin/sh
	cd "${0%/*}" && attempt=$(cat attempt) && lost=$((attempt > 1)) # on the lost node it may live on for a moment
	exec 9>lock.$1.$lost; flock -n 9 || { echo $1 >>twice; exit 1; }
	echo $1 >>began.$attempt
	until test $attempt = 3 -o -e bad; do sleep 0.1; done
	echo $1 >>ran
	echo $1
	END
    cat >"$1/client" <<-END &&
	#!/bin/sh
	echo \$ASYNC_WORKFLOW_ATTEMPT >attempt
	echo \$SLURM_JOB_ID \$SLURMD_NODENAME \$\$ >where.\$ASYNC_WORKFLOW_ATTEMPT
	$2
	END
    chmod +x "$1/client" "$1/job" &&
    workflow "$1/w.json" '"tasks": { "client": { "command": ["./client"], "retries": { "count": 3, "on": ["signal", "node_fail"] }, "slurm_commands": true } }'
}

# start DIR OPTION...: runs it in the background, in a job of its own
start ()
{
    (cd "$1" && shift && exec $INTERRUPTIBLE srun -N2 --ntasks-per-node=1 -c4 "$@" >>out 2>>err </dev/null) &
    pid=$!
}

# begun DIR N: all jobs of the client's attempt N wait
begun () { wait_for 120 "test \"\$(sort -u $1/began.$2 2>/dev/null | wc -l)\" = $(cat $1/jobs)"; }

# fails DIR: a run to its end
fails ()
{
    touch $1/bad && start $1 --async-workflow=w.json --async-workflow-dir=run && wait $pid
    echo $? >$1/status
}

# survives DIR: three ends of the client, and a fourth attempt
survives ()
{
    start $1 --async-workflow=w.json --async-workflow-dir=run
    begun $1 0 && kill -9 $(cut -d' ' -f3 $1/where.0) &&
    begun $1 1 && kill -9 $(agent_of $(cut -d' ' -f2 $1/where.1) $(cut -d' ' -f1 $1/where.1)) &&
    begun $1 2 && kill -INT $pid && wait_for 60 "grep -q stopping $1/err" && kill -INT $pid
    wait $pid
    echo $? >$1/interrupted
    start $1 --async-workflow-resume=run && wait $pid
    echo $? >$1/status
}

# done_well DIR STATUS: it survived, each job ran once to its end, and none next to another of it
done_well ()
{
    test "$(cat "$1/interrupted" "$1/status" | xargs)" = "3 0" && test_must_fail test -e "$1/twice" &&
        test "$(sort "$1/ran" | xargs)" = "$2" &&
        test $(events "$1/run" '"event":"start","task":"client[0]"') = 4 && test $(events "$1/run" node_lost) = 1 &&
        test $(events "$1/run" '"event":"cancel"' '"reason":"client[0]"') -ge 2 ||
        { head -n 50 "$1"/[eobrts]* "$1"/run/logs/client* "$1"/run/journal.jsonl >&4; false; }
}

# snakemake DIR INPUTS
snakemake ()
{
    client "$1" "test ! -d .snakemake || snakemake --unlock 2>/dev/null
	exec snakemake --slurm --default-resources mem_mb=10 runtime=5 --max-status-checks-per-second 1 --rerun-incomplete --keep-going --jobs 8" &&
    echo 1 >"$1/jobs" &&
    cat >"$1/Snakefile" <<-END
	rule all:
	    input: "part.1"$2
	rule make:
	    output: "part.{n}"
	    shell: "./job {wildcards.n} >{output}"
	rule bad:
	    output: "bad.txt"
	    shell: "exit 3"
	END
}

# toil DIR ARGUMENT...: the tool is the job, called with these
toil ()
{
    client "$1" 'test ! -d store || restart=--restart
	exec toil-cwl-runner $restart --batchSystem slurm --jobStore ./store --outdir results --disableCaching --no-container --retryCount 0 tool.cwl' &&
    echo 1 >"$1/jobs" &&
    printf "%s\n" "cwlVersion: v1.0" "class: CommandLineTool" "baseCommand: [$2]" "inputs: {}" "outputs: { all: stdout }" \
        "requirements: { ResourceRequirement: { coresMin: 1, ramMin: 10 } }" "stdout: all.txt" >"$1/tool.cwl"
}

test_expect_success 'pipelines' '
    snakemake snake-bad ", \"bad.txt\"" && snakemake snake && toil toil-bad "sh, -c, exit 3" && toil toil "$dir/toil/job, \"1\""
'

for name in snake toil; do
    if test_have_prereq $(echo $name | sed "s/snake/SNAKEMAKE/; s/toil/TOIL/"); then
        fails $name-bad &
        survives $name &
    fi
done
wait

test_expect_success SNAKEMAKE 'snakemake --slurm: a failing job is a failure for Snakemake, which decides' '
    test "$(cat snake-bad/status)" = 1 && test "$(cat snake-bad/ran)" = 1 &&
    grep "SLURM-job .* failed\|Error in rule bad" snake-bad/run/logs/client.0.err
'

test_expect_success SNAKEMAKE 'Snakemake killed, its node lost, Ctrl-C: its jobs end with it, and another attempt does what is left' '
    done_well snake 1 && test "$(cat snake/part.1)" = 1
'

test_expect_success TOIL 'toil-cwl-runner --batchSystem slurm: a failing tool is a failure for Toil' '
    test "$(cat toil-bad/status)" = 1 && test $(events toil-bad/run "\"event\":\"finish\",\"task\":\"toil_job_" failed) -ge 1
'

test_expect_success TOIL 'Toil killed, its node lost, Ctrl-C: its jobs end with it, and another attempt does what is left' '
    done_well toil 1 && test "$(cat toil/results/all.txt)" = 1
'

test_expect_success 'nothing is left running' 'nothing_left'

test_done
