#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --async-workflow-param: parameters from the command line of srun, in a job and for a new one'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start

workflow flow.json "\"parameters\": { \"n\": 1, \"who\": \"you\", \"data\": { \"env\": \"AW_DATA\" } },
    \"tasks\": { \"a\": { \"count\": \"{n}\", \"script\": \"echo {who} {data}\" } }"
AW_DATA=/d
export AW_DATA

# says DIR N: N tasks have said this
says () { cat "$1"/logs/a.*.out >said && for i in $(seq "$2"); do echo 'me & you /d'; done >expected && test_cmp expected said; }

test_expect_success 'for a new job, through salloc' '
    run 0 new -N1 --async-workflow=flow.json --async-workflow-dir=new --async-workflow-param="n=2" --async-workflow-param "who=me & you" &&
    says new 2
'

test_expect_success 'in a job' '
    run 2 wrong -N1 --async-workflow=flow.json --async-workflow-param=m=2 --test-only &&
    grep -q "flow.json: --param: unknown parameter \"m\": the file has the parameters n, who, data" wrong.err &&
    { echo "#!/bin/sh"
      echo "srun --async-workflow=flow.json --async-workflow-dir=job --async-workflow-param=n=3 --async-workflow-param=who=\"me & you\""
    } >job.sh && sbatch --wait -N1 --output=job.log job.sh && says job 3
'

test_expect_success 'a resume keeps them, or takes others' '
    run 0 again -N1 --async-workflow-resume=job && says job 3 &&
    run 0 again -N1 --async-workflow-resume=job --async-workflow-param=n=4 && says job 4
'

test_expect_success 'a list of commands, in a new job and resumed' '
    printf "%s\n" "echo one >>one" "#AW barrier" "test -e go" >list.txt &&
    run 1 list -N1 --async-workflow=list.txt --async-workflow-dir=list && touch go &&
    run 0 list -N1 --async-workflow=list.txt --async-workflow-resume=list && test "$(cat one)" = one && finished list 2
'

test_expect_success 'nothing is left' 'nothing_left'

test_done
