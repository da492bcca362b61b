#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='report and status: data on its way is told apart from computing, and holds nothing'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
type python3 >/dev/null 2>&1 && test_set_prereq PYTHON

# Two CPUs. a[0] and a[1] read the same; a[2] waits for a CPU with its data there; the data of a[3] cannot come.
mkdir run run/logs &&
printf '{ "async-workflow": 1, "name": "staged", "tasks": { "a": { "count": 4, "on_failure": "continue",
    "stage_in": "model", "stage_out": { "from": "out", "to": "results/" }, "command": ["true"] } } }\n' >run/workflow.json &&
cat >run/journal.jsonl <<END || exit 1
{"async-workflow-journal":1,"epoch":1763800000,"name":"staged","mode":"async","policy":"fifo","version":"0.1.0"}
{"t":0,"event":"node","node":"n1","cpus":"0-1","gpus":"","mem":0}
{"t":0,"event":"ready","task":"a[0]","attempt":0}
{"t":0,"event":"ready","task":"a[1]","attempt":0}
{"t":0,"event":"ready","task":"a[2]","attempt":0}
{"t":0,"event":"ready","task":"a[3]","attempt":0}
{"t":0,"event":"stage","task":"a[0]","attempt":0,"node":"n1"}
{"t":0,"event":"stage","task":"a[1]","attempt":0,"node":"n1"}
{"t":2,"event":"staged","task":"a[0]","attempt":0,"node":"n1","seconds":2,"bytes":1024}
{"t":2,"event":"start","task":"a[0]","attempt":0,"node":"n1","cpus":"0","gpus":""}
{"t":2,"event":"stage","task":"a[2]","attempt":0,"node":"n1"}
{"t":3,"event":"staged","task":"a[1]","attempt":0,"node":"n1","seconds":3,"bytes":0}
{"t":3,"event":"start","task":"a[1]","attempt":0,"node":"n1","cpus":"1","gpus":""}
{"t":3,"event":"stage","task":"a[3]","attempt":0,"node":"n1"}
{"t":4,"event":"staged","task":"a[2]","attempt":0,"node":"n1","seconds":2,"bytes":1024}
{"t":5,"event":"finish","task":"a[3]","attempt":0,"node":"n1","status":"failed","code":0,"signal":0,"seconds":0,"cpu_seconds":0,"max_rss":0,"reason":"stage_in: model: No such file or directory"}
{"t":6,"event":"release","task":"a[0]","attempt":0,"node":"n1","seconds":4}
{"t":6,"event":"start","task":"a[2]","attempt":0,"node":"n1","cpus":"0","gpus":""}
{"t":7,"event":"release","task":"a[1]","attempt":0,"node":"n1","seconds":4}
{"t":7.5,"event":"finish","task":"a[1]","attempt":0,"node":"n1","status":"completed","code":0,"signal":0,"seconds":4,"cpu_seconds":4,"max_rss":0}
{"t":8,"event":"finish","task":"a[0]","attempt":0,"node":"n1","status":"completed","code":0,"signal":0,"seconds":4,"cpu_seconds":4,"max_rss":0}
{"t":9,"event":"finish","task":"a[2]","attempt":0,"node":"n1","status":"completed","code":0,"signal":0,"seconds":3,"cpu_seconds":3,"max_rss":0}
{"t":9,"event":"end","code":0}
END

test_expect_success 'the text has a table of it; CPUs are busy from start to release alone' '
    async-workflow report run >out &&
    grep "^  CPUs  *61.1 % busy of 2 on 1 node" out &&
    grep "^Staged data  *copied  *shared  *bytes  *stage in  *waiting  *results  *stage out" out &&
    grep "^  a  *2  *1  *2.0 KiB  *2.33 s  *0.67 s  *2  *1.25 s" out &&
    grep "start delay   3.67 s on average, 6.00 s at most" out
'

test_expect_success PYTHON 'the JSON has its members, and null where an attempt never started' '
    async-workflow report --format json run >out.json &&
    python3 - <<-END
	import json
	r = json.load (open ("out.json"))
	assert abs (r["cpu_share"] - 11 / 18) < 1e-5, r["cpu_share"]
	s = r["sets"][0]["staging"]
	assert (s["brought"], s["shared"], s["bytes"], s["left"]) == (3, 1, 2048, 2), s
	f = r["failures"][0]
	assert f["task"] == "a[3]" and f["start"] is None and f["staged"] == 3 and f["brought"] is None, f
	c = r["chain"][0]
	assert (c["task"], c["staged"], c["brought"], c["start"], c["staged_bytes"]) == ("a[2]", 2, 4, 6, 1024), c
	assert max (r["utilization"]["cpus"]) <= 2
	END
'

test_expect_success 'the chart has thin bars of three kinds, and two lanes for two CPUs' '
    async-workflow report --format svg run >chart.svg &&
    if type xmllint >/dev/null 2>&1; then xmllint --noout chart.svg; fi &&
    sed -n "/class=\"tasks\"/,/<.g>/p" chart.svg >tasks &&
    test $(grep -c "<rect" tasks) = 3 &&
    test $(sed -n "s/.* y=\"\([0-9.]*\)\".*/\1/p" tasks | sort -u | wc -l) = 2 &&
    sed -n "/class=\"moves\"/,/<.g>/p" chart.svg >moves &&
    test $(grep -c "<title>a\[.\], stage in, " moves) = 4 &&
    test $(grep -c "fill-opacity.*<title>a\[2\], staged in, waiting, 2.00 s" moves) = 1 &&
    test $(grep -c "fill=\"#fff\" stroke=.*<title>a\[.\], stage out, " moves) = 2 &&
    for item in "stage in" "staged in, waiting" "stage out"; do
        grep "<text.*>$item</text>" chart.svg || return 1
    done
'

test_expect_success PYTHON 'the trace has the same, in threads of their own that never overlap' '
    async-workflow report --format trace run >trace.json &&
    python3 - <<-END
	import json
	events = json.load (open ("trace.json"))["traceEvents"]
	slices = [e for e in events if e["ph"] == "X"]
	assert len ([e for e in slices if e["cat"] == "a"]) == 3
	assert sorted (e["cat"] for e in slices if e["cat"] != "a") == \
	    4 * ["stage in"] + 2 * ["stage out"] + ["staged in, waiting"]
	computing = {e["tid"] for e in slices if e["cat"] == "a"}
	assert computing == {1, 2} and not computing & {e["tid"] for e in slices if e["cat"] != "a"}
	ends = {}
	for e in sorted (slices, key = lambda e: e["ts"]):
	    assert ends.get (e["tid"], 0) <= e["ts"], e
	    ends[e["tid"]] = e["ts"] + e["dur"]
	END
'

test_expect_success 'status tells what is on its way while it is' '
    cp -R run young &&
    sed "/\"t\":[5-9]/d" run/journal.jsonl >young/journal.jsonl &&
    async-workflow status young >out &&
    grep "staging: data of 1 task coming in, of 1 staged in and waiting for CPUs and GPUs, of 0 going out" out &&
    async-workflow status run >out &&
    ! grep "data of" out
'

test_done
