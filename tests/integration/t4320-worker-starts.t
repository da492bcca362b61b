#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Calls for which a worker is started: what they teach; other tasks leave idle workers alone'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# run CPUS NAME: NAME.json, in NAME
run ()
{
    timeout 120 async-workflow run --local --cpus "$1" --dir "$2" "$2.json" >"$2.out" 2>&1 </dev/null ||
        { cat "$2.out"; false; }
}

# first_calls NAME COUNT: so many calls of the run were their worker's first
first_calls () { test "$(grep -c '"first_call":1' "$1/journal.jsonl")" = "$2"; }

# Two seconds to load, then calls of no time.
cat >slow.sh <<\END
echo $$ >>pids
sleep 2
while read -r call <&3; do echo '{}' >&3; done
END
cat >slow.json <<\END
{ "async-workflow": 1, "tasks": { "call": { "worker": ["sh", "slow.sh"], "count": 40 } } }
END

test_expect_success 'the journal names the first call of each worker' '
    run 2 slow && first_calls slow $(wc -l <pids) &&
    async-workflow report slow | grep "^  call  *$(wc -l <pids)  *[2-9]\.[0-9]* s  *[0-9]\.[0-9]* s$"
'

test_expect_success 'an earlier run tells the model how long calls are, and how long a worker takes to start' '
    sed "s/40/50/" slow.json >more.json &&
    async-workflow model --json --nodes 1 --cpus 1 --durations slow more.json >model.json &&
    sed -n "s/.*\"t_async\": \([0-9.]*\),.*/predicted \1/p" model.json |
        cat - slow/journal.jsonl | awk -F "\"seconds\":" "
            /^predicted/ { predicted = substr(\$0, 11) }
            /first_call/ { first += \$2; n_first++; next }
            /finish/ { other += \$2; n_other++ }
            END { want = 49 * other / n_other + first / n_first
                  print predicted, want; exit !(predicted > 2 && predicted / want < 1.01 && want / predicted < 1.01) }"
'

test_expect_success 'a task of another set leaves an idle worker alone where it can' '
    cat >beside.json <<-\END &&
	{ "async-workflow": 1, "iterations": 5, "tasks": {
	    "call":  { "after": ["other@-1"], "worker": ["sh", "-c", "while read -r c <&3; do echo {} >&3; done"] },
	    "other": { "after": ["call"], "command": ["true"] } } }
	END
    run 2 beside && first_calls beside 1 &&
    mkdir full && cp beside.json full && (cd full && run 1 beside && first_calls beside 5)
'

test_done
