#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The examples of the README and of the user guide work'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
readme=$top_srcdir/README.md
guide=$top_srcdir/docs/guide.md

# An example is a block that begins with ```json NAME, ```sh NAME, ```txt NAME or ```python NAME. Each is written to a file of its
# name.
extract ()
{
    awk '/^```$/ { if (file) close (file); file = ""; next }
        /^```(json|sh|txt|python) ./ { file = $2; print file >>"examples"; next }
        file { print >file }' "$@"
}

# run STATUS NAME [OPTION]...: on this machine, without Slurm
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 8 --progress none "$@" "$name.json" >"$name.out" 2>&1 ||
        { cat "$name.out"; false; }
}

# resume NAME: the run that NAME-local holds
resume () { async-workflow run --local --cpus 8 --progress none --resume "$1-local" >"$1.out" 2>&1 || { cat "$1.out"; false; }; }

# contents FILE WORD...: the file has these words, in this order
contents ()
{
    file=$1
    shift
    test "$(cat "$file" | tr -s ' \n' ' ' | sed 's/ $//')" = "$*" || { echo "$file:"; cat "$file"; false; }
}

test_expect_success 'every example has a name of its own' '
    extract "$readme" "$guide" &&
    test "$(wc -l <examples)" -ge 15 &&
    sort examples | uniq -d >twice &&
    test_must_be_empty twice &&
    ! grep -E "^\`\`\`(json|sh|txt|python)$" "$readme" "$guide"
'

# Files from which examples take values.
mkdir -p in && for i in 1 2 3; do seq $i 9 >in/$i; done
printf "rate,depth\n0.1,3\n0.01,5\n" >params.csv

for example in $(grep -E '\.(json|txt)$' examples); do
    test_expect_success "$example: check finds nothing wrong with it" "
        async-workflow check $example >out 2>err && test_must_be_empty err || { cat err; false; }
    "
done

for example in $(grep '\.sh$' examples); do
    test_expect_success "$example: the shell can read it" "
        chmod +x $example && bash -n $example && head -n 1 $example | grep -q '^#!/bin/'
    "
done

# What the examples call and a machine need not have: modules, conda, a python with packages, a simulation.
mkdir -p home/miniconda3/etc/profile.d bin
cat >home/.bash_profile <<'END'
module () { test "$1" = load && MODULES=$2 && export MODULES; }
END
cat >home/miniconda3/etc/profile.d/conda.sh <<'END'
conda () { test "$1" = activate && CONDA=$2 && export CONDA; }
END
printf '#!/bin/sh\necho "python $*: $MODULES $CONDA $EPOCHS" >>python.log\n' >bin/python
printf '#!/bin/sh\necho frames with $MODULES\n' >simulate
chmod +x bin/python simulate
here=$PWD
# bash -l may set PATH again.
echo "PATH='$here/bin':\$PATH" >>home/.bash_profile

test_expect_success 'first.json: eight tasks, and one after them' '
    run 0 first &&
    seq 1 8 >expected && test_cmp expected all.txt
'

test_expect_success 'commands.txt: three lines, three tasks' '
    async-workflow run --local --cpus 8 --progress none commands.txt >commands.out 2>&1 &&
    cat sample.1 sample.2 sample.3 >samples && test "$(wc -l <samples)" = 15
'

test_expect_success 'more.txt: CPUs for some lines, and a barrier' '
    async-workflow run --local --cpus 8 --progress none more.txt >more.out 2>&1 || { cat more.out; false; } &&
    contents all.sorted "1 2 2 3 3 3 4 4 4 5 5 5 6 6 6 7 7 7 8 8 8 9 9 9"
'

test_expect_success 'values.json: files of a directory, rows of a table' '
    async-workflow run --local --cpus 8 --progress none values.json >values.out 2>&1 || { cat values.out; false; } &&
    contents counts/1 9 && contents scores.txt "0.1 3" "0.01 5"
'

test_expect_success 'train.json: a task loads a module and activates a conda environment' '
    (HOME=$here/home PATH=$here/bin:$PATH && export HOME && run 0 train) &&
    contents python.log "python train.py data/input: gcc torch"
'

test_expect_success 'environments.json: each set has an environment of its own' '
    rm -f python.log &&
    (HOME=$here/home PATH=$here/bin:$PATH && export HOME && run 0 environments) &&
    contents frames frames with gcc &&
    contents python.log "python train.py frames: torch 10"
'

test_expect_success 'tasks.json: parameters, indexes, dependencies' '
    run 0 tasks &&
    contents data/lines 591 &&
    test "$(head -n 1 data/5.sorted)" = 100
'

test_expect_success 'samples.json: a task for each value, and merges by key' '
    run 0 samples &&
    contents s2.all s2 1 s2 2 s2 X
'

test_expect_success 'iterations.json: until ends them' '
    run 0 iterations &&
    contents model.2 2 2 2 2 &&
    ! test -e model.3
'

test_expect_success 'once.json: a set before all iterations, and one after them' '
    run 0 once &&
    contents steps 1 1 1 1 1 1 1 1 1 1 1 1
'

test_expect_success 'gpus.json: whole GPUs and parts of them' '
    run 0 gpus --gpus 2 &&
    for n in 0 1 2 3; do
        grep -qx "GPU [01]" gpus-local/logs/simulate.$n.out || return 1
    done &&
    grep -qx "GPU [01]" gpus-local/logs/infer.7.out
'

test_expect_success 'failures.json: a failure, its repair, and resume' '
    run 1 failures &&
    grep -q "simulate\[2\]" failures.out &&
    touch input &&
    resume failures &&
    contents failures-local/logs/analyse.0.out all four &&
    test "$(grep -c "\"event\":\"start\",\"task\":\"simulate\[0\]\"" failures-local/journal.jsonl)" = 1
'

test_expect_success 'long.json: a checkpoint before the end, and resume from it' '
    run 3 long --time-limit 6s &&
    test "$(cat state)" -gt 0 &&
    test "$(cat state)" -lt 60 &&
    resume long
'

test_expect_success 'staging.json: data comes and leaves' '
    run 0 staging &&
    contents results/all 500500 500500 500500 500500
'

test_expect_success 'messages.json: each message starts a task' '
    run 0 messages &&
    for n in 1 2 3 4; do
        contents frame.$n $n || return 1
    done
'

test_expect_success 'grow.json: a task adds tasks' '
    run 0 grow &&
    contents candidate.2 2
'

command -v python3 >/dev/null && test_set_prereq PYTHON

test_expect_success PYTHON 'workers.json: calls, whose results are messages' '
    run 0 workers && sort -u predictions >sorted && test $(wc -l <sorted) = 20 && grep 1083 sorted
'

test_expect_success PYTHON 'import.json and import-once.json: the same, with workers' '
    sed -i "s/sleep(2)/sleep(0.1)/" energy.py energy_worker.py &&
    run 0 import && run 0 import-once &&
    for name in import import-once; do
        async-workflow logs $name-local energy >$name.logs && test $(wc -l <$name.logs) -ge 20 || return 1
    done &&
    sort import.logs >expected && sort import-once.logs >actual && test_cmp expected actual &&
    test $(grep -c first_call import-once-local/journal.jsonl) -le 8
'

test_expect_success 'reports and status of what has run' '
    for format in text json svg trace; do
        async-workflow report --format $format --output report.$format first-local && test -s report.$format || return 1
    done &&
    async-workflow status first-local >out && grep -q "9 of 9" out
'

test_expect_success 'model and advise, as the guide calls them' '
    sed "s/\"foreach\"/\"duration\": 60, \"foreach\"/; s/\"after\"/\"duration\": 5, \"after\"/" first.json >timed.json &&
    async-workflow model timed.json --nodes 2 --cpus 16 &&
    async-workflow advise timed.json --cpus 16 --script job.sh &&
    grep -q "^srun --async-workflow=timed.json" job.sh
'

# The links of every page lead somewhere.
test_expect_success 'no page has a link to a file that is not there' '
    (cd "$top_srcdir" && find . -name "*.md" -not -path "./build*" | while read -r page; do
        sed "s/\`[^\`]*\`//g" "$page" | grep -oE "\]\([^)]+\)" | sed "s/^](//; s/)$//; s/#.*//" | grep -v "^https\?:" |
            while read -r link; do
                test -z "$link" || test -e "$(dirname "$page")/$link" || echo "$page: $link"
            done
    done) >dead &&
    test_must_be_empty dead || { cat dead; false; }
'

test_done
