#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='model: the figures of a workflow on an allocation'

. "$(dirname "$0")/lib.sh"

model ()
{
    "$top_builddir/helpers/async-workflow" model "$@"
}

# value KEY: of one line of the JSON that stands in out.
value ()
{
    sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" out
}

# The talk's example: two arms of unlike length.
task ()
{
    printf '"%s": { "after": [%s], "duration": %s, "command": ["true"] }' "$1" "$2" "$3"
}
printf '{ "async-workflow": 1, "tasks": { %s, %s, %s, %s, %s, %s } }\n' "$(task T0 "" 500)" \
    "$(task T1 '"T0"' 1000)" "$(task T2 '"T0"' 1000)" "$(task T3 '"T1"' 2000)" \
    "$(task T4 '"T3"' 2000)" "$(task T5 '"T2"' 4000)" >talk.json
sed 's/"duration": 2000, //g' talk.json >unknown.json

test_expect_success 'nothing given: exit 2' '
    test_expect_code 2 model 2>err &&
    grep "no workflow file given" err &&
    test_expect_code 2 model talk.json 2>err &&
    grep "the allocation is unknown" err
'

test_expect_success 'wrong options: exit 2' '
    for words in "--cpus 0" "--cpus x" "--cpus 1 --nodes -1" "--nodes 3" "--cpus 1 --mem much" \
        "--cpus 1 --shape s" "--cpus 1 --latency never" "--cpus 1 --spread -1" "--cpus 1 --seeds 0" \
        "--cpus 1 talk.json" "--shape missing.json"; do
        test_expect_code 2 model talk.json $words >out 2>err &&
        test -s err && ! test -s out || return 1
    done
'

test_expect_success 'staging: what copies cost in each mode, and what is hidden' '
    printf "{ \"async-workflow\": 1, \"tasks\": { \"w\": { \"count\": 20, \"cpus\": 1, \"duration\": 10,
        \"stage_in\": { \"from\": \"d/{index}\", \"duration\": 10, \"mode\": \"sync\" }, \"command\": [\"true\"] } } }\n" >staged.json &&
    model staged.json --cpus 1 --json >out &&
    value staging >staging && echo "{ \"async\": 210, \"sync\": 400, \"none\": 200, \"hidden\": 0.95 }" | test_cmp - staging &&
    model staged.json --cpus 1 >out &&
    grep "asynchronous  *210.0 s" out && grep "synchronous  *400.0 s" out && grep "no copies  *200.0 s" out &&
    grep "Asynchronous staging hides 95.0% of the 200.0 s that synchronous copies add" out &&
    model talk.json --cpus 8 --json >out &&
    test "$(value staging)" = null &&
    model talk.json --cpus 8 >out &&
    ! grep -i "staging" out
'

test_expect_success 'the example in JSON' '
    model talk.json --cpus 8 --json >out &&
    test "$(value t_seq)" = 7500 &&
    test "$(value t_async)" = 5500 &&
    test "$(value serial_sum)" = 10500 &&
    test "$(value critical_path)" = 5500 &&
    test "$(value doa_dep)" = 1 &&
    test "$(value doa_res)" = 1 &&
    test "$(value wla)" = 1 &&
    test "$(value branches)" = 2 &&
    test "$(value width)" = 2 &&
    case $(value improvement) in 0.2666*) ;; *) false ;; esac &&
    value policies | grep "\"fifo\": 5500" &&
    value policies | grep "\"sequential\": 7500" &&
    value critical_path_sets | grep -F "[\"T0\", \"T1\", \"T3\", \"T4\"]"
'

test_expect_success 'the JSON is JSON' '
    if command -v python3 >/dev/null; then
        model talk.json --cpus 8 --gpus 1 --mem 4G --spread 0.2 --seeds 9 --json | python3 -m json.tool >/dev/null
    fi
'

test_expect_success 'the page for people' '
    model talk.json --cpus 8 >out &&
    grep "I = 1 - t_async / t_seq = 1 - 5500.0 / 7500.0 = 0.267" out &&
    grep "T0 > T1 > T3 > T4" out &&
    ! grep GPU out
'

test_expect_success 'one CPU: one task at a time, and nothing to gain' '
    model talk.json --cpus 1 --json >out &&
    test "$(value t_seq)" = 10500 &&
    test "$(value t_async)" = 10500 &&
    test "$(value doa_res)" = 0 &&
    test "$(value area_bound)" = 10500
'

test_expect_success 'nodes that are not alike' '
    echo "[ { \"cpus\": 1, \"mem\": \"1G\" }, { \"nodes\": 2, \"cpus\": 4, \"gpus\": 1 } ]" >shape.json &&
    model talk.json --shape shape.json --json >out &&
    grep "\"nodes\": 3, \"cpus\": 9, \"gpus\": 2" out &&
    test "$(value t_async)" = 5500 &&
    echo "[ { \"node\": 1, \"cpus\": 0 } ]" >shape.json &&
    test_expect_code 2 model talk.json --shape shape.json 2>err &&
    grep "did you mean \"nodes\"" err &&
    grep "\[0\].cpus: 0:" err
'

test_expect_success 'what is missing is reported, all of it' '
    test_expect_code 2 model unknown.json --cpus 8 2>err &&
    grep "tasks.T3: unknown duration" err &&
    grep "tasks.T4: unknown duration" err &&
    test $(grep -c . err) = 2
'

test_expect_success 'durations of an earlier run' '
    mkdir run &&
    cp unknown.json run/workflow.json &&
    cat >run/journal.jsonl <<-END &&
	{"async-workflow-journal":1,"epoch":1,"name":"talk","mode":"async","policy":"fifo"}
	{"t":0,"event":"node","node":"n1","cpus":"0-7","gpus":""}
	{"t":0,"event":"ready","task":"T0[0]","attempt":0}
	{"t":0,"event":"start","task":"T0[0]","attempt":0,"node":"n1","cpus":"0","gpus":""}
	{"t":50,"event":"finish","task":"T0[0]","attempt":0,"node":"n1","status":"completed","code":0,"signal":0,"seconds":50}
	{"t":50,"event":"ready","task":"T1[0]","attempt":0}
	{"t":50,"event":"start","task":"T1[0]","attempt":0,"node":"n1","cpus":"0","gpus":""}
	{"t":150,"event":"finish","task":"T1[0]","attempt":0,"node":"n1","status":"completed","code":0,"signal":0,"seconds":100}
	{"t":150,"event":"ready","task":"T3[0]","attempt":0}
	{"t":150,"event":"start","task":"T3[0]","attempt":0,"node":"n1","cpus":"0","gpus":""}
	{"t":350,"event":"finish","task":"T3[0]","attempt":0,"node":"n1","status":"completed","code":0,"signal":0,"seconds":200}
	END
    test_expect_code 2 model unknown.json --cpus 8 --durations run 2>err &&
    grep "tasks.T4: unknown duration" err &&
    test $(grep -c . err) = 1 &&
    model talk.json --cpus 8 --durations run --json >out &&
    test "$(value t_async)" = 5050
'

test_expect_success 'latency and spread' '
    model talk.json --cpus 8 --latency 10 --json >out &&
    test "$(value t_async)" = 5530 &&
    test "$(value t_seq)" = 7530 &&
    model talk.json --cpus 8 --spread 0.1 --seeds 20 --json >out &&
    test "$(value seeds)" = 20 &&
    model talk.json --cpus 8 --spread 0.1 --seeds 20 --json >again &&
    cmp out again
'

test_expect_success 'inside a job: its nodes, as scontrol tells them' '
    mkdir bin && cat >bin/scontrol <<-\END && chmod +x bin/scontrol &&
	#!/bin/sh
	exit 1
	END
    test_expect_code 2 env PATH="$PWD/bin:$PATH" SLURM_JOB_ID=17 \
        "$top_builddir/helpers/async-workflow" model talk.json 2>err &&
    grep "job 17" err
'

test_done
