#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='advise: interval and time limit are of the order that a run follows, a plan too'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

# value KEY: of one line of the JSON that stands in out; part KEY MEMBER: of an object there
value () { sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" out; }
part () { value "$1" | sed "s/.*\"$2\": \([0-9]*\.\{0,1\}[0-9]\{0,6\}\).*/\1/"; }
is () { awk "BEGIN { exit !($1) }" || { echo "not: $1"; false; }; }

# Each policy takes 2570 s on 4 CPUs, a plan 2150 s. task DURATION CPUS AFTER...
task ()
{
    printf '%s"t%d": { "duration": %d, "cpus": %d, "after": [' "$comma" "$n" "$1" "$2"
    shift 2
    sep=
    for t; do
        printf '%s"t%d"' "$sep" "$t"
        sep=,
    done
    printf '], "command": ["true"] }'
    comma=', ' n=$((n + 1))
}
n=0 comma=
{
    printf '{ "async-workflow": 1, "name": "knot", "defaults": { "spread": 0.2 }, "tasks": { '
    task 690 3; task 570 2 0; task 100 2; task 200 2 2; task 580 1 3; task 400 1 0; task 590 3 2; task 440 1 2 4; task 720 1 0 3 5
    printf ' } }\n'
} >knot.json

advise () { async-workflow advise knot.json --cpus 4 --max-nodes 1 "$@"; }

test_expect_success 'the plan that a run would find is searched for; its interval is the one of model' '
    advise --plan-evaluations 300 --json >out && test "$(part plan makespan)" = 2150 &&
    interval=$(part interval p5)-$(part interval p95) limit=$(value time_limit_minutes) &&
    async-workflow model knot.json --cpus 4 --plan-evaluations 300 --json >out && test "$(value t_async)" = 2150 &&
    test "$interval" = "$(part t_async_interval p5)-$(part t_async_interval p95)" &&
    advise --plan-time 0 --json >out && test "$(value plan)" = null && is "$(part interval p95) > ${interval#*-} + 200" &&
    is "$(value time_limit_minutes) > $limit"
'

test_expect_success 'a policy that is given stays; the table and the time that is given do too' '
    advise --policy widest --json >out && test "$(value plan)" = null &&
    advise --plan-evaluations 300 --time 38m >page && grep "^ *1 *2570.0 s .* <- knee" page &&
    grep "on 1 node one takes 2150.0 s, 16.3% less than" page &&
    advise --policy widest --time 38m >rule && fits () { sed -n "s/.*probability of \(.*\)%.$/\1/p" "$1"; } &&
    is "$(fits page) > 2 * $(fits rule)"
'

test_expect_success 'the script has all that the advice rests on' '
    sed "s/\"duration\": [0-9]*, \"cpus\": [0-9]/\"cpus\": 1/g" knot.json >brief.json && run 0 brief brief.json --dir "an earlier one" &&
    advise --plan-evaluations 20 --durations "an earlier one" --script job.sh >page &&
    grep "^with the durations of the run in an earlier one" page &&
    tail -n 1 job.sh >line &&
    grep "=knot.json --async-workflow-durations=.an earlier one. --async-workflow-plan-evaluations=20$" line &&
    advise --plan-evaluations 300 --script plan.sh >page && grep "^# The model: 2150.0 s, a plan; the limit is what" plan.sh
'

test_done
