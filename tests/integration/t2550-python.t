#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# PYTHONS: the interpreters to test with; default: python3 and each python3.N in PATH

test_description='The Python module asyncworkflow'

. "$(dirname "$0")/lib.sh"

PATH=$top_builddir/helpers:$PATH
PYTHONDONTWRITEBYTECODE=1
export PATH PYTHONDONTWRITEBYTECODE
module=$top_srcdir/helpers/client/asyncworkflow.py

# version PYTHON: "3.11", from 3.6 on
version () { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 6) or print("%d.%d" % sys.version_info[:2]))' 2>/dev/null; }

# The first one of each version.
pythons=
for python in ${PYTHONS:-python3 $(seq -f python3.%g 6 20)}; do
    v=$(version "$python") || continue
    case " $seen " in *" $v "*) continue ;; esac
    seen="$seen $v"
    pythons="$pythons $python"
done
set -- $pythons
if test $# = 0; then
    skip_all='no Python 3.6 or later is installed'
    test_done
fi
python=$1

# run STATUS NAME OPTION...: output in NAME.out, NAME.err
run ()
{
    want=$1 name=$2
    shift 2
    test_expect_code "$want" async-workflow run --local --cpus 4 --dir "$name" "$@" "$name.json" \
        >"$name.out" 2>"$name.err" </dev/null || { cat "$name.out" "$name.err"; false; }
}

test_expect_success 'the module is Python 3.6' '
    "$python" - "$module" <<-\END
	import ast, sys
	text = open(sys.argv[1]).read()
	if sys.version_info >= (3, 8):
	    ast.parse(text, feature_version=(3, 6))
	assert not any(word in text for word in ("ctypes", "pickle"))
	END
'

test_expect_success 'the manual has all names of the module' '
    sed -n "/^__all__/,/\]/p" "$module" | grep -o "\"[A-Za-z_]*\"" | tr -d \" >names && test $(wc -l <names) -ge 15 &&
    while read -r name; do grep -qw "$name" "$top_srcdir/docs/man/asyncworkflow.3" || { echo "$name"; return 1; }; done <names
'

test_expect_success 'outside a workflow: one clear error' '
    PYTHONPATH=$top_srcdir/helpers/client test_expect_code 1 "$python" -c "import asyncworkflow as aw; aw.publish(\"t\", b\"\")" 2>err &&
    tail -n 1 err | grep "^asyncworkflow.NotInWorkflow: this process is not a task of a running workflow: ASYNC_WORKFLOW_SOCKET is not set\$"
'

for python in $pythons; do
    v=$(version "$python")
    test_expect_success "all functions, in Python $v" '
        cat >client.json <<-END &&
	{ "async-workflow": 1, "tasks": {
	    "client": { "command": ["$python", "$top_srcdir/tests/integration/python-client.py"] },
	    "server": { "command": ["$python", "-c", "import asyncworkflow as aw\nwhile True:\n  m = aw.receive(\"ask\")\n  aw.reply(m, m.data[:5] + b\"!\")"] },
	    "victim": { "command": ["sleep", "600"] },
	    "stopper": { "after": [{ "message": "stop", "every": 1 }], "count": 1, "script": "async-workflow cancel --release server" } } }
	END
        rm -rf client && run 0 client && cp client/logs/client.0.out tap && cat tap &&
        ! grep "^not ok" tap && test "$(grep -c "^ok" tap)" = "$(sed -n "s/^1\.\.//p" tap)" &&
        grep -q "\"event\":\"finish\",\"task\":\"last\[0\]\".*\"status\":\"completed\"" client/journal.jsonl &&
        grep -q "\"event\":\"cancel\",\"task\":\"victim\[0\]\",\"code\":1,\"count\":1" client/journal.jsonl
    '
done
set -- $pythons
python=$1

test_expect_success 'nobody is left who could send: Stuck, and the connection is usable' '
    cat >stuck.json <<-END &&
	{ "async-workflow": 1, "tasks": { "a": { "count": 2, "command": ["$python", "-c",
	    "import asyncworkflow as aw\ntry:\n  aw.receive(\"t\")\nexcept aw.Stuck as error:\n  print(error)\naw.publish(\"t\", \"x\")\nprint(aw.receive(\"t\", timeout=60).text)"] } } }
	END
    run 0 stuck && grep -q "^no message can come" stuck/logs/a.0.out stuck/logs/a.1.out && grep -qx x stuck/logs/a.0.out
'

directory=$top_builddir/helpers/client

# path VALUE OWN: PYTHONPATH of a task, and that it finds the module
path ()
{
    printf '{ "async-workflow": 1, "tasks": { "a": { %s "script": "echo \\"$PYTHONPATH\\"; %s -c \\"import asyncworkflow\\"" } } }\n' \
        "$2" "$python" >path.json
    rm -rf path
    if test "$1" = unset; then
        (unset PYTHONPATH; run 0 path)
    else
        PYTHONPATH=$1 run 0 path
    fi && cat path/logs/a.0.out
}

test_expect_success 'tasks find the module: last in PYTHONPATH, which has no empty element' '
    test "$(path unset)" = "$directory" && test "$(path "")" = "$directory" && test "$(path /a:/b)" = "/a:/b:$directory" &&
    test "$(path /a:)" = "/a:$directory" && test "$(path "/a:$directory:/b")" = "/a:$directory:/b" &&
    test "$(path /a "\"environment\": { \"PYTHONPATH\": \"/own\" },")" = "/own:$directory" &&
    test "$(path /a "\"environment\": { \"PYTHONPATH\": \"\" },")" = "$directory"
'

test_expect_success 'a module of the same name that the user has comes first' '
    mkdir mine && echo "print(\"mine\")" >mine/asyncworkflow.py &&
    test "$(path "$PWD/mine")" = "$PWD/mine:$directory
mine"
'

test_expect_success 'the example estimates pi, and stops when it is good enough' '
    cp -r "$top_srcdir/examples/python" example && chmod -R u+w example && mkdir -p bin && ln -sf "$(command -v "$python")" bin/python3 &&
    (cd example && PATH=$PWD/../bin:$PATH run 0 pi --cpus 5 --param error=0.005 && awk "{ exit !(\$1 > 3.1 && \$1 < 3.2 && \$2 < 0.005) }" pi.txt)
'

test_expect_success 'pkg-config tells where it is installed' '
    PKG_CONFIG_PATH=$directory pkg-config --variable=pythondir asyncworkflow >out &&
    grep "/share/slurm-async-workflow/python\$" out
'

test_done
