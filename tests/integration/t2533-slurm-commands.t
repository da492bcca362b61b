#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='commands that look like Slurm'"'"'s: what they submit, show, cancel and refuse, and when they are the real ones'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# client NAME [KEYS]: NAME.json runs the script NAME.sh in the one task "client"
client ()
{
    printf '{ "async-workflow": 1, "tasks": { "client": { "command": ["sh", "%s"], "slurm_commands": true%s } } }\n' \
        "$PWD/$1.sh" "$2" >"$1.json"
}

# run STATUS NAME [OPTION]...
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" timeout 120 async-workflow run --local --cpus 4 --dir "$name" --progress none "$@" "$name.json" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err" "$name"/logs/* >&4; false; }
}

# said NAME: what the client printed is what standard input says
said () { cat >want && test_cmp want "$1/logs/client.0.out"; }

test_expect_success 'sbatch: options of the script, the environment and the command line; the job finds what Slurm sets' '
    client job &&
    cat >job.sh <<-\END &&
	cat >script <<-\EOS
	#!/bin/bash
	#SBATCH -J of_script -c 2   # a comment
	
	#SBATCH --time="1-02:03:04" --output=%x-%j.txt
	#SBATCH --mem=100M --comment "some words"
	echo begins
	#SBATCH -J too_late
	echo "$SLURM_JOB_ID $SLURM_JOBID $SLURM_JOB_NAME $SLURM_CPUS_PER_TASK $SLURM_CPUS_ON_NODE $SLURM_MEM_PER_NODE $SLURM_NTASKS-"
	echo "$SLURM_JOB_NUM_NODES $SLURM_PROCID $SLURM_SUBMIT_DIR $1|$2|$FROM"
	echo error >&2
	srun -n1 --cpu-bind=q -c 2 sh -c "echo step \$SLURM_PROCID of \$SLURM_NTASKS in \$SLURM_JOB_ID"
	EOS
	FROM=there sbatch script "one word" two
	async-workflow wait 1000000000
	a=$(SBATCH_JOB_NAME=of_environment sbatch --parsable script)
	b=$(SBATCH_JOB_NAME=of_environment sbatch --parsable -J of_line script <&-)
	async-workflow wait $a $b
	cat of_script-$a* of_script-1000000000.txt
	ls of_*
	squeue -h -t all -o "%i|%t|%T|%j|%C|%m|%l|%k"
	END
    run 0 job &&
    said job <<-END
	Submitted batch job 1000000000
	begins
	1000000000 1000000000 of_script 2 2 100 -
	1 0 $PWD one word|two|there
	error
	step 0 of 1 in 1000000000
	of_environment-1000000001.txt
	of_line-1000000002.txt
	of_script-1000000000.txt
	1000000000|CD|COMPLETED|of_script|2|100M|1-02:03:04|some words
	1000000001|CD|COMPLETED|of_environment|2|100M|1-02:03:04|some words
	1000000002|CD|COMPLETED|of_line|2|100M|1-02:03:04|some words
	END
'

test_expect_success 'sbatch: --wrap, standard input, --wait, --export, files, a directory of its own' '
    client ways && mkdir -p elsewhere &&
    cat >ways.sh <<-\END &&
	export A=1 B=2
	sbatch --wait -Q -o wrap --wrap "echo \$A\$B; exit 7"; echo $?
	printf "#!/bin/sh\npwd; echo \$A\$B\$C-\$0\n" | sbatch -W --parsable -D elsewhere -o out -e err --export=B,C="x y"
	printf "#!/bin/sh\necho \$A\$B\$C-; cat; echo e >&2\n" | sbatch -W -Q -i wrap -o elsewhere/out -e err --open-mode=append --export=NONE
	cat wrap elsewhere/out err
	END
    run 0 ways &&
    sed -i "s/-.*script-.*/-script/" ways/logs/client.0.out &&
    said ways <<-END
	7
	1000000001
	12
	$PWD/elsewhere
	2x y-script
	-
	12
	e
	END
'

test_expect_success 'arrays: ids, variables, files, how many at once; dependencies, also on a whole array' '
    client array &&
    cat >array.sh <<-\END &&
	a=$(sbatch --parsable -a 1-5:2,7%1 --wrap "echo \$SLURM_ARRAY_JOB_ID \$SLURM_ARRAY_TASK_ID \$SLURM_ARRAY_TASK_COUNT \$SLURM_ARRAY_TASK_MIN \$SLURM_ARRAY_TASK_MAX
	    mkdir only && sleep 0.1 && rmdir only || touch together; exit \$((SLURM_ARRAY_TASK_ID == 7))")
	b=$(sbatch --parsable -d afterok:$a --wrap true)
	c=$(sbatch --parsable -d afterok:${a}_1,afterany:$a -W --wrap true)
	async-workflow wait $b
	cat slurm-${a}_*.out
	squeue -h -t all -o "%i %t %A %F %K"
	sacct -n -P -o jobid,jobidraw,state,exitcode -j ${a}_[3,7],$b
	squeue -h -t all -o %i -j $a
	END
    run 0 array &&
    said array <<-END &&
	1000000000 1 4 1 7
	1000000000 3 4 1 7
	1000000000 5 4 1 7
	1000000000 7 4 1 7
	1000000000_1 CD 1000000000 1000000000 1
	1000000000_3 CD 1000000001 1000000000 3
	1000000000_5 CD 1000000002 1000000000 5
	1000000000_7 F 1000000003 1000000000 7
	1000000004 CA 1000000004 1000000004 N/A
	1000000005 CD 1000000005 1000000005 N/A
	1000000000_3|1000000000_3|COMPLETED|0:0
	1000000000_7|1000000000_7|FAILED|1:0
	1000000004|1000000004|CANCELLED|0:0
	1000000000_1
	1000000000_3
	1000000000_5
	1000000000_7
	END
    test_must_fail test -e together
'

test_expect_success 'squeue, sacct and scontrol: formats, filters, and ids that have ended or were never there' '
    client show &&
    cat >show.sh <<-\END &&
	try () { "$@" 2>&1; echo $?; }
	a=$(sbatch --parsable -J "nf-A_(1)" -c 3 --wrap "until test -e go; do sleep 0.05; done")
	b=$(sbatch --parsable -J later -d afterany:$a --wrap true)
	until test "$(squeue -h -o %t -j $a)" = R; do sleep 0.05; done
	squeue -o "%.12i %.2t|%8j|%.4C %R" | sed "s/ [^ ]*\$//"
	squeue -h -O JobID:11,StateCompact:3,Reason:20,Name:6 -u $(id -un) -n later
	squeue -h -t PD,CG -o %i --me; squeue -h -o %i -u nobody-here
	try squeue -j $b -t R -h
	sacct -j $a,$b -o jobid,jobname%8,state,alloccpus,maxrss%4
	scontrol show job $a -o | grep -o "JobName.*UserId\|JobState=[A-Z]*\|NumCPUs=3"
	touch go; async-workflow wait $a $b
	try squeue -h -j $a
	try squeue -h -j $a,$b
	try squeue -h -j 1000000009
	try sacct -n -j 1000000009
	try scontrol show job 1000000009
	try squeue -t NO
	try squeue -o %z
	try sacct -o nothing
	try squeue --sort=i
	sacct -n -P -o jobidraw,state -S now-1hours -E now --name later
	sacct -n -P -o jobidraw,state -S 2000-01-01 -E 2001-01-01T10:00
	sacct -n -P -o jobid -j $b -j $a
	scontrol show config | grep -o "MinJobAge\|SchedulerTimeSlice"
	END
    rm -f go && run 0 show &&
    said show <<-\END
	       JOBID ST|NAME    |CPUS
	  1000000000  R|nf-A_(1)|   3
	  1000000001 PD|later   |   1
	1000000001 PD Dependency          later 
	1000000001
	0
	       JobID  JobName      State  AllocCPUS MaxR 
	------------ -------- ---------- ---------- ---- 
	  1000000000 nf-A_(1)    RUNNING          3      
	  1000000001    later    PENDING          1      
	JobName=nf-A_(1) UserId
	JobState=RUNNING
	NumCPUs=3
	0
	0
	squeue: error: Invalid job id specified
	1
	0
	slurm_load_jobs error: Invalid job id specified
	1
	squeue: error: Invalid job state specified: NO
	1
	squeue: error: Invalid job format specification: %z is not known here
	1
	sacct: error: Invalid field requested: "nothing"
	1
	squeue: error: --sort is not possible in a task of async-workflow: leave it out
	1
	1000000001|COMPLETED
	1000000000
	1000000001
	MinJobAge
	SchedulerTimeSlice
	END
'

test_expect_success 'states: time limit, out of a signal, cancelled' '
    client states &&
    cat >states.sh <<-\END &&
	sbatch -Q -t 0:1 --wrap "sleep 100"
	sbatch -Q --wrap "kill -9 \$\$"
	sbatch -Q --wrap "sleep 100"
	scancel 1000000002
	async-workflow wait 1000000000 1000000001 1000000002
	sacct -nP -o jobid,state,exitcode | sed "s/:15\$/:0/"
	END
    run 0 states --grace 1 &&
    said states <<-\END
	1000000000|TIMEOUT|0:0
	1000000001|FAILED|0:9
	1000000002|CANCELLED|0:0
	END
'

test_expect_success 'scancel: by ids, elements and filters, but submitted tasks alone, and never the real one' '
    client cancel && mkdir -p other && printf "#!/bin/sh\ntouch %s/other/called\n" "$PWD" >other/scancel && chmod +x other/scancel &&
    cat >cancel.sh <<-\END &&
	try () { "$@" 2>&1; echo $?; }
	PATH=$PATH:$PWD/other
	for name in one two three four; do sbatch -Q -J $name --wrap "sleep 300"; done
	sbatch -Q -a 0-2 --wrap "sleep 300"
	try scancel
	try scancel 4711
	try scancel 1000000000 4711
	try scancel -s USR1 1000000000
	try scancel 1000000099
	squeue -h -o %i | wc -l
	try scancel 1000000000
	try scancel -n two,other
	try scancel 1000000004_1
	try scancel 1000000000
	async-workflow wait 1000000000 1000000001 1000000005
	squeue -h -o %i
	scancel -u $(id -un)
	async-workflow wait 1000000002 1000000003 1000000004 1000000006
	squeue -h -o %i
	END
    run 0 cancel &&
    sed -i "s/^  *//" cancel/logs/client.0.out &&
    said cancel <<-\END &&
	scancel: error: No job identification provided
	1
	scancel: error: a task can cancel submitted tasks alone, whose ids begin at 1000000000: nothing is cancelled
	1
	scancel: error: a task can cancel submitted tasks alone, whose ids begin at 1000000000: nothing is cancelled
	1
	scancel: error: --signal=USR1 is not possible for a submitted task
	1
	scancel: error: Kill job error on job id 1000000099: Invalid job id specified
	1
	7
	0
	0
	0
	0
	1000000002
	1000000003
	1000000004_0
	1000000004_2
	END
    test_must_fail test -e other/called
'

test_expect_success 'what cannot be honoured is refused by name; what the allocation decides is reported once' '
    client refuse &&
    cat >refuse.sh <<-\END &&
	try () { "$@" 2>&1 >/dev/null; echo $?; }
	try sbatch --no-such --wrap true 2>&1 | tail -n 2
	try sbatch -N 2 --wrap true
	try sbatch -c 99 --wrap true
	try sbatch --exclusive --wrap true
	try sbatch --gres=license:1 --wrap true
	try sbatch -d afternotok:1 --wrap true
	try sbatch -d afterok:4711 --wrap true
	try sbatch -t soon --wrap true
	try sbatch --mem=1X --wrap true
	try sbatch -a 3-1 --wrap true
	try sbatch nowhere
	echo echo >text; try sbatch ./text
	try srun -n 2 true
	try srun --label true
	try srun nowhere-to-be-found
	try sbatch -p long --qos=high --wrap true
	try sbatch -p long --wrap true
	try scontrol update job=1000000000 name=x
	END
    run 0 refuse &&
    said refuse <<-\END
	Try "sbatch --help" for more information
	255
	sbatch: error: --nodes=2: a submitted task runs on one node: for several give a task set of the workflow file "nodes"
	1
	sbatch: error: Batch job submission failed: a task needs 99 CPUs on one node, and no node of the pool has that (up to 4 CPUs, 0 GPUs): request more (--exclusive, --gpus-per-node; with --local: --cpus, --gpus), or less for the task
	1
	sbatch: error: --exclusive is not possible in a task of async-workflow: leave it out
	1
	sbatch: error: --gres=license:1: a submitted task can have GPUs alone
	1
	sbatch: error: --dependency=afternotok is not possible in a task of async-workflow: give afterok or afterany, with ids and commas
	1
	sbatch: error: Batch job submission failed: Job dependency problem: 4711: give ids of submitted tasks
	1
	sbatch: error: Invalid --time specification: soon
	1
	sbatch: error: Invalid --mem specification: 1X
	1
	sbatch: error: Batch job submission failed: Invalid job array specification: 3-1
	1
	sbatch: error: Unable to open file nowhere
	1
	sbatch: error: This does not look like a batch script.  The first
	sbatch: error: line must start with #! followed by the path to an interpreter.
	sbatch: error: For instance: #!/bin/sh
	1
	srun: error: 2 processes: srun in a submitted task starts one: for several give a task set of the workflow file "ranks"
	1
	srun: error: --label is not possible in a task of async-workflow: leave it out
	1
	slurmstepd: error: execve(): nowhere-to-be-found: No such file or directory
	127
	sbatch: --partition has no effect: the task runs in the allocation of its workflow
	sbatch: --qos has no effect: the task runs in the allocation of its workflow
	0
	0
	scontrol: error: "update" is not possible in a task of async-workflow
	1
	END
'

test_expect_success 'scripts and environments: copies, once each, for their user alone' '
    client copies &&
    cat >copies.sh <<-\END &&
	printf "#!/bin/sh\nuntil test -e go; do sleep 0.05; done; echo old\n" >script
	for i in 1 2 3; do sbatch -o out.$i script; done >/dev/null
	printf "#!/bin/sh\necho new\n" >script
	touch go
	async-workflow wait 1000000000 1000000001 1000000002
	cat out.*
	END
    rm -f go && run 0 copies &&
    printf "%s\n" old old old | said copies &&
    test $(ls copies/submitted/script-* | wc -l) = 1 &&
    test "$(stat -c %a copies/submitted/script-*)" = 700 &&
    test_must_fail grep -q "echo old" copies/journal.jsonl
'

# configure --with-slurm has a prefix, which comes first.
grep -q "^#define AW_SLURM_BINDIR" "$top_builddir/config.h" || test_set_prereq PATH
test_expect_success PATH 'outside of a pool, and for jobs of Slurm, each is the real command' '
    mkdir -p fake && for name in sbatch srun squeue sacct scancel scontrol sinfo; do
        printf "#!/bin/sh\necho real %s \"\$@\"\n" $name >fake/$name && chmod +x fake/$name || return 1
    done &&
    for name in sbatch srun squeue sacct scancel scontrol sinfo; do
        PATH=$top_builddir/helpers/slurm:$PWD/fake:$PATH $name --x y || return 1
    done >out &&
    printf "real %s --x y\n" sbatch srun squeue sacct scancel scontrol sinfo >want && test_cmp want out &&
    client real &&
    cat >real.sh <<-\END &&
	PATH=${PATH%%:*}:$PWD/fake:$PATH
	squeue -h -j 4711
	sacct -j 1,2 -n
	scontrol show job 4711
	scontrol show hostnames n[1-2]
	sinfo -N
	SLURM_JOB_PARTITION=short sinfo -h -o %20P
	sinfo -o %P
	ASYNC_WORKFLOW_JOB=1 SLURM_JOB_ID=2 sbatch x
	END
    run 0 real &&
    said real <<-\END
	real squeue -h -j 4711
	real sacct -j 1,2 -n
	real scontrol show job 4711
	real scontrol show hostnames n[1-2]
	real sinfo -N
	short*
	PARTITION
	local*
	real sbatch x
	END
'

# A run without Slurm in a task: its tasks are of its own pool, and have not asked for the commands.
test_expect_success 'a run that a task starts, and its tasks, find the real commands' '
    printf "%s" "{ \"async-workflow\": 1, \"tasks\": { \"in\": { \"script\": \"echo \$PATH; echo \${ASYNC_WORKFLOW_SLURM:-none}\" } } }" >inside.json &&
    client nested && echo "async-workflow run --local --cpus 1 --progress none --dir inside inside.json >/dev/null; echo \$PATH" >nested.sh &&
    run 0 nested && grep -q "^[^:]*/helpers/slurm:" nested/logs/client.0.out &&
    { sed "s,^[^:]*/helpers/slurm:,," nested/logs/client.0.out; echo none; } >want && test_cmp want inside/logs/in.0.out
'

test_expect_success 'requeue: a running job ends and starts again, which is no failure; others are refused' '
    client again &&
    cat >again.sh <<-\END &&
	try () { "$@" 2>&1; echo $?; }
	printf "#!/bin/sh\ntest \$SLURM_RESTART_COUNT && echo restarted \$SLURM_RESTART_COUNT && exit\necho once; scontrol requeue \$SLURM_JOB_ID || exit 7; exit 255\n" >self
	sbatch --parsable -o self.out --open-mode=append self && async-workflow wait 1000000000; cat self.out
	a=$(sbatch --parsable -a 0-1 -o busy_%a --wrap "echo \$SLURM_RESTART_COUNT; until test -e go; do sleep 0.05; done")
	b=$(sbatch --parsable -d afterok:$a --wrap true)
	until test -s busy_1; do sleep 0.05; done
	try scontrol requeue ${a}_1
	until test "$(squeue -h -j ${a}_1 -O RestartCnt:1,StateCompact:1)" = 1R; do sleep 0.05; done
	try scontrol requeue $b
	c=$(sbatch --parsable --no-requeue -o busy_c -J "a b" --wrap "echo; until test -e go; do sleep 0.05; done")
	until test -s busy_c; do sleep 0.05; done
	try scontrol requeue $c
	scontrol show job $c | grep -o "JobName=a b\|Requeue=."
	try scontrol requeue 1000000000
	try scontrol requeue 1000000099
	try scontrol requeue 4711
	try scontrol requeue
	try scontrol requeue ""
	touch go; async-workflow wait $a $b $c; squeue -h -t all -o "%i %t"; cat busy_0 busy_1
	END
    rm -f go && run 0 again --grace 1 &&
    said again <<-\END &&
	1000000000
	once
	restarted 1
	0
	Job is pending execution for job 1000000003
	1
	Requested operation is presently disabled for job 1000000004
	1
	JobName=a b
	Requeue=0
	scontrol: error: job 1000000000 has ended: only running jobs can be requeued here
	1
	scontrol: error: Invalid job id specified
	1
	scontrol: error: a task can requeue submitted tasks alone, whose ids begin at 1000000000
	1
	scontrol: error: too few arguments for keyword:requeue
	1
	scontrol: error: Invalid job id specified
	1
	1000000000 CD
	1000000001_0 CD
	1000000001_1 CD
	1000000003 CD
	1000000004 CD

	1
	END
    test $(grep -c "\"event\":\"cancel\".*\"code\":2" again/journal.jsonl) = 2
'

test_expect_success 'only tasks with the key find them, and what these submit; not for steps of their own' '
    printf "{ \"async-workflow\": 1, \"tasks\": { \"client\": { \"script\": \"command -v squeue | grep helpers/slurm; echo \$?\" } } }\n" >none.json &&
    run 0 none && said none <<-\END &&
	1
	END
    printf "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"script\": \"x\", \"ranks\": 2, \"slurm_commands\": true } } }\n" >step.json &&
    test_expect_code 2 async-workflow check step.json 2>err && grep "a step of its own" err
'

test_done
