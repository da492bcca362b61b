#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Snakemake 7 with --slurm, and Toil, unmodified: a pipeline, a failing job, Snakemake killed

Snakemake asks for the states of its jobs every 33 s: all of them run at the same time.'

. "$(dirname "$0")/lib.sh"

# Neither Snakemake nor Toil can work in a directory with a blank in its name, as sharness has it.
dir=$(mktemp -d /tmp/aw-clients.XXXXXX) || exit 1
at_exit_also="rm -rf $dir"
cd "$dir" || exit 1

PATH=$top_builddir/helpers:$PATH
HOME=$dir USER=$(id -un)
export PATH HOME USER
unset PYTHONPATH

case $(snakemake --version 2>/dev/null) in
7.*) test_set_prereq SNAKEMAKE ;;
esac
command -v toil-cwl-runner >/dev/null && test_set_prereq TOIL

. "$top_srcdir/tests/integration/snakemake.sh"
slurm="--slurm --default-resources mem_mb=10 runtime=5"

# run DIR: its exit status goes to DIR/status
run ()
{
    (
        cd "$1" &&
        timeout 400 async-workflow run --local --cpus 4 --progress none --dir run w.json >out 2>err </dev/null
        echo $? >status
    )
}

test_expect_success 'pipelines' '
    parts="expand(\"part.{n}.txt\", n=range(3))" &&
    pipeline bad "$parts, \"bad.txt\"" "$slurm" "\"slurm_commands\": true" &&
    pipeline killed "$parts" "$slurm" "\"slurm_commands\": true, \"retries\": 1" &&
    mkdir toil && cat >toil/tool.cwl <<-\END && echo "{\"words\": [\"a\", \"b\"]}" >toil/in.json &&
	cwlVersion: v1.0
	class: CommandLineTool
	baseCommand: echo
	requirements: { ResourceRequirement: { coresMin: 1, ramMin: 10 } }
	inputs: { words: { type: "string[]", inputBinding: {} } }
	outputs: { all: stdout }
	stdout: all.txt
	END
    printf "#!/bin/sh\nexec toil-cwl-runner --batchSystem slurm --jobStore ./store --outdir results --disableCaching --no-container tool.cwl in.json\n" \
        >toil/client && chmod +x toil/client && cp bad/w.json toil/
'

test_have_prereq SNAKEMAKE && { run bad & run killed & }
test_have_prereq SNAKEMAKE && { wait_for 200 test -s killed/began && kill -9 "$(cat killed/pid)"; } &
test_have_prereq TOIL && { run toil & }
wait

test_expect_success SNAKEMAKE 'snakemake --slurm: a failing job is a failure for Snakemake, which decides' '
    test "$(cat bad/status)" = 1 && test "$(sort bad/ran | xargs)" = "0 1 2" &&
    grep "SLURM-job .* failed\|Error in rule bad" bad/run/logs/client.0.err
'

test_expect_success SNAKEMAKE 'Snakemake is killed: its jobs end with it, and the next attempt does what is left' '
    test "$(cat killed/status)" = 0 && test "$(sort -u killed/ran | xargs)" = "0 1 2" && test_must_fail test -e killed/twice &&
    test $(grep -c "\"event\":\"start\",\"task\":\"client" killed/run/journal.jsonl) = 2
'

test_expect_success TOIL 'toil-cwl-runner --batchSystem slurm' '
    grep -q "\"event\":\"start\",\"task\":\"toil_job_" toil/run/journal.jsonl &&
    { test "$(cat toil/status)" = 0 && echo a b >want && test_cmp want toil/results/all.txt; } || { tail -n 30 toil/run/logs/client.0.err >&4; false; }
'

test_done
