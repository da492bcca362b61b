#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='advise: how many nodes to ask for, and the batch script for them'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

advise () { "$top_builddir/helpers/async-workflow" advise "$@"; }

# value KEY: of one line of the JSON that stands in out.
value () { sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" out; }

# row NODES KEY: of the line of these nodes
row () { sed -n "s/^    { \"nodes\": $1, .*\"$2\": \([^,]*\)[, ].*/\1/p" out; }

# 16 tasks of 10 s on a GPU each, then one of 10 s; with 2 GPUs a node, 8 nodes hold them all
SIXTEEN='"tasks": { "many": { "count": 16, "gpus": 1, "duration": 10, "command": ["true"] },
    "last": { "after": ["many"], "duration": 10, "command": ["true"] } }'
workflow sixteen.json "$SIXTEEN"
workflow unknown.json "$(echo "$SIXTEEN" | sed 's/"duration": 10, //')"
workflow large.json '"tasks": { "a": { "cpus": 9, "duration": 1, "command": ["true"] } }'

test_expect_success 'nothing given, or nonsense: exit 2' '
    test_expect_code 2 advise 2>err && grep "no workflow file given" err &&
    for words in "--cpus 0" "--gpus 1" "--cpus 4 --max-nodes 0" "--cpus 4 --margin -1" "--cpus 4 --policy lifo" \
        "--cpus 4 --force" "--cpus 4 --nodes 3 --max-nodes 2" "--partition a,b" "--cpus 4 --latency x" \
        "--cpus 4 --budget never" "--cpus 4 sixteen.json" "--cpus 4 --durations missing" \
        "--cpus 4 --gpus 2 --policy fifo --plan-time 1" "--cpus 4 --gpus 2 --policy fifo --plan-evaluations 9"; do
        test_expect_code 2 advise sixteen.json $words >out 2>err &&
        test -s err && ! test -s out || return 1
    done
'

test_expect_success 'durations that are missing are told, all of them' '
    test_expect_code 2 advise unknown.json --cpus 4 --gpus 2 2>err &&
    grep "tasks.many: unknown duration" err &&
    grep "tasks.last: unknown duration" err &&
    test $(grep -c . err) = 2
'

test_expect_success 'a task that no node holds' '
    test_expect_code 2 advise large.json --cpus 8 2>err && grep "tasks.a.*9" err
'

test_expect_success 'tasks over several nodes: no fewer nodes than one of them wants' '
    workflow wide.json "\"tasks\": {
        \"solve\": { \"count\": 2, \"ranks\": 6, \"nodes\": 3, \"gpus\": 1, \"duration\": 10, \"command\": [\"true\"] },
        \"one\": { \"duration\": 10, \"command\": [\"true\"] } }" &&
    advise wide.json --cpus 2 --gpus 2 --json >out &&
    test -z "$(row 2 makespan)" && test "$(row 3 makespan)" = 30 && test "$(row 7 makespan)" = 10 &&
    test "$(value fastest)" = 7 && test -z "$(row 8 makespan)" &&
    test_expect_code 2 advise wide.json --cpus 2 --gpus 1 2>err && grep "tasks.solve.gpus: .* 2, " err &&
    for words in "--max-nodes 2" "--nodes 2"; do
        test_expect_code 2 advise wide.json --cpus 2 --gpus 2 $words 2>err &&
        grep "wide.json: tasks.solve: a task needs 3 nodes, but there are 2: request" err || return 1
    done
'

test_expect_success 'the table: makespan, node-hours, shares, bound; fastest and knee' '
    advise sixteen.json --cpus 4 --gpus 2 --json >out &&
    for pair in 1:90 2:50 3:40 4:30 6:30 8:20; do
        test "$(row ${pair%:*} makespan)" = ${pair#*:} || return 1
    done &&
    test "$(row 8 node_hours)" = 0.044444444 &&
    test "$(row 8 utilisation_gpus)" = 0.5 &&
    test "$(row 8 lower_bound)" = 20 &&
    test "$(value fastest)" = 8 &&
    test "$(value knee)" = 8 &&
    test "$(value chosen)" = 8 &&
    test "$(value time_limit_minutes)" = 1 && test "$(value fits)" = 1 &&
    test "$(value cut)" = false
'

test_expect_success 'no more nodes than given' '
    advise sixteen.json --cpus 4 --gpus 2 --max-nodes 7 --json >out &&
    test "$(value knee)" = 4 && test "$(value fastest)" = 4 &&
    test -z "$(row 8 makespan)" && test "$(row 7 makespan)" = 30
'

test_expect_success 'one policy, latency, and the page for people' '
    advise sixteen.json --cpus 4 --gpus 2 --policy fifo --latency 5 --nodes 3 >out &&
    grep "^       4       35.0 s .* fifo  *<- knee$" out && grep "^       8       25.0 s .* fifo  *<- fastest$" out &&
    ! grep longest-path out && grep "Recommended: 4 nodes" out && grep "saves 28.6% of the time for 43% more node-hours" out &&
    grep "8 nodes take as long as the critical path" out
'

test_expect_success 'the JSON is JSON' '
    if command -v python3 >/dev/null; then
        advise sixteen.json --cpus 4 --mem 4G --gpus 1 --json | python3 -m json.tool >/dev/null
    fi
'

test_expect_success 'no time to simulate' '
    workflow huge.json "\"tasks\": { \"a\": { \"count\": 20000, \"duration\": 1, \"command\": [\"true\"] } }" &&
    test_expect_code 2 advise huge.json --cpus 4 --budget 0 2>err && grep "give more with --budget" err
'

test_expect_success 'a script, which is not overwritten but by force' '
    advise sixteen.json --cpus 4 --gpus 2 --script job.sh --nodes 3 --margin 1 >out &&
    grep "job.sh: for 3 nodes, with a time limit of 2 min (40.0 s, 100% more): sbatch job.sh" out &&
    cat >expected <<-\END &&
	#!/bin/sh
	#SBATCH --job-name=sixteen
	#SBATCH --nodes=3 --exclusive --mincpus=4
	#SBATCH --gpus-per-node=2
	# The model: 40.0 s, longest-path; the limit is 100% more, in whole minutes.
	#SBATCH --time=0-00:02:00
	srun --async-workflow=sixteen.json
	END
    test_cmp expected job.sh && test -x job.sh &&
    test_expect_code 2 advise sixteen.json --cpus 4 --gpus 2 --script job.sh >out 2>err &&
    ! test -s out && grep "job.sh: exists: give --force" err &&
    test_cmp expected job.sh &&
    advise sixteen.json --cpus 4 --gpus 2 --script job.sh --force --partition P --policy waves &&
    grep -x "#SBATCH --partition=P" job.sh && grep -q -- "--nodes=8" job.sh &&
    grep -x "srun --async-workflow=sixteen.json --async-workflow-policy=waves" job.sh &&
    test_expect_code 2 advise sixteen.json --cpus 4 --gpus 2 --script missing/job.sh 2>err &&
    grep "missing/job.sh: cannot be written" err
'

test_expect_success 'the name of the file is one word of the shell' '
    mkdir -p bin && printf "%s\n" "#!/bin/sh" "printf \"%s|\" \"\$@\"" >bin/srun && chmod +x bin/srun &&
    name="it'\''s \$HOME \"x\".json" && cp sixteen.json "$name" &&
    advise "$name" --cpus 4 --gpus 2 --script words.sh >/dev/null &&
    PATH="$PWD/bin:$PATH" sh words.sh >out && printf "%s|" "--async-workflow=$name" >expected && test_cmp expected out &&
    grep "^#SBATCH --job-name=[A-Za-z0-9_.-]*$" words.sh
'

# slurm_says LINE...: a sinfo that prints these
slurm_says ()
{
    { echo '#!/bin/sh'; echo 'cat <<END'; printf '%s\n' "$@"; echo END; } >bin/sinfo && chmod +x bin/sinfo
}
with_sinfo () { PATH="$PWD/bin:$PATH" "$top_builddir/helpers/async-workflow" advise sixteen.json --json "$@" >out 2>err; }

test_expect_success 'what sinfo says: kinds, states, limits' '
    slurm_says "main*|5|8|16000|(null)|infinite|1-infinite|idle" "main*|2|4|8000|gpu:2(S:0-1)|infinite|1-infinite|idle" \
        "main*|1|4|8000|gpu:2(S:0-1)|infinite|1-infinite|mixed" "main*|4|4|8000|gpu:2(S:0-1)|infinite|1-infinite|down*" \
        "main*|4|4|8000|gpu:2(S:0-1)|infinite|1-infinite|idle*" "main*|1|64|8000|gpu:a100:4,gpu:b:4|infinite|1-infinite|idle" \
        "wide|9|4|8000|gpu:a:1(S:0,1),gpu:1|10:00|1-4|allocated" "gone|9|4|8000|gpu:2|10:00|1-4|drained" &&
    with_sinfo && test "$(value partition)" = "\"main\"" && test "$(row 3 makespan)" = 40 && test -z "$(row 4 makespan)" &&
    test "$(value node)" = "{ \"cpus\": 4, \"gpus\": 2, \"mem\": 8388608000 }" &&
    with_sinfo --partition wide && test "$(row 4 makespan)" = 30 && test -z "$(row 5 makespan)" &&
    test_expect_code 2 with_sinfo --partition gone && grep "no node in service" err &&
    test_expect_code 2 with_sinfo --partition none && grep "unknown partition \"none\"" err &&
    test_expect_code 2 with_sinfo --nodes 4 && grep "can have 3 such nodes" err &&
    PATH="$PWD/bin:$PATH" "$top_builddir/helpers/async-workflow" advise sixteen.json --partition wide --script slow.sh \
        --margin 100 >page && grep "has a time limit of 10m.*would not start" page &&
    PATH="$PWD/bin:$PATH" "$top_builddir/helpers/async-workflow" advise sixteen.json >page &&
    grep "partition main has 3 in service; its other kinds" page &&
    slurm_says "main|5|8|16000|(null)|infinite|1-infinite|idle" &&
    test_expect_code 2 with_sinfo && grep "no default partition" err &&
    test_expect_code 2 with_sinfo --partition main && grep "1 GPU\|many" err
'

test_expect_success 'Slurm does not answer' '
    printf "#!/bin/sh\necho slurm is away >&2\nexit 1\n" >bin/sinfo &&
    test_expect_code 2 with_sinfo && grep "give --cpus and --gpus.*slurm is away" err
'

cluster_start --nodes 3 --cores 4 --gpus 2

workflow tiny.json '"tasks": { "many": { "count": 6, "gpus": 1, "duration": 1, "command": ["sleep", "0.2"] },
    "last": { "after": ["many"], "duration": 1, "command": ["true"] } }'

test_expect_success 'within what the partition offers' '
    partition=$(sinfo --noheader --format=%R) &&
    advise sixteen.json --json >out &&
    test "$(value partition)" = "\"$partition\"" &&
    test "$(row 3 makespan)" = 40 && test -z "$(row 4 makespan)" &&
    case $(value node) in *"\"cpus\": 4, \"gpus\": 2"*) ;; *) false ;; esac
'

test_expect_success 'Slurm accepts the script' '
    advise tiny.json --script tiny.sh --partition "$partition" >out &&
    grep "partition $partition has 3 in service" out && grep "Recommended: 3 nodes" out &&
    sbatch --test-only tiny.sh >accepted 2>&1 || { cat accepted >&4; false; }
'

test_expect_success 'also for tasks that want memory' '
    sed "s/\"gpus\": 1,/& \"mem\": \"100M\",/" tiny.json >memory.json &&
    advise memory.json --script memory.sh --nodes 2 --policy longest-path >out &&
    grep -x "#SBATCH --mem=0" memory.sh &&
    sbatch --test-only memory.sh >accepted 2>&1 || { cat accepted >&4; false; }
'

test_expect_success 'and runs it: on these nodes, with their GPUs, under this limit' '
    id=$(sbatch --parsable --output=tiny.log tiny.sh) &&
    scontrol show job $id >job && grep "TimeLimit=00:01:00" job && grep "JobName=tiny" job &&
    wait_for 60 no_job && cat tiny.log &&
    finished tiny-$id 7 && pool tiny-$id >nodes && printf "n1 4 2\nn2 4 2\nn3 4 2\n" >expected && test_cmp expected nodes
'

test_expect_success 'the durations of that run' '
    advise tiny.json --durations tiny-$id --max-nodes 1 --json >out &&
    row 1 makespan | awk "{ exit !(\$1 > 0.6 && \$1 < 4) }"
'

test_done
