#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what workflow tools call of Slurm: they read the same out of the answers of Slurm and of the commands in a pool

The calls are in client-calls.sh. All tools run at the same time, with Slurm and in the pool.'

. "$(dirname "$0")/lib.sh"

# sharness has a blank in the name of its directory, which #SBATCH lines would have to quote.
dir=$(mktemp -d /tmp/aw-calls.XXXXXX) || exit 1
at_exit_also="rm -rf $dir"
cd "$dir" || exit 1
cluster_start --nodes 2 --cores 8 --gpus 0 --conf 'FirstJobId=70001'

PATH=$top_builddir/helpers:$PATH
USER=$(id -un) QUEUE=main
export PATH USER QUEUE

cat >side.sh <<'END'
# side.sh SIDE FILE: all tools of FILE; what each reads goes to SIDE/TOOL.read
. "$2"
side=$1
sacct -n >/dev/null 2>&1 && accounting=1

script ()
{
    file=$1 body=$2
    shift 2
    { echo "#!/bin/bash"; for option; do echo "#SBATCH $option"; done; echo "$body"; } >"$file"
}

id_of () { sed -n "s/^$1 //p" "$base/ids"; }

# Names in place of ids.
named () { sed "$(sed 's|\(.*\) \(.*\)|s/\2/\1/g|' "$base/ids")"; }

submit ()
{
    name=$1 reader=$2
    shift 2
    id=$("$@" 2>>"$base/errors" | sed -n -E "$reader")
    echo "$name $id" >>"$base/ids"
    case ${id:-x} in
    *[!0-9]*) echo "$name: no id: $id"; exit 1 ;;
    esac
    echo "$name is submitted"
}

reads ()
{
    reader=$1
    shift
    answer=$("$@" 2>>"$base/errors")
    status=$?
    test -z "$answer" || printf '%s\n' "$answer" | sed -n -E "$reader" | named
    echo "exit $status"
}

awaits ()
{
    wanted=$1
    shift
    until reads "$@" | grep -qxF -e "$wanted"; do
        test $(date +%s) -lt $deadline || { echo "$side: never: $wanted: $(reads "$@")"; exit 1; }
        sleep 0.2
    done
    echo "$wanted"
}

accounts ()
{
    answer=$1
    shift
    if test "$side" = pool -o -n "$accounting"; then
        reads "$@" | sort
    else
        { printf '%s\n' "$answer" | sed -n -E "$1"; echo "exit 0"; } | sort
    fi
}

deadline=$(($(date +%s) + 120))
for tool in $tools; do
    base=$PWD/$side/$tool
    mkdir -p "$base" && : >"$base/ids" && (cd "$base" && $tool) >"$side/$tool.read" 2>&1 &
done
wait
END

printf '{ "async-workflow": 1, "tasks": { "tools": { "command": ["sh", "side.sh", "pool", "%s"], "slurm_commands": true } } }\n' \
    "$top_srcdir/tests/integration/client-calls.sh" >w.json

sh side.sh real "$top_srcdir/tests/integration/client-calls.sh" &
async-workflow run --local --cpus 16 --progress none --dir run w.json >out 2>err </dev/null || cat err run/logs/*
wait

for tool in $(. "$top_srcdir/tests/integration/client-calls.sh" && echo $tools); do
    test_expect_success "$tool" "
        test_must_fail grep -e 'never: ' -e 'no id: ' -e 'not found' real/$tool.read pool/$tool.read &&
        test_cmp real/$tool.read pool/$tool.read || { head -n 20 real/$tool/errors pool/$tool/errors >&4; false; }
    "
done

test_expect_success 'nothing is left' '
    wait_for 60 "test -z \"\$(squeue --noheader)\"" && no_process_left
'

test_done
