#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='starts and ends that the journal has late: how long a task ran is what its node measured'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

mkdir late late/logs
cat >late/workflow.json <<\END
{ "async-workflow": 1, "name": "w", "tasks": {
  "a": { "count": 3, "cpus": 2, "command": ["true"], "duration": 0.04 },
  "b": { "after": ["a"], "cpus": 2, "command": ["true"], "duration": 0.04 } } }
END

# line T EVENT TASK [MEMBERS]: a line of the journal
line () { printf '{"t":%s,"event":"%s","task":"%s","attempt":0,"node":"n1"%s}\n' "$1" "$2" "$3" "${4:+,$4}"; }
ready () { printf '{"t":%s,"event":"ready","task":"%s","attempt":0}\n' "$1" "$2"; }
start () { line "$1" start "$2" '"cpus":"0-1","gpus":""'; }
finish () { line "$1" finish "$2" "\"status\":\"completed\",\"code\":0,\"signal\":0,\"seconds\":$3,\"cpu_seconds\":0.02,\"max_rss\":1"; }

# a[0] ran from 0.01 to 0.05, a[1] to 0.09, a[2] to 0.13. The node reported all that together, with the end of a[2]. So the
# journal has no time between the starts of a[1] and a[2] and their ends.
{
    printf '{"async-workflow-journal":1,"epoch":1763800000,"name":"w","mode":"async","policy":"fifo"}\n'
    printf '{"t":0,"event":"node","node":"n1","cpus":"0-1","gpus":"","mem":0}\n'
    for index in 0 1 2; do ready 0 "a[$index]"; done
    start 0.01 "a[0]" && line 0.01 assign "a[1]" && line 0.01 assign "a[2]"
    finish 0.13 "a[0]" 0.04 && start 0.13 "a[1]"
    finish 0.13 "a[1]" 0.04 && start 0.13 "a[2]"
    finish 0.13 "a[2]" 0.04 && ready 0.13 "b[0]"
    start 0.14 "b[0]" && finish 0.18 "b[0]" 0.04
    printf '{"t":0.18,"event":"end","code":0}\n'
} >late/journal.jsonl

test_expect_success 'other ways are simulated with what the node measured' '
    async-workflow explain late >out &&
    grep "^  as it was  *0.16 s " out && grep "^  one node more  *0.12 s " out || { cat out; false; }
'

test_expect_success 'the longest chain has its seconds, and runs and waits are the whole time' '
    async-workflow report late >out &&
    grep "^  a\[1\]  *n1  *0.09 s  *0.04 s$" out &&
    grep "^  2 links  *0.10 s  *0.08 s$" out || { cat out; return 1; }
    async-workflow explain late >out &&
    grep "^  *0.08 s running$" out || { cat out; return 1; }
    async-workflow report --format json late >out &&
    grep "\"finish\":0.13,\"seconds\":0.04,\"waited\":0.09" out || { cat out; return 1; }
    async-workflow report --format html late >out &&
    grep "2 links.*>0.10 s<.*>0.08 s<" out || { grep "links" out; return 1; }
'

test_expect_success 'a picture says how long a task ran, where the pointer rests' '
    async-workflow report --format svg late >out &&
    test "$(grep -c "<title>.*, n1, 0.04 s</title>" out)" = 4 &&
    async-workflow report --format html late >out &&
    grep "^\"length\":\[1200,0,0,400\]," out && grep "^\"more\":\[-800,400,400,0\]" out || { grep -A 15 slices out; return 1; }
'

test_expect_success 'in a trace and in WfFormat too; slices of a lane are as in the journal' '
    async-workflow report --format trace late >out &&
    grep "\"name\":\"a\[1\]\".*\"ts\":130000,\"dur\":0,.*\"seconds\":0.04," out || { cat out; return 1; }
    async-workflow report --format wfformat late >out &&
    test "$(grep -c "\"runtimeInSeconds\":0.04," out)" = 4 || { cat out; return 1; }
'

test_done
