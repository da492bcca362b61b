#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Task lists: a file with a shell command in each line goes wherever a workflow file goes'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

# says FILE TEXT
says () { test "$(cat "$1")" = "$2" || { cat "$1"; false; }; }

cat >commands.txt <<\END
# What each line says goes to a file of its own.
echo {index} "$HOME" 'a  b' | tr a-z A-Z >1.txt

#AW cpus=2 time_limit=10m
[[ -n $ASYNC_WORKFLOW_LINE ]] && echo $ASYNC_WORKFLOW_LINE &>2.txt; nosuch 2>error.txt
true $UNSET
#AW barrier cpus=
cat 1.txt 2.txt >all.txt
END

test_expect_success 'lines are tasks of bash, nothing in them is a placeholder, a barrier waits' '
    async-workflow check commands.txt >out && grep -q "commands.txt: ok: 3 task sets, 4 tasks" out &&
    sed -i "s/nosuch 2>error.txt/true/" commands.txt && run 0 first --dir first commands.txt &&
    says 1.txt "{INDEX} $(echo "$HOME" | tr a-z A-Z) A  B" && says 2.txt 5 && says all.txt "$(cat 1.txt 2.txt)" &&
    replay first
'

test_expect_success 'the run directory has a workflow in JSON, which says the same' '
    async-workflow check first/workflow.json && grep -q "\"name\": \"commands\"" first/workflow.json &&
    async-workflow status first | grep -q "line-2 *2 *2" && async-workflow report first | grep -q "4 of 4 done"
'

test_expect_success 'an unchanged list: nothing to run, with the list and without' '
    run 0 again --resume first && grep -q "nothing to run" again.err &&
    run 0 again --resume first commands.txt && grep -q "nothing to run" again.err
'

test_expect_success 'model, advise and --test-only take lists' '
    printf "#AW duration=60 cpus=2\nx\ny\n" >model.txt &&
    async-workflow model --nodes 1 --cpus 2 --json model.txt >out && grep -q "\"tasks\": *2" out &&
    async-workflow advise --cpus 2 --script job.sh model.txt >out && grep -qx "srun --async-workflow=model.txt" job.sh &&
    run 0 only --test-only model.txt && grep -q "model.txt: ok: 1 task set" only.out
'

test_expect_success 'a line that fails: the others run, but not what a barrier keeps' '
    printf "%s\n" "echo one >one" "exit 3" "echo two >two" "#AW barrier" "echo three >three" >fails.txt &&
    run 1 fails --dir fails fails.txt && test -e one && test -e two && test ! -e three &&
    grep -q "line\[1\] (line=2, command=exit 3): exit code 3" fails.out
'

test_expect_success 'a changed list: lines that are done do not run again, new ones do, others are dropped' '
    rm one two && printf "%s\n" "# repaired" "echo two >two" "echo repaired >repaired" "echo one >one" "#AW barrier" \
        "echo three >three" >fails.txt &&
    run 0 fails --resume fails fails.txt && grep -q "tasks.line: 1 new line\$" fails.err &&
    grep -q "tasks.line: 1 line is no longer in the list\$" fails.err &&
    test ! -e one && test ! -e two && test -e repaired && test -e three && replay fails &&
    run 0 again --resume fails fails.txt && grep -q "nothing to run" again.err
'

test_expect_success 'a removed line has no number, so that its number names one task' '
    async-workflow explain fails "line[line=2]" >out && test $(grep -c "^line" out) = 1 &&
    async-workflow explain fails "line[line=removed]" >out &&
    grep "^line\[1\] (line=removed, command=exit 3): skipped: its line is no longer in the list" out
'

test_expect_success 'the coordinator is killed: the list continues' '
    rm -f go && printf "%s\n" "echo x >>x" "test -e go || sleep 600" "echo y >>y" >long.txt &&
    { $INTERRUPTIBLE async-workflow run --local --cpus 1 --dir long long.txt >out 2>&1 </dev/null & } &&
    wait_for 60 "grep -qs \"start.*line.1\" long/journal.jsonl" && kill -KILL $! && { wait $! 2>/dev/null; touch go; } &&
    echo "echo z >>z" >>long.txt && run 0 long --resume long long.txt && says x x && says y y && says z z
'

test_expect_success 'keys of a set, per line of the file' '
    cat >keys.txt <<-\END &&
	#AW stdout={line}.out directory="sub dir" shell="bash -u" retries=1
	echo in ${PWD##*/} $-
	test $ASYNC_WORKFLOW_ATTEMPT = 1
	#AW stdout= directory= shell=sh retries=
	echo ${BASH_VERSION:-none}
	END
    mkdir "sub dir" && run 0 keys --dir keys keys.txt && grep -q "^in sub dir .*u" "sub dir/2.out" &&
    grep -q "\"task\":\"line\[1\]\",\"attempt\":1" keys/journal.jsonl && test -s keys/logs/line-2.0.out
'

# wrong TEXT NAME CONTENT: check of a file of that name refuses it so
wrong ()
{
    printf "$3" >"$2" && test_expect_code 2 async-workflow check "$2" >out 2>err && test_must_be_empty out &&
        grep -qF "async-workflow: $2: $1" err || { cat err; false; }
}

test_expect_success 'what is no list is refused, with what to do' '
    wrong "begins with #!: it is a script" w1.txt "#!/bin/bash\necho\n" &&
    wrong "is a table, not a list of commands" w2.csv "a,b\n1,2\n" &&
    wrong "line 1: #SBATCH has no effect in a list of commands" w3.sh "#SBATCH -N1\nx\n" &&
    wrong "line 1: byte 0x80 is not text in UTF-8" w4 "\177ELF\200\n" &&
    wrong "line 2: byte 0x00 is not text in UTF-8" w4.txt "a\nb\0c\n" &&
    wrong "is neither JSON nor named as a list" w4.yaml "tasks:\n" &&
    wrong "line 1, column 1: " w5.json "echo x\n" &&
    wrong "begins with [: a workflow in JSON begins with {" w6.txt "[1]\n" &&
    wrong "line 2: \"done\" belongs to a command of several lines" w7.txt "for i in 1; do\ndone\n" &&
    wrong "line 3: cpus: 0: must be from 1" w8.txt "x\n\n#AW cpus=0\ny\n" &&
    echo x >w9.txt && test_expect_code 2 async-workflow check --param a=1 w9.txt 2>err &&
    grep -q "w9.txt: --param: unknown parameter \"a\": the file has no parameters" err
'

test_expect_success 'a list cannot be added' '
    printf "async-workflow add more.txt\n" >adds.txt && echo true >more.txt && run 1 adds --dir adds adds.txt &&
    grep -q "more.txt" adds/logs/line.0.err
'

test_done
