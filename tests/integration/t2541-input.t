#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Workflows from standard input, line ends of old Macs, and logs without content'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

echo '{ "async-workflow": 1, "tasks": { "a": { "count": 2, "duration": 1, "command": ["true"] } } }' >two.json

# refuses ERROR COMMAND...: with the file "input" as standard input the command prints this line alone, and ends with status 2
refuses ()
{
    printf "async-workflow: %s\n" "$1" >expected
    shift
    test_expect_code 2 async-workflow "$@" <input 2>err >out && test_cmp expected err && test ! -s out
}

test_expect_success 'check, model and advise read standard input' '
    cat two.json | async-workflow check - >out && echo "<stdin>: ok: 1 task set, 2 tasks" >expected && test_cmp expected out &&
    printf "echo a\necho b\n" | async-workflow check - >out && grep "^<stdin>: ok: 1 task set, 2 tasks" out &&
    cat two.json | async-workflow model - --cpus 1 >out && grep "^stdin: 1 task set, 2 tasks" out &&
    cat two.json | async-workflow advise - --cpus 1 >out && grep "^Recommended: 2 nodes" out
'

test_expect_success 'what is wrong in it has its place' '
    printf "{ \"async-workflow\": 1,\n  \"tasks\": ? }" >input &&
    test_expect_code 2 async-workflow check - <input 2>err && grep "^async-workflow: <stdin>: line 2, column 12: " err &&
    printf "echo\nfi\n" >input &&
    test_expect_code 2 async-workflow model - --cpus 1 <input 2>err && grep "^async-workflow: <stdin>: line 2: .fi. belongs to" err &&
    echo "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"count\": 0, \"command\": [\"x\"] } } }" >input &&
    refuses "<stdin>: tasks.a.count: 0: must be from 1 to 10000000" check - &&
    : >input && test_expect_code 2 async-workflow check - <input 2>err && grep "^async-workflow: <stdin>: is empty: " err &&
    test_expect_code 2 async-workflow check - </ 2>err && grep "^async-workflow: <stdin>: cannot be read: Is a directory" err
'

test_expect_success 'what reads its workflow again takes a file' '
    cp two.json input &&
    refuses "-: a run reads its workflow again, and cannot read standard input: write it to a file, or name a file - as ./-" \
        run --local --cpus 1 - &&
    test_expect_code 2 async-workflow advise - --cpus 1 --script job.sh <input 2>err && test ! -e job.sh &&
    grep "^async-workflow advise: --script: the job reads the workflow, too, and cannot read standard input: give a file" err &&
    cp two.json ./- && run 0 dash --dir dash ./-
'

old="a carriage return without a newline, the line end of old Macs: convert the file with: tr '\r' '\n' <OLD >NEW"

test_expect_success 'line ends of old Macs are refused in lists, lines and tables' '
    printf "echo a\recho b\r" >mac.txt && printf "x,y\r1,2\r" >mac.csv && : >input &&
    refuses "mac.txt: line 1: $old" check mac.txt &&
    refuses "mac.txt: line 1: $old" run --local --cpus 1 mac.txt &&
    for source in "\"l\": { \"lines\": \"mac.txt\" }" "\"table\": \"mac.csv\""; do
        echo "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"foreach\": { $source }, \"command\": [\"true\"] } } }" >input &&
        test_expect_code 2 async-workflow check - <input 2>err && grep -F "line 1: " err | grep -F "$old" || return 1
    done &&
    tr "\r" "\n" <mac.txt >new.txt && async-workflow check new.txt >out && grep "1 task set, 2 tasks" out &&
    printf "x,y\r\n1,2\r" >mac.csv && async-workflow check input >out && grep "y=2)" out
'

# The agent removes files without content, often after the report.
test_expect_success 'the report tells whether there are logs, also before empty files are removed' '
    run 0 empty --dir empty two.json && : >empty/logs/a.0.out && : >empty/logs/a.1.err &&
    async-workflow report empty >out && grep "^No task has written to empty/logs" out &&
    echo x >empty/logs/a.1.err && async-workflow report empty >out && grep "^Logs are in empty/logs" out &&
    rm empty/logs/* && mkdir empty/logs/more && async-workflow report empty >out && grep "^Logs are in empty/logs" out
'

test_done
