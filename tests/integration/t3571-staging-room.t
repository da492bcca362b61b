#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a task that has started gets room, also where data that was staged ahead fills the scratch directory'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

scratch=$(mktemp -d) || exit 1
for i in 0 1 2 3; do
    { echo "file $i"; head -c 2000000 /dev/zero; } >$i || exit 1
done

# While "first" runs, the data of two tasks of "ahead" is staged, and the third waits for room. Then "now" starts, which copies
# before it runs: it has the only CPU, for which those of "ahead" wait.
cat >wait-for-two <<-\END
	until test "$(grep -c \"staged\" "$ASYNC_WORKFLOW_RUN/journal.jsonl")" = 2; do sleep 0.1; done
	END
cat >room.json <<-\END
	{ "async-workflow": 1, "tasks": {
	    "first": { "command": ["sh", "wait-for-two"] },
	    "now": { "after": ["first"], "stage_in": { "from": "3", "mode": "sync" }, "script": "head -n 1 {scratch}/3" },
	    "long": { "count": 4, "after": ["now"], "command": ["true"] },
	    "ahead": { "count": 3, "stage_in": "{index}", "script": "head -n 1 {scratch}/{index}" } } }
	END

for streams in 1 4; do
    test_expect_success "with streams: $streams" '
        timeout -k 10 60 async-workflow run --local --cpus 1 --policy longest-path --dir run.$streams --scratch "$scratch" \
            --scratch-size 4200000 --stage-streams $streams --logs=files room.json >run.out 2>&1 </dev/null ||
            { cat run.out >&4; false; } &&
        echo "file 3" | test_cmp - run.$streams/logs/now.0.out &&
        for i in 0 1 2; do
            echo "file $i" | test_cmp - run.$streams/logs/ahead.$i.out || return 1
        done &&
        # It was the case that is meant: "now" started before those of "ahead".
        sed -n "s/.*\"start\",\"task\":\"\([a-z]*\).*/\1/p" run.$streams/journal.jsonl | head -n 2 >order &&
        printf "first\nnow\n" | test_cmp - order &&
        test -z "$(ls -A "$scratch")"
    '
done

rmdir "$scratch"

test_done
