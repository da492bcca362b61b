#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='placement: on a node as Frontier has them, from the agent that reads it to the journal'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$top_builddir/tests/integration:$PATH
HWLOC_XMLFILE=$top_srcdir/tests/topologies/frontier.xml
export PATH HWLOC_XMLFILE

cat >flow.json <<\END
{ "async-workflow": 1, "tasks": {
    "gpu": { "count": 8, "cpus": 7, "gpus": 1, "threads_per_core": 1, "command": ["sleep", "0.3"] },
    "part": { "count": 4, "after": ["gpu"], "cpus": 2, "gpus": 0.5, "command": ["sleep", "0.3"] },
    "cpu": { "count": 8, "after": ["part"], "cpus": 16, "command": ["sleep", "0.3"] } } }
END

# starts SET: what each of its tasks got, by the journal, sorted.
starts ()
{
    sed -n "s/.*\"start\",\"task\":\"$1.[0-9]*.\".*\"cpus\":\"\([^\"]*\)\",\"gpus\":\"\([^\"]*\)\".*/\1 \2/p" \
        run/journal.jsonl | sort -V
}

test_expect_success 'a run' '
    async-workflow run --local --cpus 128 --gpus 8 --dir run flow.json >out 2>&1 </dev/null ||
        { cat out; false; }
'

test_expect_success 'each GPU with the cores next to it, in the order that the machine has' '
    starts gpu >got &&
    cat >expected <<-\END &&
	0-6 4
	8-14 5
	16-22 2
	24-30 3
	32-38 6
	40-46 7
	48-54 0
	56-62 1
	END
    test_cmp expected got
'

test_expect_success 'two parts of a GPU each, on whole cores next to it' '
    starts part >got &&
    printf "48,112 0\n49,113 0\n56,120 1\n57,121 1\n" >expected &&
    test_cmp expected got
'

test_expect_success 'tasks on CPUs alone within one cache' '
    starts cpu >got &&
    for first in 0 8 16 24 32 40 48 56; do
        echo "$first-$((first + 7)),$((first + 64))-$((first + 71)) "
    done >expected &&
    test_cmp expected got
'

test_expect_success 'the same decisions from the journal' '
    unset HWLOC_XMLFILE &&
    replay run >again && grep ", 20 starts: the same" again
'

test_done
