#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what a step that cannot start reports, and output of steps in directories with awkward names'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

cluster_start --nodes 1 --cores 2 --gpus 0

# srun for steps of tasks alone, as it is where its MPI plugin cannot be loaded.
test_expect_success 'all lines of srun are kept, and the first names the cause' '
    mkdir bin && real=$(command -v srun) &&
    cat >bin/srun <<-END &&
	#!/bin/sh
	case " \$* " in *" --overlap "*) ;; *) exec $real "\$@" ;; esac
	echo "srun: error: mpi/pmix_v4: can not load PMIx library" >&2
	echo "srun: error: Couldn'\''t load specified plugin name for mpi/pmix" >&2
	echo "srun: error: cannot create mpi context for mpi/pmix" >&2
	exit 1
	END
    chmod +x bin/srun &&
    workflow pmix.json "\"tasks\": { \"a\": { \"launch\": \"step\", \"command\": [\"true\"] } }" &&
    (PATH=$PWD/bin:$PATH && run 1 pmix -N1 --async-workflow=pmix.json --async-workflow-dir=pmix) &&
    grep "its step could not be started: mpi/pmix_v4: can not load PMIx library" pmix.err &&
    cat pmix/logs/a.0.err && test $(grep -c "^srun: error: " pmix/logs/a.0.err) = 3 &&
    grep -q "cannot create mpi context" pmix/logs/a.0.err
'

test_expect_success 'directories with %, %%, %t and a backslash in their names' '
    workflow odd.json "\"tasks\": { \"a\": { \"launch\": \"step\", \"ranks\": 2, \"script\": \"echo out; echo err >&2\" },
        \"one\": { \"launch\": \"step\", \"stdout\": \"{run}/both\", \"stderr\": \"{run}/both\", \"script\": \"echo out; echo err >&2\" } }" &&
    for name in "a%b" "a%%b" "a%tb" "a\\b" "a\\%%tb" "a b"; do
        mkdir "$name" && cp odd.json "$name/" &&
        (cd "$name" && run 0 odd -N1 -n2 --async-workflow=odd.json --async-workflow-dir=r &&
            test "$(cat r/logs/a.0.out)" = "$(printf "out\nout")" && test "$(cat r/logs/a.0.err)" = "$(printf "err\nerr")" &&
            sort r/both >sorted && test "$(cat sorted)" = "$(printf "err\nout")") || return 1
    done
'

test_expect_success 'nothing is left' nothing_left

test_done
