#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='examples/campaign: a workflow over several jobs, of a minute each, and through a requeue'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 4 --cores 4 --gpus 0 \
    --conf "PartitionName=main Nodes=ALL Default=YES" --conf "PartitionName=short Nodes=ALL MaxTime=1"
SBATCH_PARTITION=main
export SBATCH_PARTITION

# campaign NAME OPTION...: submits one in a directory of its own; its first job's id in NAME.id
campaign ()
{
    name=$1
    shift
    cp -r "$top_srcdir/examples/campaign" $name &&
        (cd $name && sbatch --parsable "$@" campaign.sh >../$name.id)
}

# no_job_of NAME: none of the campaign is left, by the jobs' working directory
no_job_of () { ! squeue --noheader --format=%Z | grep -qxF "$PWD/$1"; }

# over NAME WORDS: the campaign says so, and no job of it is left
over () { wait_for 240 "grep -qs '$2' $1/campaign.log" && wait_for 60 no_job_of $1 || { cat $1/campaign.log; false; }; }

# once DIR N: so many tasks were completed, none twice
once ()
{
    test $(events $1 "\"status\":\"completed\"") = $2 &&
        test $(grep "\"status\":\"completed\"" $1/journal.jsonl | grep -o "\"task\":\"[^\"]*\"" | sort -u | wc -l) = $2
}

# It takes more than a minute: the others run beside it.
test_expect_success 'a campaign begins' '(SBATCH_PARTITION=short && campaign chain -n4)'

# Either the requeued job continues or, as on 22.05, its successor does and it exits. By itself it would wait for two
# minutes, until its credentials have expired.
test_expect_success 'through a requeue' '
    campaign again -n4 &&
    wait_for 60 "started again/campaign-run 4" &&
    job=$(cat again.id) &&
    scontrol requeue $job &&
    wait_for 60 "squeue --noheader --jobs=$job --states=PENDING --format=%i | grep -q $job" &&
    wait_for 60 "scontrol update JobId=$job StartTime=now+3" &&
    wait_for 120 "grep -qs \"all is done\" again/campaign.log" &&
    wait_for 60 "scontrol update JobId=$job StartTime=now 2>/dev/null; no_job_of again" &&
    test $(events again/campaign-run "\"event\":\"resume\"") -ge 1 &&
    once again/campaign-run 10
'

test_expect_success 'a task that fails for good ends it' '
    mkdir -p bad && printf %s "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"command\": [\"false\"] } } }" >bad.json &&
    cp -r "$top_srcdir/examples/campaign" bad/c && cp bad.json bad/c/ &&
    (cd bad/c && sbatch --parsable -n1 campaign.sh bad.json bad-run >id) &&
    over bad/c "a task has failed for good" && test_expect_code 1 test -e bad/c/bad-run.next
'

test_expect_success 'two jobs that complete nothing end it' '
    cp -r "$top_srcdir/examples/campaign" idle && printf %s "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"time_limit\": \"1h\", \"command\": [\"true\"] } } }" >idle/idle.json &&
    (cd idle && SBATCH_PARTITION=short sbatch --parsable -n1 campaign.sh idle.json r >id) &&
    over idle "two jobs in a row have completed nothing" &&
    grep -q "a task of a needs 1h00m[0-9a-z]* (its time_limit), and the job ends in" idle/campaign.log
'

test_expect_success 'jobs of a minute, one after the other, until all is done' '
    over chain "all is done" &&
    once chain/campaign-run 10 &&
    test $(events chain/campaign-run "\"event\":\"resume\"") = 1 &&
    test $(events chain/campaign-run "\"event\":\"limit\"") = 2 &&
    test $(events chain/campaign-run "\"status\":\"cancelled\"" "\"code\":75") = 4 &&
    test $(events chain/campaign-run "\"status\":\"failed\"") = 0 &&
    cat chain/campaign-run/logs/simulate@1.*.retry1.out | grep -cE "^from [1-9]" >resumed &&
    test $(cat resumed) = 4 &&
    grep -q "stopped with status 3: job [0-9]* continues" chain/campaign.log &&
    no_process_left
'

test_done
