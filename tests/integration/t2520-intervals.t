#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='intervals of predictions: what is known of durations, and whether a run fits into its time'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

aw () { "$top_builddir/helpers/async-workflow" "$@"; }

# value KEY: of one line of the JSON that stands in out.
value () { sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" out; }

# model FILE OPTION...: without a search, whose result depends on the machine's speed
model () { aw model "$@" --plan-time 0; }

# part KEY MEMBER: of an interval
part () { value "$1" | sed "s/.*\"$2\": \([0-9.]*\).*/\1/"; }

# is EXPRESSION: by awk
is () { awk "BEGIN { exit !($1) }" || { echo "not: $1"; false; }; }

# 20 chains of two tasks on 4 CPUs. chains NAME MEMBERS
chains ()
{
    workflow "$1.json" "\"tasks\": { \"a\": { \"count\": 20, \"duration\": 10, $2 \"command\": [\"true\"] },
        \"b\": { \"after\": [\"a[i]\"], \"count\": 20, \"duration\": 30, $2 \"command\": [\"true\"] } }"
}
chains bare ''
chains exact '"spread": 0,'
chains wide '"spread": 0.4,'
chains wider '"spread": "{x}",'
chains bad '"spread": -0.1,'

test_expect_success 'spread: a number from 0 to 10, perhaps a parameter, a default, or of a list' '
    test_expect_code 2 aw check bad.json 2>err && grep "tasks.a.spread: -0.1: .* from 0 to 10" err &&
    workflow text.json "\"tasks\": { \"a\": { \"spread\": \"much\", \"command\": [\"true\"] } }" &&
    test_expect_code 2 aw check text.json 2>err && grep "tasks.a.spread" err &&
    workflow default.json "\"parameters\": { \"x\": 0.4 }, \"defaults\": { \"spread\": \"{x}\" },
        \"tasks\": { \"a\": { \"duration\": 10, \"command\": [\"true\"] } }" &&
    model default.json --cpus 1 --json >out && test "$(value seeds)" = 99 &&
    is "$(part t_async_interval p95) > 15" &&
    printf "%s\n" "#AW duration=10 spread=0.4" true >list.txt &&
    model list.txt --cpus 1 --json >out && is "$(part t_async_interval p95) > 15"
'

test_expect_success 'no spread: each run is as the model says; a wide one is wider' '
    model exact.json --cpus 4 --json >out && test "$(value t_async)" = 200 &&
    is "$(part t_async_interval p5) > 199.9 && $(part t_async_interval p95) < 200.1" &&
    model wide.json --cpus 4 --json >out && test "$(value t_async)" = 200 &&
    is "$(part t_async_interval p5) > 180 && $(part t_async_interval p95) - $(part t_async_interval p5) > 20" &&
    model wide.json --cpus 4 --json >again && cmp out again &&
    model wide.json --cpus 4 >page && grep "durations vary as given" page
'

test_expect_success 'nothing known: the mean is assumed to be a tenth off, and the page tells so' '
    model bare.json --cpus 4 --json >out &&
    is "$(part t_async_interval p5) < 190 && $(part t_async_interval p95) > 210" &&
    model bare.json --cpus 4 >page && grep "the spread of 2 of 2 sets is not known" page &&
    model bare.json --cpus 4 --spread 0 --json >out &&
    is "$(part t_async_interval p5) > 199.9 && $(part t_async_interval p95) < 200.1"
'

test_expect_success '--test-only: the interval, and whether the run fits into its time' '
    aw run --local --cpus 4 --test-only wide.json >out &&
    grep "model: 90% of runs take 3m.* durations vary as given" out && ! grep fits out &&
    aw run --local --cpus 4 --test-only --time-limit 3h wide.json >out &&
    grep "model: the run fits into the [23]h[0-9]*m that it has with a probability of 100%" out &&
    aw run --local --cpus 4 --test-only --time-limit 90s wide.json >out 2>err &&
    grep "with a probability of 0%" out
'

# A run in journal lines: COUNT tasks of set a, of 8 to 12 s, and of set b, of 25 to 35. earlier DIR COUNT
earlier ()
{
    mkdir "$1" && sed "s/\"count\": 20/\"count\": $2/g" bare.json >"$1/workflow.json" &&
    awk -v n="$2" "BEGIN {
        print \"{\\\"async-workflow-journal\\\":1,\\\"epoch\\\":1,\\\"name\\\":\\\"w\\\",\\\"mode\\\":\\\"async\\\",\\\"policy\\\":\\\"fifo\\\"}\"
        print \"{\\\"t\\\":0,\\\"event\\\":\\\"node\\\",\\\"node\\\":\\\"n1\\\",\\\"cpus\\\":\\\"0\\\",\\\"gpus\\\":\\\"\\\"}\"
        for (i = 0; i < 2 * n; i++) {
            name = (i < n ? \"a[\" i : \"b[\" i - n) \"]\"
            s = i < n ? 8 + 4 * (i % 5) / 4 : 25 + 10 * (i % 5) / 4
            line = \"\\\"task\\\":\\\"\" name \"\\\",\\\"attempt\\\":0\"
            printf \"{\\\"t\\\":%d,\\\"event\\\":\\\"ready\\\",%s}\\n\", t, line
            printf \"{\\\"t\\\":%d,\\\"event\\\":\\\"start\\\",%s,\\\"node\\\":\\\"n1\\\",\\\"cpus\\\":\\\"0\\\",\\\"gpus\\\":\\\"\\\"}\\n\", t, line
            t += 40
            printf \"{\\\"t\\\":%d,\\\"event\\\":\\\"finish\\\",%s,\\\"node\\\":\\\"n1\\\",\\\"status\\\":\\\"completed\\\",\\\"code\\\":0,\\\"signal\\\":0,\\\"seconds\\\":%g}\\n\", t, line, s
        }
    }" >"$1/journal.jsonl"
}

test_expect_success 'an earlier run, of another size: more tasks are known better, several runs best' '
    earlier few 3 && earlier many 40 &&
    model bare.json --cpus 4 --durations few --json >out &&
    few=$(awk "BEGIN { print $(part t_async_interval p95) - $(part t_async_interval p5) }") &&
    model bare.json --cpus 4 --durations many --json >out && test "$(value t_async)" = 200 &&
    many=$(awk "BEGIN { print $(part t_async_interval p95) - $(part t_async_interval p5) }") &&
    is "$few > 1.2 * $many" &&
    model bare.json --cpus 4 --durations few --durations many >page &&
    grep "with the durations of the runs in few, many" page && grep "durations vary as in few, many" page &&
    test_expect_code 2 model bare.json --cpus 4 --durations many --durations missing 2>err && grep missing err
'

test_expect_success '--test-only takes earlier runs too' '
    aw run --local --cpus 4 --test-only --durations many --durations few bare.json >out &&
    grep "model: 90% of runs take .* durations vary as in many, few" out &&
    sed "s/\"duration\": [0-9]*, *//" bare.json >unknown.json &&
    aw run --local --cpus 4 --test-only unknown.json >out && grep "no prediction: give the duration of a, b" out &&
    aw run --local --cpus 4 --test-only --durations many unknown.json >out && grep "model: 3m20s" out &&
    test_expect_code 2 aw run --local --test-only --durations missing bare.json 2>err && grep "missing" err
'

test_expect_success 'advise: the time limit that 99% of runs do not exceed, or the one that is given' '
    aw advise exact.json --cpus 4 --max-nodes 1 --script exact.sh --json >out &&
    test "$(value time_limit_minutes)" = 4 && test "$(value fits)" = 1 && grep -x "#SBATCH --time=0-00:04:00" exact.sh &&
    grep "what holds 99% of runs, and 30 s" exact.sh &&
    aw advise wide.json --cpus 1 --max-nodes 1 --script wide.sh >page && grep "90% of runs on 1 node take" page &&
    grep "fits into a job of 1[5-9] min with a probability of \(99\|100\)%" page &&
    aw advise wide.json --cpus 1 --max-nodes 1 --time 14m --script given.sh --json >out &&
    test "$(value time_limit_minutes)" = 14 && is "$(value fits) > 0.2 && $(value fits) < 0.9" &&
    grep -x "#SBATCH --time=0-00:14:00" given.sh &&
    aw advise wide.json --cpus 1 --max-nodes 1 --durations many --json >out && is "$(value fits) == 1" &&
    test_expect_code 2 aw advise wide.json --cpus 1 --time 14m --margin 1 2>err && grep "give one of them" err
'

test_expect_success 'too large to simulate it often: no interval, and a margin' '
    workflow huge.json "\"tasks\": { \"a\": { \"count\": 30000, \"duration\": 1, \"spread\": 0.1, \"command\": [\"true\"] } }" &&
    model huge.json --cpus 10 >page && grep "too large to simulate it often enough" page &&
    model huge.json --cpus 10 --json >out && ! grep interval out &&
    model huge.json --cpus 10 --seeds 2 --json >out && test "$(value seeds)" = 2 &&
    aw advise huge.json --cpus 10 --max-nodes 1 --script huge.sh >page && grep "no interval" page &&
    grep "25% more" huge.sh
'

# The durations are long, so that the prediction has 2 s, also on a busy machine.
test_expect_success 'a run: the journal and the report have the prediction, and old journals do not' '
    workflow real.json "\"defaults\": { \"spread\": 0.2 }, \"tasks\": { \"a\": { \"count\": 4, \"duration\": 200,
        \"command\": [\"true\"] }, \"b\": { \"after\": [\"a\"], \"duration\": 100, \"command\": [\"true\"] } }" &&
    aw run --local --cpus 2 real.json >out 2>err && grep "model: 90% of runs take" err &&
    grep "the model predicted .* for 90 % of runs" out && grep "order .*, longest-path; at most 0.0 % above the optimum" out &&
    aw report real-local --format json >report &&
    for key in predicted predicted_low predicted_high simulated simulated_rule lower_bound; do
        grep "\"$key\":[1-9][0-9][0-9]" report || return 1
    done &&
    aw report many --format json >report && grep "\"predicted\":null,\"predicted_low\":null" report &&
    aw report many >out && ! grep optimum out
'

test_done
