#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='On the oldest supported kernel: system calls newer than Linux 4.18 fail with ENOSYS'

. "$(dirname "$0")/lib.sh"

OLD_KERNEL=$top_builddir/tests/old-kernel
PATH=$top_builddir/helpers:$PATH
export PATH

"$OLD_KERNEL" >answers 2>&1
if test $? = 77; then
    skip_all=$(cat answers)
    test_done
fi

test_expect_success 'the filter refuses close_range, and nothing old' '
    cat >expected <<-END &&
	close_range: Function not implemented
	getpid: works
	END
    test_cmp expected answers
'

test -x "$top_builddir/tests/unit/t-spawn" && test_set_prereq CMOCKA

# What starts processes, closes descriptors, copies files and locks.
for name in t-agent t-binding t-capture t-copy t-run-lock t-spawn t-stager t-write; do
    test_expect_success CMOCKA "$name" "
        (cd '$top_builddir/tests' && '$OLD_KERNEL' unit/$name) >out 2>&1 || { cat out; false; }
    "
done

scratch=$(mktemp -d) || exit 1

test_expect_success 'a local run: staging, a message, and tasks without foreign descriptors' '
    cat >work.json <<-END &&
	{ "async-workflow": 1, "tasks": {
	    "make": { "script": "ls -l /proc/self/fd >fds; echo data >out; async-workflow send done 1" },
	    "use": { "after": ["make", { "message": "done" }], "stage_in": "out",
	             "stage_out": { "from": "copy", "to": "copy" },
	             "script": "cat {scratch}/out >{scratch}/copy" } } }
	END
    : >foreign &&
    "$OLD_KERNEL" async-workflow run --local --cpus 2 --dir ran --scratch "$scratch" work.json \
        >ran.out 2>&1 7<foreign || { cat ran.out; false; } &&
    test_cmp out copy && grep -q " 1 -> " fds && ! grep foreign fds
'

rmdir "$scratch"

test_done
