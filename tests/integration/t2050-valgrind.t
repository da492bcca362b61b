#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='A local run with coordinator and agent under valgrind: no error, nothing lost'

. "$(dirname "$0")/lib.sh"

if ! command -v valgrind >/dev/null; then
    skip_all='valgrind is not installed'
    test_done
fi
if ! grep -q '^SANITIZER_CFLAGS = *$' "$top_builddir/helpers/Makefile"; then
    skip_all='valgrind does not go with the sanitizers'
    test_done
fi

cat >w.json <<'END'
{ "async-workflow": 1, "iterations": 2, "defaults": { "retries": 1 },
  "tasks": {
    "good": { "count": 6, "command": ["true"] },
    "bad": { "after": ["good"], "script": "echo no >&2; exit 3", "on_failure": "skip" },
    "late": { "script": "sleep 600", "time_limit": 2, "retries": 0, "on_failure": "continue" },
    "gone": { "command": ["/no/such/program"], "retries": 0, "on_failure": "continue" },
    "forks": { "script": "(sleep 600 &) ; true" },
    "web": { "service": { "ready": { "message": "up" } }, "script": "async-workflow send up now; exec sleep 600", "once": true },
    "asks": { "after": ["web"], "script": "test $ASYNC_WORKFLOW_SERVICE_WEB_HOST = localhost" },
    "calls": { "count": 3, "input": { "x": [1, 2] },
        "worker": ["/bin/sh", "-c", "while read -r call <&3; do echo printed; echo '{\"result\":[1]}' >&3; done"] },
    "submits": { "once": true, "slurm_commands": true,
        "script": "a=$(async-workflow submit true) && b=$(sbatch --parsable --output=b.out --dependency=afterok:$a --wrap=true) && async-workflow wait $a $b" },
    "skipped": { "after": ["bad"], "command": ["true"] } } }
END

PATH=$top_builddir/helpers:$PATH
export PATH

# The agent is a fork of the coordinator, in this mode: the same log, by its process id.
test_expect_success 'tasks that end well, fail, are too late, are not there, leave others behind' '
    test_expect_code 1 timeout 300 valgrind --quiet --leak-check=full --show-leak-kinds=definite,possible,indirect \
        --errors-for-leak-kinds=definite,possible,indirect --error-exitcode=99 \
        --suppressions="$top_srcdir/tests/integration/valgrind.supp" --trace-children=no \
        --child-silent-after-fork=no --log-file="$PWD/vg.%p" \
        "$top_builddir/helpers/async-workflow-main" run --local --cpus 2 --dir run w.json >out 2>err ||
        { cat out err vg.*; false; }
'

test_expect_success 'the run went as it should' '
    tail -n 1 run/journal.jsonl | grep -q "\"event\":\"end\",\"code\":1" &&
    test "$(grep -v "\"task\":\"web" run/journal.jsonl | grep -c "\"status\":\"completed\"")" = 25 &&
    grep -q "\"status\":\"timeout\"" run/journal.jsonl
'

test_expect_success 'coordinator and agent: valgrind has nothing to say' '
    test "$(ls vg.* | wc -l)" -ge 2 &&
    cat vg.* | grep -E "Invalid|uninitialised|lost in|Syscall param|Mismatched|ERROR" >found;
    cat found && test_must_be_empty found
'

test_done
