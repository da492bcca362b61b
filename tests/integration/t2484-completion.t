#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Completion for bash and zsh: commands, options, their values, run directories, task sets and tasks'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
completion=$top_srcdir/docs/completion
cp -R "$top_srcdir/tests/integration/sample-run" . && chmod -R u+w sample-run
cp -R sample-run sample-two && mkdir empty && touch sample.json

command -v bash >/dev/null && test_set_prereq BASH || say "no bash: no test of its completion"
command -v zsh >/dev/null && test_set_prereq ZSH || say "no zsh: no test of its completion"

# in_bash LINE: what bash would offer at the end of the line, sorted, on one line; the words are divided as bash does
in_bash ()
{
    bash -c '
        . "$1/bash/async-workflow"
        COMP_LINE=$2 COMP_POINT=${#2}
        divided=$(printf %s "$2" | sed "s/[=@:]/ & /g")
        read -ra COMP_WORDS <<<"$divided"
        case $2 in *[\ =@:]) COMP_WORDS+=("") ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _async_workflow
        printf "%s\n" "${COMPREPLY[@]}"
    ' bash "$completion" "$1" | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//'
}

# in_zsh LINE: the same of zsh, whose compadd is replaced
in_zsh ()
{
    zsh -f -c '
        compadd() { local all=("$@") i=${@[(i)--]}; (( $# > i )) && print -rl -- "${all[@]:$i}" }
        _files() { print -r "FILES" }
        words=("${(@s: :)2}") CURRENT=${#words}
        fpath=("$1/zsh" $fpath)
        autoload -U _async-workflow && _async-workflow
    ' zsh "$completion" "$1" | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//'
}

# offers SHELL LINE WORDS: these and no others
offers ()
{
    in_$1 "$2" >offered && echo "$3" | tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//' >expected &&
        { test "$(cat offered)" = "$(cat expected)" || { echo "$1: $2: $(cat offered)"; return 1; }; }
}

command -v shellcheck >/dev/null && test_set_prereq SHELLCHECK

test_expect_success SHELLCHECK 'shellcheck finds nothing in that for bash' 'shellcheck -s bash "$completion/bash/async-workflow"'

commands=$(async-workflow --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

test_expect_success BASH 'bash: the commands are those of --help' '
    test "$(echo $commands | wc -w)" -gt 10 &&
    offers bash "async-workflow " "$(echo $commands)" &&
    offers bash "async-workflow re" "recv report"
'

test_expect_success BASH 'bash: the options of each command are those of --help' '
    for command in $commands; do
        async-workflow $command --usage | tr "[] " "\n" | sed -n "s/^\(--[a-z][a-z-]*=\{0,1\}\).*/\1/p" | sort -u >options &&
        offers bash "async-workflow $command --" "$(cat options)" || return 1
    done
'

test_expect_success BASH 'bash: the values of options are those that the program takes' '
    offers bash "async-workflow run --policy=" "auto longest-path fifo waves gpus-first widest" &&
    offers bash "async-workflow run --policy=wi" "widest" &&
    offers bash "async-workflow run --mode " "async sequential" &&
    offers bash "async-workflow report --format=sv" "svg" &&
    async-workflow report --format=unknownx sample-run 2>err || : &&
    for format in $(in_bash "async-workflow report --format="); do
        async-workflow report --format=$format sample-run >out || return 1
        grep -q "$format" err || return 1
    done &&
    for option in policy mode progress durability logs; do
        test "$(in_bash "async-workflow run --$option=" | wc -w)" -ge 2 || return 1
        for value in $(in_bash "async-workflow run --$option="); do
            test_expect_code 2 async-workflow run --local --$option=$value none 2>err && ! grep -e "--$option" err || return 1
        done
    done
'

test_expect_success BASH 'bash: run directories, and no others' '
    offers bash "async-workflow status sam" "sample-run sample-two" &&
    offers bash "async-workflow report --compare sample-run sam" "sample-run sample-two" &&
    offers bash "async-workflow run --resume=sam" "sample-run sample-two" &&
    offers bash "async-workflow run sample.j" "sample.json"
'

test_expect_success BASH 'bash: task sets and tasks of a run' '
    offers bash "async-workflow logs sample-run " "simulate aggregate train infer" &&
    offers bash "async-workflow explain sample-run --x si" "simulate" &&
    offers bash "async-workflow logs sample-run train@" "0[0] 1[0]" &&
    offers bash "async-workflow logs sample-run infer@0[" "0[0] 0[1] 0[2] 0[3]"
'

test_expect_success BASH,ZSH 'zsh: the same' '
    offers zsh "async-workflow " "$(echo $commands)" &&
    offers zsh "async-workflow run --policy=" "$(printf "%s " --policy=auto --policy=longest-path --policy=fifo --policy=waves --policy=gpus-first --policy=widest | sed "s/ $//")" &&
    offers zsh "async-workflow status sam" "sample-run sample-two" &&
    offers zsh "async-workflow logs sample-run train@" "$(echo simulate aggregate train infer "train@0[0]" "train@1[0]")"
'

test_done
