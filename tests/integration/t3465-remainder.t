#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the remainder of a run that is resumed is predicted'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# b fails unless it is told otherwise; c follows
cat >half.json <<-'END'
	{ "async-workflow": 1, "name": "half", "tasks": {
	    "a": { "count": 4, "duration": 0.4, "script": "sleep 0.4" },
	    "b": { "after": ["a"], "duration": 5, "script": "test -e go" },
	    "c": { "after": ["b"], "count": 4, "cpus": 2, "duration": 3, "command": ["true"] } } }
END

# resume OPTION...: of "half", on this machine; what it prints is in out
resume () { async-workflow run --local --resume half "$@" >out 2>&1 </dev/null; }

test_expect_success 'what has completed does not count, and the allocation of today does' '
    test_expect_code 1 async-workflow run --local --cpus 4 half.json --dir half >first 2>&1 </dev/null &&
    cp -r half before &&
    resume --test-only --cpus 4 && grep "^model: the remainder takes 11.0 s (.* for 90% of runs)$" out &&
    resume --test-only --cpus 8 && grep "^model: the remainder takes 8.00 s (" out &&
    resume --test-only --cpus 4 --time-limit 3600 &&
    grep "; it fits into the .* that it has with a probability of 100%$" out &&
    diff -r half before
'

test_expect_success 'why there is no prediction' '
    resume --test-only --cpus 1 && grep "^model: no prediction: tasks.c: a task needs 2 CPUs on one node" out &&
    sed "s/\"duration\": 3, //" half.json >unknown.json &&
    resume --test-only --cpus 4 unknown.json &&
    grep "^model: no prediction: the duration of a task set is not known$" out
'

test_expect_success 'the run that continues says so too; one that has ended does not' '
    touch go && resume --cpus 4 && grep "^model: the remainder takes 11.0 s (" out &&
    resume --test-only && ! grep model: out
'

test_done
