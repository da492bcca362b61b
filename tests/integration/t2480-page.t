#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='async-workflow report --format html: one page with a chart, tried in a browser'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
samples=$top_srcdir/tests/integration
cp -R "$samples/sample-run" . && chmod -R u+w sample-run

for python in python3 /usr/bin/python3 ""; do
    test -n "$python" && command -v "$python" chromium chromedriver >/dev/null &&
        "$python" -c 'from selenium.webdriver import ActionChains as c; assert "duration" in c.__init__.__code__.co_varnames' \
            2>/dev/null && break
done
if test -n "$python"; then
    test_set_prereq BROWSER
else
    say "no browser tests: chromium, chromium-driver or python3-selenium (4.2 or later) is not installed"
fi

# page RUN [OPTION]...: makes RUN.html of a run directory that make-run makes with the options
page ()
{
    run=$1
    shift
    "$samples/make-run" "$run" "$@" && async-workflow report --format html --output "$run.html" "$run"
}

# browse PAGE [OPTION]...: opens it; what is found is in the file "found"
browse () { "$python" "$samples/browse" "$@" >found || { cat found; return 1; }; }

# sound: the page that was browsed has no error, asks for nothing, and runs no foreign script
sound () { grep -x "errors: \[\]" found && grep -x "requests: 0" found && grep -x "hacked: null" found && grep -x "scripts: 2" found; }

test_expect_success 'the page has all that the text has, and asks for no other file' '
    async-workflow report --format html sample-run >sample.html &&
    grep "<h1 class=\"failed\">sample: 1 of 26 tasks failed, 4 skipped</h1>" sample.html &&
    grep "<dd>31.8 s; the model predicted 29.0 s (27.4 s to 31.0 s for 90 % of runs)</dd>" sample.html &&
    grep "<tr><td>simulate</td><td>12</td><td>12</td>" sample.html &&
    grep "<b>train@1\[0\]</b>: SIGSEGV after 1.50 s on n1, attempt 2" sample.html &&
    grep "^Segmentation fault" sample.html &&
    grep "6 links in all" sample.html &&
    ! grep -E "(src|href)=|https?:|@import|url\(" sample.html
'

test_expect_success 'a page of 100,000 tasks has at most 10 MB, and each attempt once' '
    page big --tasks 100000 --nodes 64 --lanes 32 --fail-every 97 &&
    test "$(wc -c <big.html)" -le 10000000 &&
    grep "\"slices\":{\"n\":100000," big.html
'

test_expect_success 'log tails have 20 lines, and 1 MB in all' '
    "$samples/make-run" tails --tasks 2000 --fail-every 1 &&
    seq -f "%040g of 30" 30 >text &&
    for log in tails/logs/*; do cat text >"$log" || return 1; done &&
    async-workflow report --format html tails >tails.html &&
    grep "0011 of 30" tails.html && ! grep "0010 of 30" tails.html &&
    n=$(grep -o "0030 of 30" tails.html | wc -l) && test $n -gt 900 && test $n -lt 1100
'

test_expect_success 'texts from outside are only texts' '
    evil="</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'\''&<!--" &&
    json=$(printf %s "$evil" | sed "s/\"/\\\\\\\\&/g; s/&/\\\\&/g") &&
    mkdir -p "a<script>window.hacked=1<" && directory="a<script>window.hacked=1</script>\"&" &&
    cp -R sample-run "$directory" &&
    printf "%s\n" "$evil" >"$directory/logs/train@1.0.retry1.err" &&
    sed "s|\"signal\":11|&,\"reason\":\"$json\"|; s|\"node\":\"n1\"|\"node\":\"n1$json\"|; 1s|\"name\":\"sample\"|\"name\":\"$json\"|" \
        sample-run/journal.jsonl >"$directory/journal.jsonl" &&
    grep -c "n1</script>" "$directory/journal.jsonl" &&
    async-workflow report --format html "$directory" >evil.html &&
    grep "&lt;/script&gt;&lt;script&gt;window.hacked" evil.html &&
    test "$(grep -c "<script" evil.html)" = 2 &&
    ! grep -F "<img" evil.html
'

test_expect_success BROWSER 'nor do they run in a browser' '
    browse evil.html --find "train@1[0]" &&
    sound && grep "^found: \"train@1\[0\].*<img src=x" found
'

test_expect_success 'tasks have their values, and logs from a store their lines' '
    cat >values.json <<-\EOF &&
	{ "async-workflow": 1, "logs": "store", "tasks": { "read": {
	  "foreach": { "sample": ["a", "<b id=x>\"</script>"], "part": [1, 2] }, "on_failure": "continue",
	  "script": "echo no part {part} >&2; exit 3" } } }
	EOF
    test_expect_code 1 async-workflow run --local values.json || test -d values-local &&
    async-workflow report --format html values-local >values.html &&
    grep "<p class=\"soft\">sample=&lt;b id=x&gt;&quot;&lt;/script&gt;, part=2</p>" values.html &&
    grep "<pre>no part 2" values.html &&
    grep "all of it: async-workflow logs values-local .*read\[3\]" values.html
'

test_expect_success BROWSER 'and pointing shows the values' '
    browse values.html --find "read[3]" && sound && grep "^found: \"read\[3\].nsample=<b id=x>.*npart=2.nexit code 3.*no part 2" found
'

test_expect_success BROWSER 'a failed run: pointing shows the task, and finding it its log' '
    browse sample.html --find "train@1[0]" &&
    sound && grep "^hover: \"simulate@0\[0\].ncompleted.nran 9.[0-9]* s from 0.00 s" found &&
    grep "^found: \"train@1\[0\].nSIGSEGV, attempt 2.nran 1.50 s .*on n1: .*Segmentation fault" found
'

test_expect_success BROWSER 'pointing shows how long the task ran on its node, also where the journal has its end late' '
    cp -R "$samples/sample-run" late && chmod -R u+w late &&
    sed -i "s/\"seconds\":9.500157/\"seconds\":9.450157/" late/journal.jsonl &&
    async-workflow report --format html --output late.html late && browse late.html &&
    sound && grep "^hover: \"simulate@0\[0\].ncompleted.nran 9.45 s from 0.00 s" found
'

test_expect_success BROWSER 'on paper tasks have their names' '
    grep -x "printed: \"simulate@0\[4\]\"" found
'

test_expect_success BROWSER 'dragging, keys and wheel zoom; all of it comes back' '
    for key in drag key wheel; do grep -x "${key}_zooms: true" found || return 1; done &&
    grep -x "all_resets: true" found
'

test_expect_success BROWSER 'ten tasks, dark and narrow' '
    page ten --tasks 10 && browse ten.html --dark --width 400 --find "analyse[1]" &&
    sound && grep -x "too_wide: false" found && grep "^found: \"analyse\[1\].ncompleted" found
'

test_expect_success BROWSER '100,000 tasks: what does not fit is counted, and a task can be found' '
    browse big.html --find "simulate[96]" &&
    sound && grep "^hover: \"[0-9]* tasks" found && grep "^found: \"simulate\[96\].nexit code 3" found
'

test_expect_success BROWSER 'a run that was resumed, with iterations' '
    page resumed --tasks 200 --nodes 3 --iterations 4 --interrupt --fail-every 9 &&
    browse resumed.html --find "simulate@3[1]" &&
    sound && grep "^found: \"simulate@3\[1\].ncompleted.nran .* from 10h00m" found
'

test_expect_success 'every beginning of a journal makes a page' '
    cp -R sample-run part &&
    lines=$(wc -l <sample-run/journal.jsonl) &&
    n=1 &&
    while test $n -le $lines; do
        head -n $n sample-run/journal.jsonl >part/journal.jsonl &&
        async-workflow report -f html part >part-$n.html && grep "^</html>" part-$n.html || return 1
        n=$((n + 7))
    done
'

test_expect_success BROWSER 'a run of which nothing has started has a page without a chart' '
    browse part-1.html && sound
'

test_expect_success 'tasks that a failure has kept from running are named' '
    cat >kept.json <<-\END &&
	{ "async-workflow": 1, "tasks": { "a": { "script": "echo no >&2; exit 2", "on_failure": "skip" },
	  "b": { "count": 3, "command": ["true"], "after": ["a"] }, "c": { "command": ["true"] } } }
	END
    test_expect_code 1 async-workflow run --local --dir kept kept.json >kept.out 2>&1 &&
    async-workflow report kept --format html >kept.html &&
    grep "<p>Skipped because of failures: b (3 of 3)</p>" kept.html &&
    grep "all of kept/logs/a.0.err" kept.html
'

test_done
