#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The plugin: what it makes of the line of srun, with a stub for the coordinator'

. "$(dirname "$0")/lib.sh"

STUB=$top_srcdir/tests/integration/stub-coordinator
cluster_start --nodes 2 --command "$STUB"

STUB_OUT=$PWD/told
export STUB_OUT

# words LINE...: what the stub was given is exactly this, a word a line.
words ()
{
    printf '%s\n' "$@" >expected &&
    sed -n 's/^word //p' "$STUB_OUT" >actual &&
    test_cmp expected actual
}

# refused TEXT SRUN...: srun ends with status 2 and this one line, and no coordinator was started.
refused ()
{
    text=$1
    shift
    rm -f "$STUB_OUT"
    test_expect_code 2 "$@" 2>error </dev/null || return 1
    printf 'srun: error: async-workflow: %s\n' "$text" >expected
    test_cmp expected error && ! test -e "$STUB_OUT"
}

test_expect_success 'the option alone' '
    srun --async-workflow=f.json &&
    words run f.json --
'

test_expect_success 'the value in a word of its own' '
    srun --async-workflow f.json &&
    words run f.json --
'

test_expect_success 'between other options, which stay as given' '
    srun -n4 --async-workflow=f.json -N 2 --job-name="a b" --exclusive &&
    words run f.json -- -n4 -N 2 "--job-name=a b" --exclusive &&
    srun --async-workflow f.json -c2 --gpus 4 &&
    words run f.json -- -c2 --gpus 4 &&
    srun -c2 --gpus 4 --comment= --async-workflow f.json &&
    words run f.json -- -c2 --gpus 4 --comment=
'

test_expect_success 'the last of several equal options counts, none is passed on' '
    srun --async-workflow=a -n1 --async-workflow b --async-workflow=c -N1 &&
    words run c -- -n1 -N1
'

test_expect_success 'the options of run' '
    srun --async-workflow-mode=sequential --async-workflow=f --async-workflow-policy fifo \
        --async-workflow-dir="x y" -n2 --async-workflow-resume=z --async-workflow-mode=async \
        --async-workflow-grace 9 --async-workflow-progress=none \
        --async-workflow-time-limit=1h --async-workflow-node-timeout=30 --async-workflow-connect-timeout=5m --async-workflow-min-nodes=2 --async-workflow-max-steps=4 --async-workflow-backlog=0 \
        --async-workflow-scratch=/s --async-workflow-scratch-size=1G --async-workflow-stage-streams=2 \
        --async-workflow-durability=node &&
    words run f --mode=async --policy=fifo "--dir=x y" --resume=z --progress=none --grace=9 --time-limit=1h --node-timeout=30 \
        --connect-timeout=5m --min-nodes=2 --max-steps=4 --backlog=0 --scratch=/s --scratch-size=1G --stage-streams=2 --durability=node -- -n2
'

test_expect_success 'to continue a run its directory is enough' '
    srun --async-workflow-resume=d && words run --resume=d -- &&
    srun -n2 --async-workflow-resume d --async-workflow-grace=3 -c1 && words run --resume=d --grace=3 -- -n2 -c1 &&
    srun --async-workflow-resume=d --async-workflow=f -n1 && words run f --resume=d -- -n1
'

test_expect_success 'abbreviations as getopt_long allows them' '
    srun --async-workflow-mo=sequential --async-workflow-r d --async-workflow=f &&
    words run f --mode=sequential --resume=d -- &&
    test_must_fail srun --async-work=f 2>error &&
    grep -q "ambiguous" error
'

test_expect_success 'what looks like ours but is a value of another option stays' '
    srun -J --async-workflow=x --async-workflow=f --comment --async-workflow-mode=y &&
    words run f -- -J --async-workflow=x --comment --async-workflow-mode=y
'

test_expect_success 'the end of options may be marked' '
    srun -n1 --async-workflow=f -- &&
    words run f -- -n1
'

test_expect_success 'files with unusual names' '
    srun --async-workflow="a b*\$" && words run "a b*\$" -- &&
    srun --async-workflow=-n4 && words run ./-n4 -- &&
    srun --async-workflow -n4 && words run ./-n4 -- &&
    srun --async-workflow=/proc/self/exe && words run /proc/self/exe --
'

test_expect_success '--test-only goes to run, abbreviated too' '
    srun --test-only --async-workflow=f -n1 &&
    words run f --test-only -- -n1 &&
    srun --async-workflow=f -n1 --test &&
    words run f --test-only -- -n1
'

test_expect_success 'a command as well is refused' '
    refused "\"hostname\": no command is allowed with --async-workflow: \
the workflow file has the commands" srun --async-workflow=f hostname &&
    refused "\"hostname\": no command is allowed with --async-workflow: \
the workflow file has the commands" srun -n2 --async-workflow f -- hostname --flag &&
    refused "\"/proc/self/exe\": no command is allowed with --async-workflow: \
the workflow file has the commands" srun --async-workflow f /proc/self/exe /proc/self/exe &&
    refused "\"\": no command is allowed with --async-workflow: \
the workflow file has the commands" srun --async-workflow f "" &&
    refused "--multi-prog: cannot be given with a workflow: the workflow file has the commands" \
        srun --multi-prog --async-workflow=f &&
    refused "SLURM_SRUN_MULTI: cannot be given with a workflow: the workflow file has the commands" \
        env SLURM_SRUN_MULTI=1 srun --async-workflow=f
'

test_expect_success 'an option after the command is the command'\''s' '
    srun echo --async-workflow=f >actual && echo "--async-workflow=f" >expected &&
    test_cmp expected actual
'

test_expect_success 'a heterogeneous job is refused' '
    het="heterogeneous jobs cannot run a workflow: give one set of options, without \":\"" &&
    refused "$het" srun --async-workflow=f : -n2 &&
    refused "$het" srun --async-workflow=f -n1 : -n2 hostname &&
    refused "$het" srun -n1 hostname : --async-workflow=f &&
    refused "$het" srun -n1 hostname : -n1 --async-workflow f hostname &&
    srun -J : --async-workflow=f && words run f -- -J :
'

test_expect_success 'an option without its value is refused' '
    refused "-J: needs a value" srun --async-workflow=f -J &&
    refused "--job-name: needs a value" srun --async-workflow=f -n1 --job-name &&
    test_must_fail srun --async-workflow 2>error && grep -q "requires an argument" error
'

test_expect_success 'an empty value is refused' '
    refused "--async-workflow: empty value: give FILE" srun --async-workflow= &&
    refused "--async-workflow-dir: empty value: give DIR" \
        srun --async-workflow=f --async-workflow-dir=
'

test_expect_success 'the options of run alone are refused' '
    refused "--async-workflow-mode: has no effect without --async-workflow=FILE or --async-workflow-resume=DIRECTORY: give one of them" \
        srun --async-workflow-mode=async hostname
'

test_expect_success 'what srun itself finds wrong it still tells' '
    rm -f told &&
    test_expect_code 1 srun -n x --async-workflow=f 2>error && grep -q "Invalid numeric" error &&
    test_expect_code 1 srun --async-workflow=f -n x 2>error && grep -q "Invalid numeric" error &&
    test_must_fail srun --async-workflow=f --no-such-option 2>error &&
    grep -q "unrecognized option" error &&
    ! test -e told
'

test_expect_success 'srun --help tells of the options and lists no more than them' '
    srun --async-workflow=f --help >help &&
    grep -- "--async-workflow" help | sed "s/ *\(--[a-z-]*\).*/\1/" >actual &&
    printf -- "--async-workflow%s\n" "" -mode -policy -plan-time -plan-evaluations -dir -resume -param -durations -new-values -progress \
        -grace -time-limit -node-timeout -connect-timeout -min-nodes -max-steps -backlog -scratch -scratch-size -stage-streams \
        -durability -logs >expected &&
    test_cmp expected actual
'

test_expect_success 'srun called by a path or a wrapper' '
    "$(command -v srun)" --async-workflow=f -n1 && words run f -- -n1 &&
    mkdir -p wrapped && printf "#!/bin/sh\nexec %s -n3 \"\$@\"\n" "$(command -v srun)" \
        >wrapped/srun && chmod +x wrapped/srun &&
    wrapped/srun --async-workflow=f && words run f -- -n3
'

test_expect_success 'where srun looks for the command itself (test_exec)' '
    SLURM_TEST_EXEC=1 srun --async-workflow=f && words run f --
'

test_expect_success 'sbatch and salloc do not know the option' '
    test_must_fail sbatch --async-workflow=f --wrap true 2>error &&
    grep -q "unrecognized option" error &&
    test_must_fail salloc --async-workflow=f true 2>error &&
    grep -q "unrecognized option" error
'

test_expect_success 'the coordinator is named by plugstack.conf, not by the environment' '
    ASYNC_WORKFLOW_COMMAND=/bin/false PATH=/nowhere "$(command -v srun)" --async-workflow=f &&
    grep -qxF "command $STUB" told
'

test_expect_success 'wrong arguments in plugstack.conf are told when they matter' '
    cp "$CLUSTER_DIR/plugstack.conf" saved &&
    test_when_finished "cp saved \"$CLUSTER_DIR/plugstack.conf\"" &&
    plugin=$(sed "s/ command=.*//" saved) &&
    echo "$plugin command=bin/async-workflow" >"$CLUSTER_DIR/plugstack.conf" &&
    refused "plugstack.conf: command=bin/async-workflow: not an absolute path" \
        srun --async-workflow=f &&
    test "$(srun echo plain 2>&1)" = plain &&
    echo "$plugin comand=/bin/true" >"$CLUSTER_DIR/plugstack.conf" &&
    refused "plugstack.conf: unknown argument \"comand=/bin/true\": give command=/path" \
        srun --async-workflow=f &&
    echo "$plugin command=/nowhere/async-workflow" >"$CLUSTER_DIR/plugstack.conf" &&
    refused "/nowhere/async-workflow: cannot be executed: No such file or directory" \
        srun --async-workflow=f
'

test_expect_success 'without the option srun is what it was' '
    srun -n1 env | grep -v "^SLURM\(D\|_\)" | sort >with &&
    cp "$CLUSTER_DIR/plugstack.conf" saved &&
    test_when_finished "cp saved \"$CLUSTER_DIR/plugstack.conf\"" &&
    : >"$CLUSTER_DIR/plugstack.conf" &&
    srun -n1 env | grep -v "^SLURM\(D\|_\)" | sort >without &&
    test -s with &&
    test_cmp without with
'

test_expect_success 'a plugin that is "required" does the same' '
    cp "$CLUSTER_DIR/plugstack.conf" saved &&
    test_when_finished "cp saved \"$CLUSTER_DIR/plugstack.conf\"" &&
    sed "s/^optional/required/" saved >"$CLUSTER_DIR/plugstack.conf" &&
    test "$(srun echo plain 2>&1)" = plain &&
    srun --async-workflow=f && words run f --
'

test_expect_success 'nothing was allocated, nothing is left' '
    wait_for 30 "test -z \"\$(squeue --noheader)\"" && # a plain srun may be completing
    no_process_left
'

test_done
