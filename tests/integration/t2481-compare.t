#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='async-workflow report --compare: runs side by side'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
samples=$top_srcdir/tests/integration
cp -R "$samples/sample-run" . && chmod -R u+w sample-run

# Two chains: stage after stage takes 5 s, side by side 4 s. Journals as a simulation would write them.
run ()
{
    mkdir -p "$1/logs" && cat >"$1/workflow.json" <<-EOF &&
	{ "async-workflow": 1, "tasks": {
	  "a": { "command": ["true"] }, "b": { "after": ["a"], "command": ["true"] },
	  "c": { "command": ["true"] }, "d": { "after": ["c"], "command": ["true"] } } }
	EOF
    {
        echo "{\"async-workflow-journal\":1,\"epoch\":1763800000,\"name\":\"two\",\"mode\":\"$2\",\"policy\":\"fifo\",\"directory\":\"/\",\"version\":\"0.1.0\"}"
        echo '{"t":0.5,"event":"node","node":"n1","cpus":"0-1","gpus":"","mem":0}'
        shift 2
        for task; do
            echo "$task"
        done | awk -F, '{ print $2, 1, $0; print $3, 0, $0 }' | sort -n | awk '{
            split($3, m, ",")
            if ($2) {
                printf "{\"t\":%s,\"event\":\"ready\",\"task\":\"%s[0]\",\"attempt\":0}\n", m[2], m[1]
                printf "{\"t\":%s,\"event\":\"start\",\"task\":\"%s[0]\",\"attempt\":0,\"node\":\"n1\",\"cpus\":\"%s\",\"gpus\":\"\"}\n", m[2], m[1], m[4]
            } else
                printf "{\"t\":%s,\"event\":\"finish\",\"task\":\"%s[0]\",\"attempt\":0,\"node\":\"n1\",\"status\":\"completed\",\"code\":0,\"signal\":0,\"seconds\":%s,\"cpu_seconds\":1,\"max_rss\":1}\n", m[3], m[1], m[3] - m[2] }'
        echo '{"t":9,"event":"end","code":0}'
    } >"$1/journal.jsonl"
}
run sequential sequential a,1,4,0 c,1,2,1 b,4,5,0 d,4,6,1
run async async a,1,4,0 c,1,2,1 d,2,4,1 b,4,5,0

test_expect_success 'what cannot be compared is refused' '
    test_expect_code 2 async-workflow report --compare async 2>err &&
    grep "compare: one run directory: give two or more" err &&
    test_expect_code 2 async-workflow report async sequential 2>err &&
    grep "sequential.*a second run directory: give one, or --compare" err &&
    test_expect_code 2 async-workflow report --compare --format svg async sequential 2>err &&
    grep "compare --format=svg: give text, json or html" err &&
    test_expect_code 2 async-workflow report --compare $(seq 17) 2>err &&
    grep "17 run directories: give at most 16" err &&
    test_expect_code 2 async-workflow report --compare async none >out 2>err &&
    grep "none: No such file" err && test_must_be_empty out
'

test_expect_success 'makespan, I, utilisation and sets stand side by side' '
    async-workflow report --compare sequential async >out &&
    grep "^  *sequential  *async$" out &&
    grep "^mode  *sequential  *async$" out &&
    grep "^makespan  *5.00 s  *4.00 s (-20.0 %)$" out &&
    grep "^I  *0.200$" out &&
    grep "^CPUs busy  *70.0 %  *87.5 %$" out &&
    grep "^  d  *2.00 s  *2.00 s (+0.0 %)$" out &&
    ! grep -i GPUs out
'

test_expect_success 'the first run is what the others are compared with' '
    async-workflow report --compare async sequential async >out &&
    grep "^makespan  *4.00 s  *5.00 s (+25.0 %)  *4.00 s (+0.0 %)$" out &&
    grep "^I  *-0.250  *0.000$" out
'

test_expect_success 'runs of different workflows are compared in what they share; a failed run has no I' '
    async-workflow report --compare async sample-run >out &&
    ! grep "^I " out && grep "^  a  *3.00 s *$" out && grep "^  simulate  *9.88 s$" out
'

test_expect_success 'the JSON has the same figures' '
    async-workflow report --compare --format json sequential async >out &&
    python3 - <<-\EOF
	import json
	it = json.load(open("out"))
	first, second = it["runs"]
	assert (first["makespan"], second["makespan"]) == (5, 4)
	assert first["improvement"] is None and second["improvement"] == 0.2
	assert first["gpu_share"] is None and second["cpu_share"] == 0.875
	assert [s["set"] for s in it["sets"]] == ["a", "b", "c", "d"] and it["sets"][3]["runs"][1]["mean"] == 2
	EOF
'

test_expect_success 'the page has them too, and pictures of the use' '
    cp -R async "async<b>" &&
    async-workflow report --compare --format html sequential "async<b>" --output page.html &&
    grep "<tr><td>I</td><td></td><td>0.200</td></tr>" page.html &&
    grep "<th>async&lt;b&gt;</th>" page.html &&
    test "$(grep -c "<path d=\"M0" page.html)" = 2 &&
    ! grep -E "<script|<b>" page.html
'

test_done
