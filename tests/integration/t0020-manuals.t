#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The manuals, --help and the README say what the program does'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
man=$top_srcdir/docs/man

# options: the long options that stdin names at the beginnings of lines, but those of every argp program
options () { grep -oE -- '^ *(-[A-Za-z], )?--[a-z][a-z-]+' | grep -oE -- '--[a-z-]+' | grep -vxE -- '--(help|usage|version)' | sort -u; }

# manual PAGE: its text with options in OPTIONS' entries at the beginnings of lines
manual () { sed -e 's/\\-/-/g' -e 's/" "//g; s/", "/, /g' -e 's/^\.BI\{0,1\}R\{0,1\} *"\{0,1\}//' -e 's/\\f[BIR]//g' -e 's/ , */, /g' "$man/$1"; }

commands=$(async-workflow --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

test_expect_success 'there are commands' 'test $(echo $commands | wc -w) -ge 5'

for command in $commands; do
    test_expect_success "$command: --help and its manual name the same options" "
        test -e \"\$man/async-workflow-$command.1\" &&
        async-workflow $command --help >help &&
        options <help >told &&
        manual async-workflow-$command.1 | options >documented &&
        test_cmp told documented
    "
    test_expect_success "$command: stands in async-workflow(1) and in the README" "
        manual async-workflow.1 | grep -qE '^$command( |\$)' &&
        grep -qE 'async-workflow(-| )$command' '$top_srcdir/README.md'
    "
done

test_expect_success 'the options of srun are those that the plugin registers' '
    sed -n "s/.*SRUN (\"\([a-z-]*\)\").*/async-workflow-\1/p" "$top_srcdir/helpers/util/run_options.c" | sort -u >registered &&
    test -s registered &&
    while read option; do
        manual async-workflow.1 | grep -q -- "--$option" || { echo "$option" >&4; return 1; }
    done <registered
'

test_expect_success 'the variables that stand for options are in the manual of run' '
    sed -n "s/.*variable = \"\([A-Z_]*\)\".*/\1/p" "$top_srcdir/helpers/util/run_options.c" | sort >known &&
    sed -n "/^\.SH ENVIRONMENT/,/^The options of/p" "$man/async-workflow-run.1" | grep -oE "ASYNC_WORKFLOW_[A-Z_]+" | sort >documented &&
    test_cmp known documented
'

test_expect_success 'exit statuses: the same numbers everywhere' '
    for n in 0 1 2 3 4; do
        manual async-workflow.1 | grep -qx "$n" || return 1
    done &&
    async-workflow run --help | tr -s "\n " " " >help &&
    grep -q "0 all done; 1 a task failed; 2 the input is wrong; 3 stopped before the end.*; 4 the pool failed" help &&
    tr -s "\n " " " <"$top_srcdir/README.md" >readme &&
    grep -q "0 all done; 1 a task failed; 2 the input is wrong; 3 stopped before the end.*; 4 the pool failed" readme
'

pages=$(cd "$man" && grep -L '^\.so ' *.[1358])

test_expect_success 'each manual has the sections that readers look for' '
    test "$(echo $pages | wc -w)" -ge 10 &&
    for page in $pages; do
        result="EXIT STATUS"
        test "${page##*.}" = 3 && result="RETURN VALUE"
        for section in NAME SYNOPSIS DESCRIPTION FILES "$result" EXAMPLES "SEE ALSO"; do
            grep -qx "\.SH $section" "$man/$page" || { echo "$page: no $section"; return 1; }
        done
    done
'

test_expect_success 'each manual has a date and the version of the program' '
    version=$(async-workflow --version | sed "s/.* //") &&
    test -n "$version" &&
    for page in $pages; do
        grep -qE "^\.TH [A-Z_-]+ [135] [0-9]{4}-[0-9]{2}-[0-9]{2} \"slurm-async-workflow $version\" " "$man/$page" ||
            { grep "^\.TH" "$man/$page"; return 1; }
    done
'

test_expect_success 'groff and mandoc find nothing to complain about' '
    (cd "$man" && "$top_srcdir/tests/lint/manuals" *.[1358]) >complaints
    case $? in
    0) ;;
    77) say "# $(cat complaints)" ;;
    *) cat complaints >&4; false ;;
    esac
'

test_expect_success 'no line of a SYNOPSIS is wider than 79 columns' '
    command -v mandoc >/dev/null || { say "# mandoc is not installed"; return 0; }
    for page in $pages; do
        mandoc -T ascii -O width=79 "$man/$page" | sed "s/.\x08//g" |
            sed -n "/^SYNOPSIS/,/^DESCRIPTION/s/^.\{80,\}\$/$page: &/p"
    done >wide &&
    test_must_be_empty wide
'

test_done
