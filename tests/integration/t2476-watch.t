#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='watch: a run on the terminal, as lines elsewhere, and the list of all runs'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

PATH=$top_builddir/helpers:$PATH
export PATH

workflow wait.json '"name": "wait", "tasks": {
    "hold": { "count": 2, "duration": 100, "script": "until test -e go; do sleep 0.05; done" },
    "fail": { "on_failure": "skip", "duration": 1, "script": "echo out of luck >&2; until test -e go; do sleep 0.05; done; exit 7" },
    "last": { "command": ["true"], "duration": 1, "after": ["hold"] },
    "never": { "command": ["true"], "duration": 1, "after": ["fail"] } }'

# gone PID: it has ended
gone () { ! kill -0 "$1" 2>/dev/null; }

test_expect_success 'wrong arguments: exit 2' '
    test_expect_code 2 async-workflow watch nothing </dev/null 2>err &&
    grep "nothing: No such file" err &&
    test_expect_code 2 async-workflow watch --all W 2>err &&
    grep -e "--all: takes no run directory" err &&
    mkdir empty &&
    (cd empty && PATH=$top_builddir/helpers:/usr/bin:/bin test_expect_code 2 async-workflow watch </dev/null) 2>err &&
    grep "no run in this directory" err
'

test_expect_success 'without a terminal: lines, failures as they come, and the end' '
    async-workflow run --local --cpus 3 --dir=W wait.json >run.out 2>&1 &
    echo $! >run.pid
    wait_for 60 "started W 3" &&
    async-workflow watch W >lines 2>&1 </dev/null &
    echo $! >watch.pid
    wait_for 60 "grep -qs \"^wait: running, 0 of 5 tasks done after .*3 running, on 3 of 3 CPUs\" lines"
'

if command -v script >/dev/null; then
    test_set_prereq SCRIPT
fi

# terminal COMMAND: it runs on a terminal of its own; keys go to descriptor 7, $pid is that of script(1)
terminal ()
{
    rm -f keys screen
    mkfifo keys &&
        { TERM=xterm script -qefc "stty rows 30 cols 100; exec $1" screen <keys >/dev/null 2>&1 & } &&
        pid=$! &&
        exec 7>keys
}
key () { printf "$1" >&7; }
on_screen () { wait_for 60 "grep -qa \"$1\" screen" || { cat -v screen; false; }; }

test_expect_success SCRIPT 'on a terminal: sets, running tasks, why one waits, and back' '
    PAGER="sed s/^/paged:/" && export PAGER &&
    terminal "async-workflow watch W" &&
    on_screen "hold  *\[\.*\]  *0 of 2  *2 running" &&
    on_screen "last .* 0 of 1  *1 waiting" &&
    key "r" && on_screen "Running tasks" && on_screen "hold\[1\]" &&
    key "s" && key "jj" && key "\r" &&
    on_screen "last\[0\]: waiting: tasks that it depends on have not ended" &&
    key "q" && key "e" && on_screen "What limits the run now"
'

test_expect_success 'the list of all runs has it' '
    async-workflow watch --all </dev/null >out &&
    grep "^W: running, 0 of 5 tasks done" out
'

test_expect_success SCRIPT 'what happens is seen: the failure, its cause and the end of its stderr' '
    touch go &&
    key "f" && on_screen "fail\[0\] .*exit code 7" &&
    key "\r" && on_screen "out of luck" && on_screen "1 task was skipped because of it"
'

test_expect_success SCRIPT 'the log in a pager; q gives the terminal back' '
    key "l" && on_screen "paged:out of luck" &&
    wait_for 60 "test \$(grep -ao 1049h screen | wc -l) = 2" && # it has the terminal again
    key "q" && key "q" &&
    wait_for 60 "gone $pid" &&
    exec 7>&- &&
    grep -qa "1049h" screen && tail -c 300 screen | grep -qa "1049l" &&
    wait $pid
'

test_expect_success 'the lines end with the run' '
    touch go &&
    wait_for 60 "gone $(cat watch.pid)" &&
    grep "^fail\[0\] failed: exit code 7" lines &&
    tail -n 1 lines >last && grep "^wait: failed, 3 of 5 tasks done after .*, 1 failed, 1 skipped" last
'

# after KEY WORD: what is drawn after the key has WORD in its marked line
after ()
{
    before=$(stat -c %s screen)
    key "$1"
    wait_for 30 "tail -c +$((before + 1)) screen | grep -qa \"7m *$2\"" || { echo "after $1: no $2"; tail -c +$((before + 1)) screen | cat -v; false; }
}

test_expect_success SCRIPT 'keys move the mark in a list: letters, arrows, pages, the ends' '
    wait_for 60 "gone $(cat run.pid)" &&
    terminal "async-workflow watch W" && on_screen "hold  *\[#*\]  *2 of 2" &&
    after j fail && after "\033[B" last && after k fail && after "\033[A" hold && after G never && after g hold &&
    after "\033[F" never && after "\033[H" hold && after " " never && after b hold && after "\033[6~" never && after "\033[5~" hold &&
    after "\033[4~" never && after "\033[1~" hold && after "\033OB" fail &&
    key "\033[C" && on_screen "fail: 1 task" && key "\033[D" && on_screen "Task sets" && key "\003" &&
    wait_for 30 "gone $pid" && exec 7>&- && tail -c 300 screen | grep -qa "1049l"
'

test_expect_success SCRIPT 'the list of all runs on a terminal: Enter opens one, and q ends' '
    terminal "async-workflow watch" &&
    on_screen "Runs in this directory and in your running jobs" && on_screen "W: failed, 3 of 5" &&
    key "\r" && on_screen "hold  *\[#*\]  *2 of 2" && key "\033[D" &&
    wait_for 30 "test \$(grep -ao \"Runs in this\" screen | wc -l) -ge 2" && key q && wait_for 30 "gone $pid" && exec 7>&-
'

test_expect_success 'an ended run: one line, exit 0' '
    wait_for 60 "gone $(cat run.pid)" &&
    async-workflow watch W >out </dev/null &&
    test "$(wc -l <out)" = 1 && grep "^wait: failed, 3 of 5" out
'

test_done
