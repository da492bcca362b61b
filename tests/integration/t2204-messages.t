#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='messages between tasks: commands and library, without Slurm'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

# workflow FILE BODY
workflow () { printf '{ "async-workflow": 1, %s }\n' "$2" >"$1"; }

# run STATUS DIR FILE [OPTION]...
run ()
{
    want=$1 dir=$2 file=$3
    shift 3
    test_expect_code "$want" timeout 120 async-workflow run --local --cpus 8 --dir "$dir" "$@" "$file" \
        >"$dir.out" 2>"$dir.err" </dev/null || { cat "$dir.out" "$dir.err" "$dir"/logs/* >&4; false; }
}

test_expect_success 'outside a task there is no pool' '
    test_expect_code 4 async-workflow send frames x 2>err &&
    grep "async-workflow send: this process is not a task of a running workflow" err &&
    test_expect_code 4 async-workflow recv frames 2>err &&
    grep "async-workflow recv: this process is not a task" err
'

test_expect_success 'what is wrong with arguments is reported' '
    test_expect_code 2 async-workflow send 2>err && grep "no topic given" err &&
    test_expect_code 2 async-workflow send frames 2>err && grep "no data given" err &&
    test_expect_code 2 async-workflow send --reply 0 x 2>err && grep "not the number of a request" err &&
    test_expect_code 2 async-workflow recv --count 0 frames 2>err && grep "not a number above 0" err &&
    test_expect_code 2 async-workflow recv --timeout soon frames 2>err && grep "not a time" err &&
    workflow names.json "\"tasks\": { \"a\": {
        \"script\": \"async-workflow recv --group \\\"a b\\\" frames; async-workflow recv \\\"a b\\\"\", \"success_codes\": [2] } }" &&
    run 0 names names.json && cat names/logs/a.0.err >&4 &&
    grep "async-workflow recv: frames: the name of a group has at most" names/logs/a.0.err &&
    grep "async-workflow recv: a b: the name of a topic has at most" names/logs/a.0.err
'

test_expect_success 'a receiver that comes late gets all, in the order of each sender' '
    workflow late.json "\"tasks\": {
        \"send\": { \"count\": 4, \"script\": \"seq 1 50 | async-workflow send --lines frames\" },
        \"recv\": { \"after\": [\"send\"], \"count\": 2,
                  \"script\": \"async-workflow recv --header --count 200 --timeout 60 frames; async-workflow recv --timeout 0.1 frames\",
                  \"success_codes\": [1] } }" &&
    run 0 late late.json &&
    for i in 0 1; do
        test $(grep -c "^send" late/logs/recv.$i.out) = 200 &&
        for s in 0 1 2 3; do
            grep "^send.$s. " late/logs/recv.$i.out | cut -d" " -f3 >numbers &&
            seq 1 50 | test_cmp - numbers || return 1
        done &&
        grep "async-workflow recv: frames: timed out" late/logs/recv.$i.err || return 1
    done &&
    test $(wc -l <late/messages/frames.jsonl) = 200 &&
    test "$(stat -c %a late/messages late/messages/frames.jsonl | xargs)" = "700 600"
'

test_expect_success 'a group shares the messages' '
    workflow group.json "\"tasks\": {
        \"send\": { \"script\": \"seq 1 30 | async-workflow send --lines work\" },
        \"recv\": { \"count\": 3, \"script\": \"async-workflow recv --group workers --count 10 --timeout 60 work\" } }" &&
    run 0 group group.json &&
    cat group/logs/recv.*.out | sort -n >got &&
    seq 1 30 | test_cmp - got
'

test_expect_success 'what a failed attempt has not done with comes again; what it has does not' '
    workflow again.json "\"tasks\": {
        \"send\": { \"script\": \"seq 1 4 | async-workflow send --lines work\" },
        \"recv\": { \"after\": [\"send\"], \"retries\": 1,
                  \"script\": \"async-workflow recv -g g work; test \$ASYNC_WORKFLOW_ATTEMPT = 1 || { async-workflow recv -g g work >/dev/full; exit 1; }; async-workflow recv -g g -n 2 work\" } }" &&
    run 0 again again.json &&
    test "$(cat again/logs/recv.0.out)" = 1 &&
    test "$(xargs <again/logs/recv.0.retry1.out)" = "2 3 4"
'

test_expect_success 'requests are answered' '
    workflow ask.json "\"tasks\": {
        \"serve\": { \"script\": \"for i in 1 2 3; do set -- \$(async-workflow recv --header --timeout 60 ask); async-workflow send --reply \$4 \\\"\$1 said \$5\\\"; done\" },
        \"ask\": { \"count\": 3, \"script\": \"async-workflow send --request --timeout 60 ask {index}\" } }" &&
    run 0 ask ask.json &&
    for i in 0 1 2; do
        echo "ask[$i] said $i" | test_cmp - ask/logs/ask.$i.out || return 1
    done
'

test_expect_success 'data is any bytes, up to 64 KiB; more is refused' '
    workflow bytes.json "\"tasks\": {
        \"send\": { \"script\": \"async-workflow send bytes - <data && async-workflow send bytes - <more\", \"success_codes\": [2] },
        \"recv\": { \"script\": \"async-workflow recv --timeout 60 bytes\" } }" &&
    { head -c 65535 /dev/urandom; echo; } >data &&
    head -c 65537 /dev/zero >more &&
    run 0 bytes bytes.json &&
    cmp data bytes/logs/recv.0.out &&
    grep "65537 bytes: a message has at most 65536" bytes/logs/send.0.err
'

cat >talk.c <<'END'
#include <async-workflow.h>
#include <stdio.h>
#include <string.h>

int main (int argc, char **argv)
{
    struct aw_connection *aw = aw_open ();
    struct aw_message message;

    if (!aw) {
        fprintf (stderr, "%s\n", aw_error_text (NULL));
        return 1;
    }
    if (argc > 1)
        return aw_publish (aw, "words", argv[1], strlen (argv[1]), 0) < 0 || aw_flush (aw, 60) < 0;
    if (aw_receive (aw, "words", NULL, 60, &message) < 0)
        return 1;
    printf ("%s %.*s\n", message.sender, (int)message.size, (const char *)message.data);
    aw_close (aw);
    return 0;
}
END

test_expect_success 'the library: it needs libc alone, and exports its functions alone' '
    test "$(ldd "$top_builddir/helpers/.libs/libasyncworkflow.so" | sed "s/ (.*//" | grep -cE "json|event|munge|slurm")" = 0 &&
    nm -D --defined-only "$top_builddir/helpers/.libs/libasyncworkflow.so" | sed -n "s/.* T //p" | sed "s/@.*//" | sort >exported &&
    sed -n "s/^ *\(aw_[a-z_]*\);/\1/p" "$top_srcdir/helpers/client/libasyncworkflow.map" | sort | test_cmp - exported
'

# The library's, without which a program cannot be linked with it.
sanitizer=$(sed -n 's/^SANITIZER_CFLAGS = //p' "$top_builddir/helpers/Makefile")

test_expect_success 'the library: a program with it, as C and as C++ would see it' '
    ${CC:-cc} $sanitizer -Wall -Werror -I"$top_srcdir/helpers/client" -o talk talk.c "$top_builddir/helpers/.libs/libasyncworkflow.a" &&
    workflow library.json "\"tasks\": {
        \"send\": { \"command\": [\"$PWD/talk\", \"hello\"] },
        \"recv\": { \"command\": [\"$PWD/talk\"] } }" &&
    run 0 library library.json &&
    echo "send[0] hello" | test_cmp - library/logs/recv.0.out
'

test_expect_success 'every function has its manual' '
    for f in $(sed -n "s/^ *\(aw_[a-z_]*\);/\1/p" "$top_srcdir/helpers/client/libasyncworkflow.map"); do
        test -s "$top_srcdir/docs/man/$f.3" && grep -q "aw_[a-z_]* (\|\.so" "$top_srcdir/docs/man/$f.3" &&
        grep -q "$f (" "$top_srcdir/helpers/client/async-workflow.h" || return 1
    done
'

test_expect_success 'the socket is gone with the run' '
    workflow socket.json "\"tasks\": { \"a\": { \"script\": \"echo \$ASYNC_WORKFLOW_SOCKET; test -S \$ASYNC_WORKFLOW_SOCKET\" } }" &&
    run 0 socket socket.json &&
    socket=$(cat socket/logs/a.0.out) && test -n "$socket" &&
    ! test -e "$socket" && ! test -e "$(dirname "$socket")"
'

test_done
