#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='status and report on run directories that somebody else has made up'

. "$(dirname "$0")/lib.sh"

AW=$top_builddir/helpers/async-workflow
ESC=$(printf '\033')

HEADER='{"async-workflow-journal":1,"epoch":1763800000.1,"name":"w"}'
NODE='{"t":0.1,"event":"node","node":"n1","cpus":"0-3","gpus":"","mem":0}'

# directory NAME: one with a workflow of four tasks, and no journal yet
directory ()
{
    rm -rf "$1" && mkdir -p "$1/logs" &&
    echo '{ "async-workflow": 1, "tasks": { "a": { "count": 4, "command": ["true"] } } }' >"$1/workflow.json"
}

# journal NAME LINE...: the same with a journal of these lines behind a header
journal ()
{
    directory "$1" && {
        echo "$HEADER"
        shift
        printf '%s\n' "$@"
    } >"$name/journal.jsonl"
}

# bound_memory: 4 GB for this shell; the address sanitizer reserves far more
bound_memory () { grep -q "^SANITIZER_CFLAGS = ." "$top_builddir/helpers/Makefile" || ulimit -v 4000000; }

# refused NAME TEXT: all commands refuse it within seconds, with one line that says so and cannot steer a terminal
refused ()
{
    for command in status report "report --format=json" "report --format=svg" "report --format=trace"; do
        test_expect_code 2 timeout 20 "$AW" $command "$1" >out 2>err </dev/null || { cat out err; return 1; }
        test "$(wc -l <err)" = 1 && grep -q -e "$2" err && ! grep -q "$ESC" err && test_must_be_empty out ||
            { cat err; return 1; }
    done
}

# harmless NAME: all commands tell what they can, without a control character
harmless ()
{
    for command in status report "report --format=json" "report --format=svg" "report --format=trace"; do
        timeout 20 "$AW" $command "$1" >out 2>err </dev/null && test_must_be_empty err &&
            ! LC_ALL=C grep -q "[[:cntrl:]]" out || { cat -v out err; return 1; }
    done
}

test_expect_success 'a FIFO in the place of journal or workflow file holds nobody up' '
    directory d && mkfifo d/journal.jsonl && refused d "not a regular file" &&
    directory d && rm d/workflow.json && mkfifo d/workflow.json && refused d "not a regular file"
'

test_expect_success 'a journal that is a symbolic link, to a device, a secret or a journal, is none' '
    directory d &&
    for to in /dev/zero /etc/shadow /dev/tty ../sample nowhere; do
        ln -sf $to d/journal.jsonl && refused d "symbolic link" || return 1
    done
'

test_expect_success 'a workflow file that is a device or a directory' '
    directory d && ln -sf /dev/zero d/workflow.json && refused d "not a regular file" &&
    rm d/workflow.json && mkdir d/workflow.json && refused d "is a directory"
'

name=d
test_expect_success 'numbers out of all range' '
    journal d "$NODE" "{\"t\":1e400,\"event\":\"stop\"}" && refused d "line 3: .*out of range" &&
    journal d "$NODE" "{\"t\":1,\"event\":\"skip\",\"task\":\"a[4294967297]\"}" && refused d "line 3: .*no task" &&
    journal d "$NODE" "{\"t\":1,\"event\":\"skip\",\"task\":\"a[-1]\"}" && refused d "line 3: .*no task" &&
    journal d "{\"t\":1,\"event\":\"node\",\"node\":\"n\",\"cpus\":\"0-99999999999\"}" && refused d "line 2: .*list of numbers" &&
    journal d "$NODE" "{\"t\":1,\"event\":\"start\",\"task\":\"a[0]\",\"attempt\":99999999999,\"node\":\"n1\",\"cpus\":\"0\"}" &&
    refused d "line 3: .*out of range" &&
    journal d "$NODE" "{\"t\":1,\"event\":\"start\",\"task\":\"a[0]\",\"attempt\":0,\"node\":\"n1\",\"cpus\":\"0-63\"}" &&
    refused d "line 3: .*not have free"
'

test_expect_success 'a NUL, deep nesting, a line without end' '
    journal d "$NODE" && printf "{\"t\":1,\0\"event\":\"stop\"}\n" >>d/journal.jsonl && refused d "NUL" &&
    journal d "$NODE" "{\"t\":1,\"x\":$(printf "%02000d" 0 | tr 0 "[")" && refused d "line 3: not valid JSON" &&
    journal d "$NODE" && truncate -s 64M d/journal.jsonl && refused d "line 3: .*too long" &&
    directory d && printf "%0200000d" 0 | tr 0 "[" >d/workflow.json && refused d "nested too deeply" &&
    directory d && truncate -s 1T d/workflow.json && refused d "at most 64 MiB"
'

test_expect_success 'escape sequences in names, reasons and errors' '
    journal d "{\"t\":1,\"event\":\"\\u001b[2J\\u009b31m\"}" && refused d "unknown event" &&
    journal d "{\"t\":0,\"event\":\"node\",\"node\":\"n\\u001b]0;x\\u0007\",\"cpus\":\"0-3\"}" \
        "{\"t\":1,\"event\":\"start\",\"task\":\"a[0]\",\"attempt\":0,\"node\":\"n\\u001b]0;x\\u0007\",\"cpus\":\"0\"}" \
        "{\"t\":2,\"event\":\"finish\",\"task\":\"a[0]\",\"attempt\":0,\"node\":\"n\\u001b]0;x\\u0007\",\"status\":\"failed\",\"code\":1,\"signal\":0,\"seconds\":1,\"reason\":\"\\u001b[2Jr\"}" \
        "{\"t\":3,\"event\":\"stop\",\"reason\":\"\\u001b[31m\\u202ex\"}" \
        "{\"t\":4,\"event\":\"end\",\"code\":1}" &&
    printf "\033[2J\033]52;c;eA==\007\r\b\n" >d/logs/a.0.err &&
    harmless d
'

test_expect_success 'a log that is a FIFO, a device, a link to nowhere' '
    rm d/logs/a.0.err && mkfifo d/logs/a.0.err && harmless d &&
    ln -sf /dev/zero d/logs/a.0.err && harmless d &&
    ln -sf nowhere d/logs/a.0.err && harmless d
'

test_expect_success 'sizes that would fill memory' '
    directory d && cat >d/workflow.json <<-END &&
	{ "async-workflow": 1, "iterations": 10000000, "tasks": { "a": { "count": 10000000, "command": ["true"] } } }
	END
    cp /dev/null d/journal.jsonl && refused d "tasks" &&
    directory d && echo "$HEADER" >d/journal.jsonl &&
    echo "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"count\": 10000000, \"command\": [\"true\"] } } }" >d/workflow.json &&
    (bound_memory && timeout 20 "$AW" status d)
'

# mine D: run --resume D is refused with status 2, says why, and has executed nothing
not_mine ()
{
    test_expect_code 2 timeout 20 "$AW" run --local --resume d >out 2>err </dev/null && grep -q "$1" err &&
        test ! -e d/executed || { cat out err; return 1; }
}

test_expect_success '--resume: what others can write to, or a link, is not executed' '
    journal d "$NODE" &&
    echo "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"count\": 4, \"command\": [\"touch\", \"{run}/executed\"] } } }" \
        >d/workflow.json &&
    chmod 644 d/workflow.json d/journal.jsonl && chmod 755 d &&
    chmod 777 d && not_mine "others can write" && chmod 755 d &&
    chmod 666 d/workflow.json && not_mine "workflow.json: others can write" && chmod 644 d/workflow.json &&
    mv d/journal.jsonl elsewhere && ln -s ../elsewhere d/journal.jsonl && not_mine "symbolic link" &&
    rm d/journal.jsonl && mv elsewhere d/journal.jsonl
'

test "$(id -u)" = 0 && test_set_prereq ROOT
test_expect_success ROOT '--resume: the directory of another user is not executed' '
    chown 65534 d/workflow.json && not_mine "workflow.json: it belongs to another user" && chown 0 d/workflow.json &&
    chown 65534 d && not_mine "d: it belongs to another user" && chown 0 d
'

test_expect_success '--resume: once it is ours it is' '
    timeout 60 "$AW" run --local --resume d >out 2>&1 </dev/null || { cat out; false; }
    test -e d/executed
'

test_done
