# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# client-calls.sh - what workflow tools call of Slurm, in their order, and what each reads out of the answers
#
# A test sources it and calls each function with real Slurm, and in a task of a pool. Taken from the sources of the tools: the
# executor for Slurm of Nextflow 24, submitit 1.5, dask-jobqueue 0.9, Parsl 2024, and snakemake-executor-plugin-slurm 2.
#
#   script FILE BODY OPTION...         a batch script with these #SBATCH lines
#   submit NAME READER COMMAND...      what the tool takes for the id is NAME from now on
#   reads READER COMMAND...            what it reads from the answer, and the exit status
#   awaits WANTED READER COMMAND...    asks until it reads that, and prints it
#   accounts ANSWER READER COMMAND...  as "reads"; ANSWER is that of a Slurm with accounting, where there is none
#
# A READER is a program for sed -n -E. The text of ANSWER and WANTED may have names in place of ids.

tools="nextflow nextflow_array submitit dask_jobqueue parsl snakemake_plugin"
id_line='s/.*Submitted batch job ([0-9]+).*/\1/p'
everything='p'

# SlurmExecutor.groovy: directives in .command.run, squeue for all states of the user; the end itself is a file.
nextflow ()
{
    states='s/^ *([^ ]+) +([A-Z]+) *$/\1 \2/p' # two columns; other lines are ignored
    for job in good bad long; do
        mkdir -p nextflow/$job
    done
    set -- "-J nf-ALIGN_(1)" --no-requeue "--signal B:USR2@30" "-c 2" "-t 01:00:00" "--mem 100M" "-p $QUEUE"
    (cd nextflow/good && script .command.run 'echo out; echo err >&2; echo 0 >.exitcode' "$@" "-o $PWD/.command.log")
    (cd nextflow/bad && script .command.run 'echo 3 >.exitcode; exit 3' "$@" "-o $PWD/.command.log")
    (cd nextflow/long && script .command.run 'sleep 300' "$@" "-o $PWD/.command.log")
    cd nextflow/good && submit good "$id_line" sbatch .command.run
    cd ../bad && submit bad "$id_line" sbatch .command.run
    cd ../long && submit long "$id_line" sh -c 'sbatch <.command.run' # with Fusion
    cd ../..
    awaits "long R" "$states" squeue --noheader -o '%i %t' -t all -p "$QUEUE" -u "$USER"
    awaits "good CD" "$states" squeue --noheader -o '%i %t' -t all -u "$USER"
    awaits "bad F" "$states" squeue --noheader -o '%i %t' -t all -u "$USER"
    reads "$everything" cat nextflow/good/.exitcode nextflow/bad/.exitcode nextflow/good/.command.log
    reads "$everything" scancel "$(id_of long)"
    awaits "long CA" "$states" squeue --noheader -o '%i %t' -t all -u "$USER"
}

# Job arrays of Nextflow: ids are ID_INDEX.
nextflow_array ()
{
    mkdir -p array && cd array && script .command.run 'echo $SLURM_ARRAY_TASK_ID >done.$SLURM_ARRAY_TASK_ID' \
        "--array 0-2" "-J nf-MAP_(1)" "-o /dev/null" --no-requeue "--signal B:USR2@30" "-t 00:10:00" "--mem 10M"
    submit array "$id_line" sbatch .command.run
    cd ..
    for element in 0 1 2; do
        awaits "array_$element CD" 's/^ *([^ ]+) +([A-Z]+) *$/\1 \2/p' squeue --noheader -o '%i %t' -t all -u "$USER"
    done
    reads "$everything" cat array/done.0 array/done.1 array/done.2
}

# slurm.py: files named by array and rank, sacct for all ids in a call, and a job that puts itself back into the queue.
submitit ()
{
    fields='/^JobID\||\..*\|/d; s/^([^|]+)\|([^|]+)\|.*/\1 \2/p' # a header, steps have a dot
    mkdir -p submitit
    script submission.sh "
        srun --output $PWD/submitit/%A_%a_%t_log.out --error $PWD/submitit/%A_%a_%t_log.err --unbuffered sh -c '
            echo \$SLURM_ARRAY_TASK_ID \$SLURM_NTASKS \$SLURM_JOB_NUM_NODES \$SLURM_NODEID \$SLURM_PROCID \$SLURM_LOCALID
            echo \${SLURM_JOB_ID:+id} \${SLURM_ARRAY_JOB_ID:+array} \${SLURM_JOB_NODELIST:+nodes}; exit \$SLURM_ARRAY_TASK_ID'" \
        "--array=0-1%2" "--job-name=submitit" "--output=$PWD/submitit/%A_%a_0_log.out" "--error=$PWD/submitit/%A_%a_0_log.err" \
        "--open-mode=append" "--signal=USR2@90" "--wckey=submitit" "--time=5" "--nodes=1" "--ntasks-per-node=1" "--mem=10MB"
    submit map 's/.*job ([0-9]+).*/\1/p' sbatch "$PWD/submission.sh"
    script again.sh 'until test -e stop; do sleep 0.2; done' "--job-name=submitit" "--time=5" "--signal=USR2@90"
    submit again 's/.*job ([0-9]+).*/\1/p' sbatch "$PWD/again.sh"
    awaits "map_0 CD" "$everything" squeue -h -o '%i %t' -t all -j "$(id_of map)"
    awaits "map_1 F" "$everything" squeue -h -o '%i %t' -t all -j "$(id_of map)"
    awaits "again R" "$everything" squeue -h -o '%i %t' -j "$(id_of again)"
    accounts 'JobID|State|NodeList
again|RUNNING|n1
again.batch|RUNNING|n1
map_0|COMPLETED|n1
map_0.batch|COMPLETED|n1
map_0.0|COMPLETED|n1
map_1|FAILED|n1
map_1.batch|FAILED|n1
map_1.0|FAILED|n1' "$fields" sacct -o JobID,State,NodeList --parsable2 -j "$(id_of map)" -j "$(id_of again)"
    for element in 0 1; do
        reads "$everything" cat "submitit/$(id_of map)_${element}_0_log.out"
    done
    reads "$everything" scontrol requeue "$(id_of again)"
    awaits 1 's/.*Restarts=([0-9]+).*/\1/p' scontrol show job "$(id_of again)"
    reads "$everything" scancel "$(id_of again)"
    awaits "again CA" "$everything" squeue -h -o '%i %t' -t all -j "$(id_of again)"
}

# core.py and slurm.py: the script is gone as soon as sbatch has ended; nothing is asked.
dask_jobqueue ()
{
    mkdir -p logs
    script dask.sh 'JOB_ID=${SLURM_JOB_ID%;*}
        echo worker-$JOB_ID; sleep 300' "-J dask-worker" "-e $PWD/logs/dask-worker-%J.err" "-o $PWD/logs/dask-worker-%J.out" "-n 1" \
        "--cpus-per-task=1" "--mem=1G" "-t 00:30:00"
    submit worker '1s/^[^0-9]*([0-9]+).*/\1/p' sbatch "$PWD/dask.sh"
    rm dask.sh
    awaits "worker-worker" "$everything" cat "logs/dask-worker-$(id_of worker).out"
    reads "$everything" scancel "$(id_of worker)"
    awaits "worker CA" "$everything" squeue -h -o '%i %t' -t all -j "$(id_of worker)"
}

# slurm.py: all ids in a call; a job that is not in the answer has ended, and an answer with an error counts for nothing.
parsl ()
{
    columns='s/^ *([^ ]+) +([A-Za-z]+)\+? *$/\1 \2/p'
    for job in good long; do
        script parsl.$job "export JOBNAME=parsl.$job; export CORES=\$SLURM_CPUS_ON_NODE
            $(test $job = long && echo sleep 300)
            echo \$CORES \$SLURM_JOB_NUM_NODES \$SLURM_JOB_NAME" "--job-name=parsl.$job" "--output=$PWD/parsl.$job.stdout" \
            "--error=$PWD/parsl.$job.stderr" "--nodes=1" "--time=10" "--ntasks-per-node=1" "--mem=1g" "--cpus-per-task=1" "--partition=$QUEUE"
        submit parsl_$job 's/^Submitted batch job ([^ ]*).*/\1/p' sbatch "$PWD/parsl.$job"
    done
    awaits "parsl_long R" "$columns" squeue --noheader "--format=%i %t" --job "$(id_of parsl_good),$(id_of parsl_long)"
    awaits "parsl_good CD" "$columns" squeue --noheader "--format=%i %t" -t all --job "$(id_of parsl_good)"
    reads "$columns" squeue --noheader "--format=%i %t" --job "$(id_of parsl_good),$(id_of parsl_long)"
    reads "$columns" squeue --noheader "--format=%i %t" --job "$(id_of parsl_good)"
    accounts 'parsl_good            COMPLETED
parsl_long              RUNNING' "$columns" \
        sacct -X --noheader --format=jobid,state%20 --job "$(id_of parsl_good),$(id_of parsl_long)"
    reads "$everything" cat parsl.good.stdout
    reads "$everything" scancel "$(id_of parsl_long)"
    awaits "parsl_long CA" "$columns" squeue --noheader "--format=%i %t" -t all --job "$(id_of parsl_long)"
}

# __init__.py: the run's name is the name of all jobs; the state is the first word of the second field.
snakemake_plugin ()
{
    state='s/^([^|]+)\|([A-Z_]+).*/\1 \2/p'
    run=0b7d5a6e-aaaa-4bbb-8ccc-1234567890ab
    reads 's/^[a-z0-9]+\*$/the default one/p' sinfo -o %P
    reads 's/^MinJobAge *= ([0-9]+).*/an age/p' scontrol show config
    mkdir -p .snakemake/slurm_logs/rule_a
    for job in 0 2 9; do
        submit snake_$job 's/^([^;]*).*/\1/p' sbatch --parsable --job-name $run --output "$PWD/.snakemake/slurm_logs/rule_a/%j.log" \
            --export=ALL --comment rule_a_wildcards_x -p "$QUEUE" -t 5 --mem 100 --ntasks=1 --cpus-per-task=1 -D "$PWD" \
            --wrap="srun -n1 --cpu-bind=q --cpus-per-task=1 sh -c 'test $job != 9 || sleep 300; exit $job'"
    done
    awaits "snake_0 COMPLETED" "$state" squeue "--format=%i|%T" --states=all --noheader --name $run
    awaits "snake_2 FAILED" "$state" squeue "--format=%i|%T" --states=all --noheader --name $run
    awaits "snake_9 RUNNING" "$state" squeue "--format=%i|%T" --states=all --noheader --name $run
    accounts 'snake_0|COMPLETED
snake_2|FAILED
snake_9|RUNNING' "$state" sacct -X --parsable2 --clusters all --noheader --format=JobIdRaw,State --starttime "$(date -d -2days +%Y-%m-%dT%H:00)" \
        --endtime now --name $run
    reads "$everything" scancel "$(id_of snake_9)"
    awaits "snake_9 CANCELLED" "$state" squeue "--format=%i|%T" --states=all --noheader --name $run
    accounts 'snake_0|COMPLETED
snake_2|FAILED
snake_9|CANCELLED by 1000' "$state" sacct -X --parsable2 --clusters all --noheader --format=JobIdRaw,State --starttime "$(date -d -2days +%Y-%m-%dT%H:00)" \
        --endtime now --name $run
}
