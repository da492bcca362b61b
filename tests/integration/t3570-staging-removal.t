#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='large copies leave the scratch directory: room is there for the next, names are free at once, nothing is left'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

scratch=$(mktemp -d) || exit 1
mkdir data data/dir || exit 1
for i in 0 1 2 3 4 5; do
    { echo "file $i"; head -c 2000000 /dev/zero; } >data/$i || exit 1
done
{ echo "in a directory"; head -c 2000000 /dev/zero; } >data/dir/file || exit 1

# run DIR FILE [OPTION]...
run ()
{
    dir=$1 file=$2
    shift 2
    timeout -k 10 60 async-workflow run --local --cpus 1 --dir "$dir" --scratch "$scratch" "$@" "$file" >"$dir.out" 2>&1 </dev/null ||
        { cat "$dir.out" "$dir"/logs/* >&4; false; }
}

test_expect_success 'room for two files does for six, and a directory: each task finds its own' '
    cat >room.json <<-\END &&
	{ "async-workflow": 1, "tasks": {
	    "file": { "count": 6, "stage_in": { "from": "data/{index}", "to": "x-{index}" },
	        "script": "head -n 1 {scratch}/x-{index}; ls -d {scratch}/x-* | wc -l" },
	    "directory": { "after": ["file"], "stage_in": { "from": "data/dir", "to": "x-dir" },
	        "script": "head -n 1 {scratch}/x-dir/file; chmod 500 {scratch}/x-dir" },
	    "last": { "after": ["directory"], "stage_in": [ "data/0", "data/1" ],
	        "script": "head -qn 1 {scratch}/0 {scratch}/1; ls {scratch}" } } }
	END
    run room room.json --scratch-size 4200000 --logs=files &&
    for i in 0 1 2 3 4 5; do
        head -n 1 room/logs/file.$i.out >got && echo "file $i" | test_cmp - got || return 1
        test $(tail -n 1 room/logs/file.$i.out) -le 2 || return 1
    done &&
    echo "in a directory" | test_cmp - room/logs/directory.0.out &&
    printf "file 0\nfile 1\n0\n1\n" | test_cmp - room/logs/last.0.out &&
    test -z "$(ls -A "$scratch")"
'

test_expect_success 'the name of a large result is free when the task after it starts' '
    cat >name.json <<-\END &&
	{ "async-workflow": 1, "iterations": 5, "tasks": {
	    "make": { "after": ["make@-1"], "stage_out": { "from": "out", "to": "results/{iteration}" },
	        "script": "test ! -e {scratch}/out && { echo {iteration}; head -c 2000000 /dev/zero; } >{scratch}/out" } } }
	END
    run name name.json &&
    for i in 0 1 2 3 4; do
        test "$(head -n 1 results/$i)" = $i && test $(wc -c <results/$i) = 2000002 || return 1
    done &&
    test -z "$(ls -A "$scratch")"
'

rmdir "$scratch"

test_done
