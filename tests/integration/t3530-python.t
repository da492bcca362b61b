#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The Python module asyncworkflow in tasks of several nodes, and in ranks of a step of its own'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/runs.sh"

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null; then
    skip_all='no Python 3.6 or later is installed'
    test_done
fi
PATH=$top_builddir/helpers:$PATH
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/first
export PATH PYTHONDONTWRITEBYTECODE PYTHONPATH
SQ=\'
cluster_start --nodes 2 --cores 4 --gpus 0

cat >rank.py <<\END
import os
import asyncworkflow as aw

print(os.environ["PYTHONPATH"])
for i in range(5):
    aw.publish("frames", "%s.%d" % (os.environ["SLURM_PROCID"], i))
aw.publish("ask-" + os.environ["SLURM_PROCID"], "here")
aw.flush(60)
END
cat >train.py <<\END
import asyncworkflow as aw

for _ in range(10):
    frame = aw.receive("frames", group="train", timeout=60)
    print(frame.text, frame.sender, frame.attempt)
END

test_expect_success 'ranks of two nodes publish, a task of the pool receives: one sender, in the order of each rank' '
    workflow frames.json "\"tasks\": {
        \"simulate\": { \"nodes\": 2, \"ranks\": 2, \"cpus\": 1, \"command\": [\"python3\", \"rank.py\"] },
        \"train\": { \"command\": [\"python3\", \"train.py\"] } }" &&
    run 0 frames -N2 --exclusive --async-workflow=frames.json --async-workflow-dir=frames && finished frames 2 &&
    for rank in 0 1; do
        grep "^$rank\." frames/logs/train.0.out >order && printf "$rank.%d simulate[0] 0\n" 0 1 2 3 4 | test_cmp - order || return 1
    done &&
    test "$(cat frames/logs/simulate.0*.out | sort -u)" = "/first:$top_builddir/helpers/client"
'

test_expect_success 'a task submits others, which run on both nodes, and waits for them' '
    workflow submit.json "\"tasks\": { \"driver\": { \"command\": [\"python3\", \"driver.py\"] } }" &&
    cat >driver.py <<-\END &&
	import asyncworkflow as aw
	
	# Each pair waits for the other one: three CPUs each, so that they are on different nodes.
	meet = "echo $SLURMD_NODENAME; async-workflow send here.$0 x; async-workflow recv --timeout 60 here.$1"
	ids = [aw.submit(["sh", "-c", meet, str(i), str(1 - i)], cpus=3, name="meet") for i in range(2)]
	last = aw.submit("exit 7", after_ok=ids)
	print(aw.wait(ids + [last], timeout=120))
	END
    run 0 submit -N2 --exclusive --async-workflow=submit.json --async-workflow-dir=submit &&
    echo "[${SQ}success${SQ}, ${SQ}success${SQ}, ${SQ}failed${SQ}]" | test_cmp - submit/logs/driver.0.out &&
    test "$(events submit "\"event\":\"start\"" "\"task\":\"meet" "\"node\":\"n1\"")" = 1 &&
    test "$(events submit "\"event\":\"start\"" "\"task\":\"meet" "\"node\":\"n2\"")" = 1 && nothing_left
'

test_expect_success 'the example: tasks of two nodes are stopped when the result is good enough' '
    cp "$top_srcdir"/examples/python/*.py "$top_srcdir"/examples/python/pi.json . &&
    run 0 pi -N2 --exclusive --async-workflow=pi.json --async-workflow-dir=pi --async-workflow-param=error=0.005 &&
    awk "{ exit !(\$1 > 3.1 && \$1 < 3.2 && \$2 < 0.005) }" pi.txt &&
    grep -q "\"event\":\"finish\",\"task\":\"estimate\[0\]\".*\"status\":\"completed\"" pi/journal.jsonl &&
    test "$(events pi "\"event\":\"cancel\"" "\"task\":\"sample[0]\"")" = 1 && nothing_left
'

test_done
