#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The plugin: in which state the coordinator is started, with a stub for it'

. "$(dirname "$0")/lib.sh"

STUB=$top_srcdir/tests/integration/stub-coordinator
cluster_start --nodes 1 --command "$STUB"

STUB_OUT=$PWD/told
export STUB_OUT
OPTION=SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow

words ()
{
    printf '%s\n' "$@" >expected &&
    sed -n 's/^word //p' "$STUB_OUT" >actual &&
    test_cmp expected actual
}

# What is blocked and ignored, less 32 and 33: they belong to the C library, which refuses to change
# them, and are ignored in what make starts.
signals ()
{
    sed -n 's/^signals //p' "$STUB_OUT" | sed 's/ 000000018/ 000000000/' >actual
}

test_expect_success 'no signal is blocked or ignored, but those of nohup and of the background' '
    (trap "" TERM PIPE TTIN CHLD USR1; exec srun --async-workflow=f) &&
    signals &&
    printf "SigBlk 0000000000000000\nSigIgn 0000000000000000\n" >expected &&
    test_cmp expected actual
'

# Later ones put handlers in the place of what is ignored, in a thread, before plugins are loaded.
slurm_before 25 && test_set_prereq IGNORED_STAYS
test_expect_success IGNORED_STAYS 'nohup goes on to work, and Ctrl-C does not end the background of a script' '
    (trap "" HUP INT QUIT; exec srun --async-workflow=f) &&
    signals &&
    printf "SigBlk 0000000000000000\nSigIgn 0000000000000007\n" >expected &&
    test_cmp expected actual
'

test_expect_success 'signals blocked by the caller are not' '
    perl -MPOSIX -e "sigprocmask (SIG_BLOCK, POSIX::SigSet->new (1 .. 31)); exec @ARGV" \
        srun --async-workflow=f &&
    grep -qx "signals SigBlk 0000000000000000" told
'

test_expect_success 'no descriptor beyond stderr is passed on' '
    srun --async-workflow=f 7<"$top_srcdir/tests/integration/lib.sh" 9>nine &&
    grep -v "stub-coordinator$" told | sed -n "s/^l.* \([0-9]*\) -> .*/\1/p" >actual &&
    printf "%s\n" 0 1 2 >expected &&
    test_cmp expected actual
'

test_expect_success 'but standard input, output and error are open, on /dev/null where the caller has closed them' '
    (exec srun --async-workflow=f <&- >&- 2>&-) &&
    grep -c " [02] -> /dev/null" told >actual &&
    echo 2 >expected && # output is in "told"
    test_cmp expected actual
'

test_expect_success 'standard input is left untouched' '
    test_seq 1 5 >input &&
    (srun --async-workflow=f && cat >rest) <input &&
    test_cmp input rest &&
    cat input | (srun --async-workflow=f && cat >rest) &&
    test_cmp input rest
'

test_expect_success 'the caller has standard output, error and status of the coordinator' '
    test_expect_code 3 env STUB_OUT= STUB_STATUS=3 srun --async-workflow=f >output 2>error &&
    grep -qx "word f" output &&
    test_must_be_empty error
'

test_expect_success 'a script with set -e goes on, or ends with the coordinator'\''s status' '
    cat >script <<-\END &&
	set -e
	srun --async-workflow=f
	echo after
	STUB_STATUS=3 srun --async-workflow=f
	echo never
	END
    test_expect_code 3 sh script >output &&
    echo after >expected &&
    test_cmp expected output
'

test_expect_success 'the working directory is srun'\''s, also with --chdir' '
    mkdir -p "sub dir" &&
    (cd "sub dir" && srun --async-workflow=../f --chdir=/tmp) &&
    grep -qxF "directory $PWD/sub dir" told &&
    words run ../f -- --chdir=/tmp
'

test_expect_success 'the environment is that of the caller, with nothing of what srun sets' '
    env -i PATH="$PATH" SLURM_CONF="$SLURM_CONF" STUB_OUT="$STUB_OUT" ODD="a=b c" EMPTY= \
        SLURM_NTASKS=2 srun --async-workflow=f -c2 --threads-per-core=1 --dependency=singleton &&
    sed -n "s/^environment //p" told | sort >actual &&
    env -i PATH="$PATH" SLURM_CONF="$SLURM_CONF" STUB_OUT="$STUB_OUT" ODD="a=b c" EMPTY= \
        SLURM_NTASKS=2 env | sort >expected &&
    test_cmp expected actual
'

test_expect_success 'an option in the environment alone does nothing' '
    rm -f told &&
    test "$(env $OPTION=f srun echo plain)" = plain &&
    test "$(env ${OPTION}_mode=async srun echo plain)" = plain &&
    test "$(env $OPTION= srun -n1 echo plain)" = plain &&
    test_expect_code 1 env $OPTION=f srun 2>error &&
    grep -q "No command given" error &&
    ! test -e told
'

test_expect_success 'nor does it change one that is given, and it is removed' '
    env $OPTION=wrong ${OPTION}_mode=wrong _SLURM_SPANK_OPTION_async_workflow_async_workflow=wrong \
        OTHER=kept srun --async-workflow=f &&
    words run f -- &&
    grep -qx "environment OTHER=kept" told &&
    ! grep "^environment .*SPANK_OPTION_async_workflow" told &&
    ! grep "^environment ASYNC_WORKFLOW_RESTARTED" told
'

test_expect_success 'a forged guard changes nothing' '
    ASYNC_WORKFLOW_RESTARTED=1 srun --async-workflow=f && words run f -- &&
    test "$(ASYNC_WORKFLOW_RESTARTED=1 srun echo plain)" = plain &&
    ! grep "^environment ASYNC_WORKFLOW_RESTARTED" told &&
    rm -f told &&
    test_expect_code 1 sh -c "ASYNC_WORKFLOW_RESTARTED=\$\$ exec srun --async-workflow=f" &&
    test_expect_code 2 sh -c "ASYNC_WORKFLOW_RESTARTED=\$\$ exec srun --async-workflow=f true" &&
    ! test -e told
'

test_expect_success 'a very long line' '
    long=$(printf "%0100000d" 0) &&
    srun --async-workflow=f --comment=$long --job-name=x &&
    words run f -- --comment=$long --job-name=x
'

test_expect_success 'it is as good from a background process and without a terminal' '
    rm -f told &&
    (setsid srun --async-workflow=f </dev/null >/dev/null 2>&1 &) &&
    wait_for 60 "grep -qs \"^environment SLURM_CONF\" told" &&
    words run f --
'

test_expect_success 'nothing was allocated, nothing is left' '
    wait_for 30 "test -z \"\$(squeue --noheader)\"" && # a plain srun may be completing
    no_process_left
'

test_done
