#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description="bounds and orders that are shown; examples/paper: DeepDriveMD with the authors' durations"

. "$(dirname "$0")/lib.sh"

PAPER=$top_srcdir/examples/paper

aw () { "$top_builddir/helpers/async-workflow" "$@"; }

# value KEY: of one line of the JSON that stands in out.
value () { sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" out; }

# near KEY FIGURE
near ()
{
    value "$1" | awk -v want="$2" '{ d = $1 - want; ok = d < 0.1 && d > -0.1 } END { exit !ok }' ||
        { echo "$1 is $(value "$1"), not $2"; false; }
}

# edges NAME DRAWS: the model's figures in out
edges ()
{
    awk -v edges="$1" -v draws="$2" -f "$PAPER/edges.awk" >"$1-$2.json" && aw check "$1-$2.json" >checked &&
        aw model "$1-$2.json" --nodes 16 --cpus 168 --gpus 6 --plan-time 0 --json >out
}

cat >wide.json <<'END'
{ "async-workflow": 1, "defaults": { "duration": 10 }, "tasks": {
    "first": { "command": ["true"] },
    "wide":  { "after": ["first"], "count": 4, "cpus": 3, "command": ["true"] },
    "other": { "after": ["first"], "count": 4, "cpus": 3, "command": ["true"] },
    "last":  { "after": ["wide", "other"], "command": ["true"] } } }
END

test_expect_success 'work in between: above path and area, in JSON and on the page' '
    aw model wide.json --cpus 4 --json >out && near work_bound 100 && near lower_bound 100 && near critical_path 30 &&
    near area_bound 65 && near wave_path 60 && near t_async 100 &&
    aw model wide.json --cpus 4 >page && grep "work in between  *100.0 s" page && grep "within 0.0% of the largest lower bound, work" page
'

test_expect_success 'each kind of edges: as computed by hand' '
    edges index records && near t_async 1232.5 && test "$(grep -c "\"command\"" index-records.json)" = 12 &&
    edges set records && near t_async 1232.5 && edges barrier records && near t_async 1405 &&
    edges stages records && near t_async 1232.5
'

test_expect_success 'small differences delay the set edge by a training, and no index edge' '
    edges set records && value t_async_interval | grep "\"median\": 1267.5" &&
    edges index records && value t_async_interval | grep "\"median\": 1232.4"
'

test_expect_success 'durations are normal: 96 of 340 s, with the deviation of the records or of the script' '
    for pair in "records 0.005" "script 10"; do
        edges index ${pair% *} && sed -n "/\"simulate-0\": {/,/foreach/p" index-${pair% *}.json | grep -o "\"[0-9.]*\"" | tr -d "\"" |
            awk -v want=${pair#* } "{ n++; sum += \$1; squares += \$1 * \$1 }
                END { m = sum / n; s = sqrt(squares / n - m * m); print n, m, s
                    exit !(n == 96 && m > 340 - want && m < 340 + want && s > want * 0.7 && s < want * 1.3) }" || return 1
    done
'

test_done
