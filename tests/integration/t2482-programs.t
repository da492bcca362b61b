#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Reports for programs: JSON by its schema, metrics for Prometheus'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
samples=$top_srcdir/tests/integration
cp -R "$samples/sample-run" . && chmod -R u+w sample-run

python3 -c 'import jsonschema' 2>/dev/null && test_set_prereq SCHEMA || say "no python3-jsonschema: no test by schemas"
PATH=$PATH:/usr/sbin command -v promtool >/dev/null && test_set_prereq PROMTOOL || say "no promtool: the package prometheus is not installed"

# of_schema NAME FILE...: each is what the definition NAME of docs/report.schema.json describes, and nothing else
of_schema ()
{
    python3 - "$top_srcdir/docs/report.schema.json" "$@" <<-\END
	import json, sys
	import jsonschema
	schema = json.load(open(sys.argv[1]))
	jsonschema.Draft7Validator.check_schema(schema)
	one = {"$ref": "#/definitions/" + sys.argv[2], "definitions": schema["definitions"]}
	for path in sys.argv[3:]:
	    document = json.load(open(path))
	    jsonschema.Draft7Validator(schema).validate(document)
	    jsonschema.Draft7Validator(one).validate(document)
	END
}

test_expect_success 'runs of many kinds' '
    "$samples/make-run" resumed --tasks 60 --interrupt --iterations 3 --fail-every 7 &&
    mkdir input && echo 1 >input/0 && echo 2 >input/1 &&
    cat >staged.json <<-\EOF &&
	{ "async-workflow": 1, "tasks": { "use": { "foreach": { "a": ["0", "1"] },
	    "stage_in": { "from": "input/{a}", "to": "in", "mode": "async" }, "script": "cat {scratch}/in" } } }
	EOF
    async-workflow run --local staged.json &&
    cp -R sample-run begun && head -n 14 sample-run/journal.jsonl >begun/journal.jsonl &&
    cp -R sample-run empty && head -n 1 sample-run/journal.jsonl >empty/journal.jsonl
'

test_expect_success SCHEMA 'the JSON of report is what its schema says' '
    n=0 &&
    for run in sample-run resumed begun empty *-local; do
        test -d "$run" || continue
        async-workflow report --format json "$run" >report-$n.json || return 1
        n=$((n + 1))
    done &&
    test $n -ge 4 && of_schema report report-*.json
'

test_expect_success SCHEMA 'so is that of status' '
    for run in sample-run resumed begun empty; do
        async-workflow status --json "$run" >status-$run.json || return 1
    done &&
    of_schema status status-*.json &&
    ! of_schema report status-empty.json 2>err
'

test_expect_success SCHEMA 'and that of a comparison' '
    async-workflow report --compare --format json sample-run resumed empty >compared.json &&
    of_schema comparison compared.json
'

test_expect_success SCHEMA 'the schema is strict' '
    sed "s/{\"async-workflow-status\"/{\"more\":1,\"async-workflow-status\"/" status-empty.json >more.json &&
    grep more more.json && ! of_schema status more.json 2>err && grep "more" err &&
    sed "s/\"mean\":/\"average\":/" report-0.json >less.json && ! of_schema report less.json 2>err
'

test_expect_success 'status --json has the counts of status' '
    async-workflow status --json sample-run >status.json &&
    grep "\"state\":\"failed\"" status.json &&
    grep "\"tasks\":{\"all\":26,\"completed\":21,\"failed\":1,\"cancelled\":0,\"skipped\":4,\"running\":0,\"unstarted\":0,\"retried\":2}" status.json &&
    grep "{\"set\":\"infer\",\"tasks\":8,\"completed\":4,\"failed\":0,\"cancelled\":0,\"skipped\":4,\"running\":0,\"unstarted\":0}" status.json &&
    async-workflow status --json begun >status.json &&
    grep "\"busy_cpus\":[1-9]" status.json
'

test_expect_success 'metrics have the counts too' '
    async-workflow report --format prometheus sample-run >metrics &&
    grep "^async_workflow_tasks{workflow=\"sample\",run=\"$(pwd)/sample-run\",set=\"infer\",state=\"skipped\"} 4$" metrics &&
    grep "^async_workflow_run_state{.*,state=\"failed\"} 1$" metrics &&
    grep "^async_workflow_run_state{.*,state=\"completed\"} 0$" metrics &&
    grep "^async_workflow_attempts_total{.*,set=\"simulate\"} 13$" metrics &&
    grep "^async_workflow_task_duration_seconds_count{.*,set=\"simulate\"} 12$" metrics &&
    grep "^async_workflow_run_makespan_seconds{.*} 31.763322$" metrics
'

test_expect_success PROMTOOL 'promtool finds nothing wrong in them, whatever the directory is called' '
    cp -R sample-run "odd \"name\" \\ {x}=1" &&
    for run in sample-run resumed begun empty odd*; do
        async-workflow report --format prometheus "$run" >metrics &&
        PATH=$PATH:/usr/sbin promtool check metrics <metrics >out 2>&1 && test_must_be_empty out || { cat out; return 1; }
    done &&
    grep "run=\"$(pwd)/odd .\"name.\" .. {x}=1\"" metrics
'

test_done
