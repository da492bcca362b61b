#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='WfFormat of wfcommons.org: runs become instances, instances become workflows'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
samples=$top_srcdir/tests/integration
cp -R "$samples/sample-run" . && chmod -R u+w sample-run

python3 -c 'import jsonschema' 2>/dev/null && test_set_prereq SCHEMA || say "no python3-jsonschema: no test by schemas"

# valid FILE: an instance by the schema of WfFormat 1.5
valid ()
{
    python3 - "$top_srcdir/tests/data/wfformat/wfcommons-schema.json" "$1" <<-\END
	import json, sys
	import jsonschema
	instance = json.load(open(sys.argv[2]))
	jsonschema.Draft7Validator(json.load(open(sys.argv[1])), format_checker=jsonschema.FormatChecker()).validate(instance)
	tasks = {t["id"]: t for t in instance["workflow"]["specification"]["tasks"]}
	for id, t in tasks.items():
	    assert all(id in tasks[p]["children"] for p in t["parents"]), id
	    assert all(id in tasks[c]["parents"] for c in t["children"]), id
	    assert len(set(t["parents"])) == len(t["parents"]), id
	assert {t["id"] for t in instance["workflow"]["execution"]["tasks"]} <= set(tasks)
	END
}

test_expect_success SCHEMA 'a run is a valid instance' '
    async-workflow report --format wfformat sample-run >sample.json && valid sample.json
'

test_expect_success 'it has the tasks of the run, with their durations and predecessors' '
    python3 - <<-\EOF
	import json
	w = json.load(open("sample.json"))["workflow"]
	assert len(w["specification"]["tasks"]) == 26 and len(w["execution"]["tasks"]) == 22
	by_id = {t["id"]: t for t in w["specification"]["tasks"]}
	assert sorted(by_id)[0] == "aggregate_ID0000006" and by_id["aggregate_ID0000006"]["name"] == "aggregate"
	assert by_id["aggregate_ID0000006"]["parents"] == ["simulate_ID000000%d" % i for i in range(6)]
	ran = {t["id"]: t for t in w["execution"]["tasks"]}
	assert ran["simulate_ID0000004"]["runtimeInSeconds"] == 10.104831 and ran["simulate_ID0000004"]["coreCount"] == 4
	assert ran["simulate_ID0000004"]["machines"] == ["n2"]
	assert abs(w["execution"]["makespanInSeconds"] - 31.763322) < 1e-6
	EOF
'

# Of simulate@0[4] the journal has an end that is 50 ms late, and of simulate@0[0] no seconds.
test_expect_success 'durations are what the node measured, where it has' '
    cp -R sample-run late &&
    sed -i "s/\"seconds\":10.104831/\"seconds\":10.054831/; s/\"seconds\":9.500157/\"seconds\":0/" late/journal.jsonl &&
    async-workflow report --format wfformat late >late.wf &&
    grep "\"id\":\"simulate_ID0000004\",\"runtimeInSeconds\":10.054831," late.wf &&
    grep "\"id\":\"simulate_ID0000000\",\"runtimeInSeconds\":9.500157," late.wf
'

test_expect_success SCHEMA 'dependencies by index, by key, across iterations and texts of commands' '
    cat >edges.json <<-\EOF &&
	{ "async-workflow": 1, "iterations": 2, "tasks": {
	  "one": { "foreach": { "s": ["a", "b"], "n": [1, 2] }, "after": ["three@-1"], "command": ["echo", "", "\"{s}\""] },
	  "two": { "count": 4, "after": ["one[i]"], "script": "exit 0" },
	  "three": { "foreach": { "s": ["a", "b"] }, "after": ["one[s]", "two"], "script": "exit 0" } } }
	EOF
    async-workflow run --local edges.json && async-workflow report --format wfformat edges-local >edges.wf && valid edges.wf &&
    python3 - <<-\EOF
	import json
	tasks = json.load(open("edges.wf"))["workflow"]["specification"]["tasks"]
	parents = [sorted(int(p[-7:]) for p in t["parents"]) for t in tasks]
	assert parents[:4] == [[]] * 4, parents
	assert parents[4:8] == [[0], [1], [2], [3]], parents
	assert parents[8:10] == [[0, 1, 4, 5, 6, 7], [2, 3, 4, 5, 6, 7]], parents
	assert parents[10:14] == [[8, 9]] * 4, parents
	EOF
'

test_expect_success 'a run that has not ended, or in which nothing ran, is none' '
    cp -R sample-run begun && head -n 14 sample-run/journal.jsonl >begun/journal.jsonl &&
    test_expect_code 2 async-workflow report --format wfformat begun >out 2>err && test_must_be_empty out &&
    grep "the run has not ended" err &&
    { head -n 1 sample-run/journal.jsonl && echo "{\"t\":1,\"event\":\"end\",\"code\":3}"; } >begun/journal.jsonl &&
    test_expect_code 2 async-workflow report --format wfformat begun >out 2>err && grep "no task has run" err
'

test_expect_success 'so is one with too many pairs of tasks' '
    echo "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"count\": 4000, \"command\": [\"true\"] },
        \"b\": { \"count\": 4000, \"after\": [\"a\"], \"command\": [\"true\"] } } }" >wide.json &&
    "$samples/make-run" wide && cp wide.json wide/workflow.json && sed -i "s/simulate/a/; s/analyse/b/" wide/journal.jsonl &&
    test_expect_code 2 async-workflow report --format wfformat wide >out 2>err && grep "over 10000000 pairs" err
'

test_expect_success 'an instance becomes a workflow: tasks, cores, durations, parents' '
    async-workflow import sample.json --output again.json &&
    async-workflow check again.json >out && grep "26 task sets, 26 tasks" out &&
    grep "\"simulate_ID0000004\": { \"cpus\": 4, \"duration\": 10.104831, \"command\": \[\"sleep\", \"10.105\"\] }" again.json &&
    async-workflow import edges.wf >again.json && async-workflow model again.json --nodes 1 --cpus 2 >out
'

test_expect_success 'files are dependencies, children too, and names become those that sets may have' '
    cat >files.wf <<-\EOF &&
	{ "name": "my flow", "schemaVersion": "1.5", "workflow": {
	  "specification": { "tasks": [
	    { "name": "a", "id": "make it", "parents": [], "children": ["c#1"], "outputFiles": ["x/1.dat"] },
	    { "name": "b", "id": "make:it", "parents": [], "children": [], "inputFiles": ["x/1.dat", "given"], "outputFiles": ["y"] },
	    { "name": "c", "id": "c#1", "parents": ["make it"], "children": [], "inputFiles": ["y"] } ],
	    "files": [] },
	  "execution": { "makespanInSeconds": 3, "executedAt": "2026-01-01T00:00:00Z", "tasks": [
	    { "id": "c#1", "runtimeInSeconds": 0.25, "coreCount": 1.5, "command": { "program": "echo", "arguments": ["{x}", "done"] } } ] } } }
	EOF
    async-workflow import files.wf >files.json &&
    grep "\"name\": \"my_flow\"" files.json &&
    grep "\"make_it\": { \"cpus\": 1, \"command\"" files.json &&
    grep "\"make_it_1\": { \"cpus\": 1, \"after\": \[\"make_it\"\]" files.json &&
    grep "\"c_1\": { \"cpus\": 2, \"duration\": 0.25, \"after\": \[\"make_it\", \"make_it_1\"\], \"command\": \[\"sleep\", \"0.25\"\]" files.json &&
    async-workflow import --commands files.wf >files.json &&
    async-workflow run --local --cpus 2 files.json && grep "{x} done" my_flow-local/logs/c_1.0.out
'

# refused TEXT FILE: in one line on stderr that has TEXT
refused ()
{
    test_expect_code 2 async-workflow import "$2" >out 2>err && test_must_be_empty out &&
        grep "$1" err && test "$(wc -l <err)" = 1
}

test_expect_success 'wrong instances are refused in one line' '
    test_expect_code 2 async-workflow import 2>err && grep "no instance given" err &&
    refused "none: .*No such file" none &&
    echo "{" >bad && refused "bad" bad &&
    echo "[]" >bad && refused "schemaVersion: missing" bad &&
    sed "s/\"1.5\"/\"1.3\"/" files.wf >bad && refused "expected \"1.4\" or \"1.5\"" bad &&
    sed "s/\"tasks\": \[ *$/\"tasks\": [], \"x\": [/" files.wf >bad && refused "specification.tasks: expected a list" bad &&
    sed "s/\"id\": \"c#1\", \"parents\"/\"id\": \"make it\", \"parents\"/" files.wf >bad && refused "tasks\[2\].id: another task has it too" bad &&
    sed "s/\"parents\": \[\"make it\"\]/\"parents\": [\"who\"]/" files.wf >bad && refused "task \"c#1\": parents: \"who\": there is no task" bad &&
    sed "s/0.25/-1/" files.wf >bad && refused "execution.tasks\[0\]: runtimeInSeconds" bad &&
    sed "s/{ \"id\": \"c#1\", \"run/{ \"id\": \"c\", \"run/" files.wf >bad && refused "execution.tasks\[0\]: its id is that of no task" bad &&
    sed "s/\"parents\": \[\], \"children\": \[\"c#1\"\]/\"parents\": [\"c#1\"], \"children\": []/" files.wf >bad && refused "cycle" bad
'

test_done
