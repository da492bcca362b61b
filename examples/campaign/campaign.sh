#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=campaign --requeue --open-mode=append --output=campaign.log
#
# A workflow that takes longer than a job may: sbatch [OPTION]... campaign.sh [FILE [DIRECTORY]]
#
# Each job continues where the one before stopped: at its time limit, a lost node, a requeue, kill -9.
# The next job is submitted before anything runs, and starts only if this one fails. So the chain
# holds even if this script never reaches its end. It ends when all is done, when a task has failed
# and has no retry left, and when two jobs in a row have completed nothing. The next job is as large
# as this one. Other options of sbatch come from the lines above or from sbatch's variables
# (SBATCH_PARTITION, SBATCH_TIMELIMIT, ...).

file=${1:-campaign.json}
run=${2:-campaign-run}
next_file=$run.next # the next job
idle_file=$run.idle # how many jobs in a row have completed nothing

say () { echo "campaign: job $SLURM_JOB_ID: $*"; }
completed () { grep -c '"status":"completed"' "$run/journal.jsonl" 2>/dev/null; }

# A requeued job has submitted the next one already. That one may have started, because some releases
# of Slurm treat a requeue as a failure.
read -r next owner 2>/dev/null <"$next_file"
if test "${SLURM_RESTART_COUNT:-0}" -gt 0 && test -n "$owner" && test "$owner" != "$SLURM_JOB_ID"; then
    say "job $owner has taken over"
    exit 0
fi
if test "$owner" != "$SLURM_JOB_ID"; then
    next=$(sbatch --parsable --dependency=afternotok:"$SLURM_JOB_ID" --nodes="$SLURM_JOB_NUM_NODES" \
        ${SLURM_NTASKS:+--ntasks="$SLURM_NTASKS"} "$0" "$file" "$run") || {
        say "cannot submit the next job"
        exit 1
    }
    echo "$next $SLURM_JOB_ID" >"$next_file"
fi

# end STATUS TEXT: ends the campaign
end ()
{
    say "$2"
    scancel "$next" 2>/dev/null
    rm -f "$next_file" "$idle_file"
    exit "$1"
}

before=$(completed)
if test -s "$run/journal.jsonl"; then
    srun --async-workflow="$file" --async-workflow-resume="$run"
else
    rm -rf "$run" # nothing has begun in it
    srun --async-workflow="$file" --async-workflow-dir="$run"
fi
status=$?

case $status in
0) end 0 "all is done" ;;
1) end 1 "a task has failed for good: see $run/logs, then sbatch this script again" ;;
2) end 2 "the input is wrong" ;;
esac
if test "$(completed)" -gt "${before:-0}"; then
    rm -f "$idle_file"
elif test -e "$idle_file"; then
    end "$status" "two jobs in a row have completed nothing: request more time or more nodes"
else
    echo "$SLURM_JOB_ID" >"$idle_file"
fi
say "stopped with status $status: job $next continues"
exit "$status"
