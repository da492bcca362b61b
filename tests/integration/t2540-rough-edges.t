#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Run directories that cannot be used, output that cannot be written, files from Windows, and counts'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

# Root may write everywhere: these runs are without that right.
limited=
test "$(id -u)" != 0 || limited='setpriv --bounding-set=-dac_override,-dac_read_search'

cat >two.json <<\END
{ "async-workflow": 1, "tasks": { "a": { "script": "echo >>ran; test -e go" }, "b": { "after": ["a"], "command": ["true"] } } }
END
echo '{ "async-workflow": 1, "tasks": { "a": { "cpus": 100, "command": ["true"] } } }' >wide.json
mark=$(printf '\357\273\277')

# refused TEXT COMMAND: after COMMAND the run in "used" is refused with TEXT, which is all that is printed, and no task starts
refused ()
{
    { chmod -R u+rwX used; rm -rf used moved ran; } 2>/dev/null
    run 1 first --dir used two.json && rm ran && eval "$2" || return 1
    for more in --test-only ""; do
        test_expect_code 2 $limited async-workflow run --local --cpus 1 --resume used $more >out 2>err </dev/null &&
            printf "async-workflow: %s: %s\n" "$PWD/used" "$1" >expected && test_cmp expected err && test ! -s out &&
            test ! -e ran || return 1
    done
}

hint='cannot be written: Permission denied: give yourself access to it, with chmod u+rwX'

test_expect_success 'a run directory that cannot be used is refused before anything starts, in one line' '
    refused "logs: not a directory: remove or rename it" "rm -r used/logs && echo >used/logs" &&
    refused "logs: a link to what does not exist: restore that, or remove the link" "rm -r used/logs && ln -s nowhere used/logs" &&
    refused "logs: $hint" "chmod 500 used/logs" &&
    refused "logs: $hint" "mv used/logs moved && ln -s ../moved used/logs && chmod 500 moved" &&
    chmod 700 moved &&
    refused "journal.jsonl: $hint" "chmod 400 used/journal.jsonl" &&
    refused "journal.jsonl: not a regular file" "rm used/journal.jsonl && mkdir used/journal.jsonl" &&
    refused "messages: not a directory: remove or rename it" "echo >used/messages" &&
    refused "$hint" "chmod 500 used" &&
    chmod -R u+rwX used
'

test_expect_success 'logs that are a link to another directory, or missing, are no reason' '
    rm -rf used && run 1 first --dir used two.json && mv used/logs moved && ln -s ../moved used/logs && : >go &&
    run 0 again --resume used && test -L used/logs &&
    rm -r used moved go && run 1 first --dir used two.json && rm -r used/logs && : >go && run 0 again --resume used
'

test_expect_success 'a run that is refused leaves no directory behind' '
    (umask 777 && test_expect_code 2 $limited async-workflow run --local --cpus 1 --dir new two.json 2>&3) 3>err >out </dev/null &&
    grep "umask 0777 takes your own access to new files: set another first, as umask 022" err && test ! -e new &&
    run 2 wide --dir new wide.json && grep "needs 100 CPUs on one node" wide.err && test ! -e new &&
    mkdir locked && cp two.json locked && chmod 500 locked &&
    (cd locked && test_expect_code 2 $limited async-workflow run --local --cpus 1 two.json) 2>err </dev/null &&
    grep "run directory two-local: Permission denied: give another with --dir" err &&
    (cd locked && test_expect_code 2 $limited async-workflow run --local --test-only --cpus 1 two.json) 2>err </dev/null &&
    grep "the run directory: Permission denied: give a directory that you can write, with --dir" err
'

mkdir small && mount -t tmpfs -o size=4k none small 2>/dev/null && test_set_prereq TMPFS

test_expect_success TMPFS 'a file system that is full at the start' '
    rm -f ran && run 4 full --dir small/new two.json &&
    grep "small/new/[a-z.]*: No space left on device: free some space there" full.err && test -z "$(ls small)" &&
    test_must_fail head -c 8k /dev/zero >small/file &&
    run 4 full --dir small/new two.json &&
    grep "small/new/[a-z.]*: No space left on device: free some space there" full.err && test "$(ls small)" = file && test ! -e ran
'

test_expect_success TMPFS 'half a report is removed, unless the file was there before' '
    rm small/file && test_expect_code 2 async-workflow report used --format html --output small/page 2>err &&
    grep "^async-workflow: small/page: No space left on device" err && test -z "$(ls small)" && : >small/page &&
    test_expect_code 2 async-workflow report used --format html --output small/page 2>err && test "$(ls small)" = page
'

test_expect_success TMPFS 'a file system that can only be read' '
    rm -rf small/* go && mount -o remount,size=1m small && run 1 first --dir small/used two.json && rm ran &&
    mount -o remount,ro small &&
    run 2 again --resume small/used && test ! -e ran &&
    grep "small/used: cannot be written: Read-only file system: copy it to where it can be written" again.err
'

test_have_prereq TMPFS && umount small

cat >commands <<\END
--help
--version
check --help
submit --help
check two.json
status done
report done
report --format json done
explain done
explain done a
watch done
run --local --cpus 1 --test-only two.json
END

test_expect_success 'output that cannot be written is an error of each command, in one line' '
    : >go && run 0 first --dir done two.json &&
    while read -r command; do
        test_expect_code 2 async-workflow $command >/dev/full 2>err </dev/null &&
            grep "^async-workflow[a-z ]*: standard output: No space left on device" err && test $(wc -l <err) = 1 || return 1
    done <commands
'

test_expect_success 'a run ends as it has ended, also where its report cannot be written' '
    async-workflow run --local --cpus 1 --dir reported two.json >/dev/full 2>err </dev/null && grep "report: No space left" err
'

printf '%s{ "async-workflow": 1,\r\n "tasks": {\r\n
    "a": { "foreach": { "s": { "lines": "names" } }, "command": ["echo", "{s}"] },\r\n
    "b": { "foreach": { "table": "t.csv" }, "command": ["echo", "{x}{y}"] },\r\n
    "c": { "foreach": { "table": "t.jsonl" }, "command": ["echo", "{x}"] } } }\r\n' "$mark" >marked.json
printf '%sone\r\ntwo\r\n' "$mark" >names
printf '%sx,y\r\n1,"2"\r\n' "$mark" >t.csv
printf '%s{"x": 3}\r\n' "$mark" >t.jsonl
printf '%s#AW cpus=1\r\necho four\r\n\r\n#AW barrier\r\necho five\r\n' "$mark" >list.txt
{ printf %s "$mark"; cat two.json; } >more.json
echo '{ "async-workflow": 1, "tasks": { "x": { "command": ["async-workflow", "add", "more.json"] } } }' >add.json
{ printf %s "$mark"; echo '{ "name": "i", "schemaVersion": "1.5", "workflow": { "specification": {
    "tasks": [ { "name": "a", "id": "a", "parents": [], "children": [] } ] } } }'; } >instance.json

test_expect_success 'files that begin with a byte order mark and have the line ends of Windows' '
    run 0 marked --dir marked marked.json &&
    cat marked/logs/a.0.out marked/logs/a.1.out marked/logs/b.0.out marked/logs/c.0.out >actual &&
    printf "%s\n" one two 12 3 >expected && test_cmp expected actual &&
    run 0 again --resume marked marked.json && grep "nothing to run" again.err &&
    run 0 list --dir list list.txt && cat list/logs/*.out | sort >actual && printf "%s\n" five four >expected && test_cmp expected actual
'

cat >dos.json <<\END
{ "async-workflow": 1, "tasks": { "a": { "script": "echo a\r\necho b\n" } } }
END

test_expect_success 'a script with the line ends of Windows: check warns' '
    async-workflow check dos.json 2>err && grep "warning: dos.json: tasks.a.script: lines that end in .r.n, as on Windows: .*: write .n$" err
'

test_expect_success 'an added or imported file may begin with the mark, too' '
    async-workflow import instance.json >imported.json && async-workflow check imported.json &&
    run 0 add --dir add add.json && async-workflow status add >actual && grep "3 of 3 tasks done" actual
'

cat >half.json <<\END
{ "async-workflow": 1,
  "tasks": { "a": { "command": ["\ud800"] } } }
END

test_expect_success 'half of a character has its place' '
    test_expect_code 2 async-workflow check half.json 2>err &&
    grep "half.json: line 2, column 34: .ud800 is half a character, and the other half does not follow: write the character itself" err
'

echo '{ "async-workflow": 1, "tasks": { "a": { "duration": 1, "command": ["false"] } } }' >one.json

test_expect_success 'one task is no tasks' '
    run 0 one --test-only one.json && head -n 1 one.out >actual && echo "one.json: ok: 1 task set, 1 task" >expected && test_cmp expected actual &&
    run 1 one --dir one one.json &&
    { cat one.out one.err; async-workflow status one; async-workflow explain one; async-workflow explain one a
        async-workflow model one.json --cpus 1; async-workflow check one.json; } >all 2>&1 &&
    grep "1 task" all && test_must_fail grep -E "(^|[^0-9.])1 (task|task set|iteration|node|CPU|GPU|agent|simulation|value)s" all
'
# answer LINE WORD...: async-workflow refuses the words with this line alone
answer ()
{
    echo "async-workflow: $1" >expected
    shift
    test_expect_code 2 async-workflow "$@" 2>err >out </dev/null && test_cmp expected err
}

test_expect_success 'words in a wrong order: the answer says which order is right' '
    answer "run: -N2 is an option of srun: give it after \"--\": async-workflow run FILE -- -N2" run -N2 one.json &&
    answer "run: --nodes=2 is an option of srun: give it after \"--\": async-workflow run FILE -- --nodes=2" run one.json --nodes=2 &&
    answer "--local: the command comes before its options: async-workflow COMMAND [OPTION]..." --local run one.json &&
    answer "unknown command \"one.json\": it is a file: to run it write \"async-workflow run FILE\"" one.json &&
    answer "one: File exists: give another directory, or continue its run with --resume" run --local --dir one one.json &&
    mkdir -p other && answer "other: File exists: give another directory" run --local --dir other one.json
'

test_expect_success '-h is --help everywhere' '
    for command in "" run status submit; do
        async-workflow $command -h >short && async-workflow $command --help >long && test_cmp long short || return 1
    done
'

test_expect_success 'a run that is running: --test-only says so' '
    echo "{ \"async-workflow\": 1, \"tasks\": { \"a\": { \"script\": \"echo >begun; until test -e end; do sleep 0.1; done\" } } }" >wait.json &&
    rm -f begun end && { async-workflow run --local --cpus 1 --dir wait wait.json >out 2>err </dev/null & } && pid=$! &&
    wait_for 60 "test -e begun" && run 0 now --resume wait --test-only && : >end && wait $pid &&
    grep "warning: $PWD/wait: its coordinator is running: what follows is as if it ended now" now.err &&
    run 0 later --resume wait --test-only && test_must_fail grep "is running" later.err
'

test_expect_success 'a command to copy has the directory as one word' '
    mkdir -p "with blank" && run 1 quoted --dir "with blank/it'\''s" one.json &&
    command=$(sed -n "s/.*continue with \(--resume=.*\) (srun.*/\1/p" quoted.err) && test -n "$command" &&
    eval "test_expect_code 1 async-workflow run --local --cpus 1 $command" >out 2>err </dev/null && grep "it was attempt 2" err
'

test_done
