# SPDX-License-Identifier: Apache-2.0
#
# Sourced by scripts that build and test in root directories of Debian releases: tests/slurm/matrix and
# tests/platforms.  As root.
#
# A root is made with debootstrap and kept.  What happens in a root happens in namespaces of its own
# (mounts, processes, network), which end with their first process: however a run ends, nothing
# stays mounted and no process is left.
#
# The script sets $prog, $top (the source tree), $mirror, $refresh ("" or not), $jobs (of make),
# $part (build: no tests are run; test: nothing is built, the tests are those of the last build; "": both)
# and, before it makes or uses a root, $root (its directory).

child=''

bad ()
{
    echo "$prog: $*" >&2
    exit 2
}

# In a root: an address other than 127.0.0.1, which getaddrinfo's AI_ADDRCONFIG, and so Slurm, looks for, and on another
# interface than lo: Open MPI, and with it Makeflow, takes no other.
network_commands='ip link set lo up && ip link add net0 type veth peer name net1 && ip link set net0 up &&
    ip link set net1 up && ip address add 192.0.2.1/32 dev net0 || exit 1'

# The first process of the namespaces.  It does not exec: it must reap every process that loses its
# parent.  What is ignored here (nohup) is not ignored in there.
enter_commands='
    root=$1
    shift
    mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev" &&
        hostname matrix && cd / || exit 1
    env -i --default-signal HOME=/root CCACHE_DIR=/root/.cache/ccache CCACHE_NOHASHDIR=1 \
        PATH=/usr/lib/ccache:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" ${http_proxy:+http_proxy="$http_proxy"} \
        chroot "$root" "$@"
    exit $?'

# in_root NETWORK COMMAND...: in namespaces of their own.  NETWORK is "own", or "host" for apt.
in_root ()
{
    net=
    test "$1" = own && net=--net
    shift
    # In a session of its own: Ctrl-C is for the calling script, and end() ends all of it.
    setsid unshare --mount --pid --fork --kill-child=KILL --uts --ipc $net \
        sh -c "$enter_commands" sh "$root" "$@" </dev/null 8>&- 9>&- &
    child=$!
    wait $child
    status=$?
    child=
    return $status
}

# shell_in_root DIRECTORY: a shell there, for a person to look around
shell_in_root ()
{
    unshare --mount --pid --fork --kill-child=KILL --uts --ipc --net \
        sh -c "$enter_commands" sh "$root" sh -c "$network_commands; cd $1; exec bash"
}

end ()
{
    trap - EXIT HUP INT TERM
    if test -n "$child"; then
        kill -KILL "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    fi
    exit "$1"
}

# need_tools: what the functions here call
need_tools ()
{
    test "$(id -u)" = 0 || bad "must be run as root: sudo $0"
    for tool in debootstrap unshare flock git tar; do
        command -v $tool >/dev/null ||
            bad "$tool: not found: apt-get install debootstrap util-linux git tar"
    done
    git -C "$top" -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1 ||
        bad "$top: not a git tree: only its files are built"
}

# lock_root DIRECTORY: nobody else uses this root while this script (or subshell) runs.
lock_root ()
{
    exec 9>"$1.lock"
    flock -n 9 || bad "$1: another run is using it"
}

# make_bare RELEASE [PACKAGES [ARCHITECTURE]]: the release's smallest system and these PACKAGES (with
# commas), again
make_bare ()
{
    rm -rf --one-file-system "$root" &&
        debootstrap --variant=minbase ${2:+--include="$2"} ${3:+--arch="$3"} "$1" "$root" "$mirror" ||
        return 1
    # Nothing starts by itself in there, a mirror that stands still will do, and dpkg waits for no disk.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" &&
        chmod 755 "$root/usr/sbin/policy-rc.d" &&
        echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/matrix" &&
        echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/matrix" &&
        cat /etc/resolv.conf >"$root/etc/resolv.conf" &&
        printf '127.0.0.1 localhost\n192.0.2.1 matrix\n' >"$root/etc/hosts" &&
        mkdir -p "$root/work"
}

# from_here TEXT: for the log: what it means if a run ends here, for reason()
from_here ()
{
    echo "=== if it ends here: $*"
}

# keep_root RECIPE COMMAND...: makes the root by COMMAND unless it is there and RECIPE (a text) is
# what it was made from.
keep_root ()
{
    recipe=$1
    shift
    from_here "its root cannot be made"
    test -z "$refresh" && test -e "$root/recipe" && echo "$recipe" | cmp -s - "$root/recipe" && return 0
    "$@" && rm -f "$root"/var/cache/apt/archives/*.deb && echo "$recipe" >"$root/recipe"
}

# What a root for building has in addition to build-aux/install-deps.
build_extras='build-essential ccache debhelper lintian'

# installed TEXT COMMAND...: runs COMMAND unless it has been run in this root, with this TEXT.
installed ()
{
    text=$1
    shift
    from_here "its packages cannot be installed"
    test -e "$root/work/installed" && echo "$text" | cmp -s - "$root/work/installed" && return 0
    rm -f "$root/work/installed"
    "$@" && rm -f "$root"/var/cache/apt/archives/*.deb && echo "$text" >"$root/work/installed"
}

# Called by build_root.
install_build_packages ()
{
    cp "$top/build-aux/install-deps" "$root/work/install-deps" &&
        in_root host sh -c 'sh /work/install-deps --tests &&
            DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"' \
            sh $build_extras
}

# build_root RELEASE: the root has what building and testing need.
build_root ()
{
    keep_root "$mirror $1 iproute2" make_bare "$1" iproute2 &&
        installed "$build_extras
$(cat "$top/build-aux/install-deps")" install_build_packages
}

# copy_tree: the working tree to /work/src of the root, as it is, without what git ignores.
copy_tree ()
{
    rm -rf "$root/work/src" "$root/work/build" "$root"/tmp/* && mkdir "$root/work/src" &&
        (cd "$top" && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
            tar --create --null --files-from=- --ignore-failed-read) |
        tar --extract --no-same-owner --directory "$root/work/src"
}

# For the root's own shell.  $1: the jobs of make; $2: its target, "" for all; rest: options of configure.
build_commands='
    cd /work/src && ./bootstrap && mkdir /work/build && cd /work/build || exit 1
    jobs=$1 target=$2
    shift 2
    ../src/configure --quiet "$@" && make "$jobs" $target'

# build TARGET [OPTION]...: copies the tree, configures it in /work/build, and makes TARGET
build ()
{
    target=$1
    test "$part" != test || return 0
    from_here "does not build"
    copy_tree || return 1
    shift
    in_root host sh -c "$build_commands" sh "-j$jobs" "$target" "$@"
}

# $1: the tests' names, as the Makefile has them: unit/t-x and integration/t0000-x.t; $2: the jobs
# of make; $3: the user who runs them, "" for root; rest: variables of make.  Of the tests' programs
# only those are built that are used.
test_commands="
    $network_commands
"'
    cd /work/build/tests || exit 1
    user=$3
    all=$(make -s --eval "programs: ; @echo \$(check_PROGRAMS) \$(UNIT_TESTS)" programs)
    programs=$(echo "$all" | tr " " "\n" | grep -v ^unit/)
    # Without BLAS, for instance, some tests are not built.
    for name in $1; do
        case "$name: $all " in
        unit/*:*" $name "*) unit="$unit $name" ;;
        integration/*) integration="$integration $name" ;;
        esac
    done
    jobs=$2
    shift 3
    set -- "$jobs" UNIT_TESTS="$unit" INTEGRATION_TESTS="$integration" \
        check_PROGRAMS="$(echo $programs)" "$@"
    make -k "$@" check PROVE=true || exit 1
    echo "=== if it ends here: the tests come to no end"
    test -n "$user" || exec make "$@" -s check PROVE_FLAGS=-v
    id -u $user >/dev/null 2>&1 || useradd --create-home $user || exit 1
    chown -R $user /work/build
    HOME=/home/$user exec setpriv --reuid=$user --regid=$user --init-groups \
        make "$@" -s check PROVE_FLAGS=-v'

# check TESTS USER [VARIABLE=VALUE]...: builds and runs these tests in the root
check ()
{
    tests=$1 user=$2
    shift 2
    test "$part" != build || return 0
    from_here "programs of the tests do not build"
    rm -rf "$root"/tmp/* # what an interrupted run has left: make's files have process numbers, which come again
    in_root own sh -c "$test_commands" sh "$tests" "-j$jobs" "$user" "$@"
}

# choose_tests [GLOB]...: the names, in spaces, of the root's tests that match; without GLOB of all
# integration tests
choose_tests ()
(
    cd "$root/work/src/tests" || return 1
    set -f
    patterns=$*
    set +f
    for name in unit/t-*.c integration/t*.t; do
        name=${name%.c}
        chosen=
        test -n "$patterns" || case $name in integration/*) chosen=x ;; esac
        set -f
        for glob in $patterns; do
            case ${name##*/} in $glob | ${glob}.t) chosen=x ;; esac
        done
        set +f
        test -n "$chosen" && printf '%s ' "$name"
    done
    return 0
)

# counts LOG: "N files, M tests (K skipped)" of the last run of prove in it; nothing if it came to no end.
counts ()
{
    count=$(sed -n 's/^Files=\([0-9]*\), Tests=\([0-9]*\),.*/\1 files, \2 tests/p' "$1" | tail -n 1)
    skipped=$(grep -ciE '^ok .*# skip|\.t \.+ skipped: ' "$1")
    test -n "$count" && test "$skipped" -gt 0 && count="$count ($skipped skipped)"
    echo "$count"
}

# failures LOG: the names of the files of tests that failed, in spaces.
failures ()
{
    sed -n 's/^\([^ ]*\) *(Wstat: [1-9].*\|^\([^ ]*\) *(Wstat.*Failed: [1-9].*/\1\2/p' "$1" |
        sed 's|.*/||' | sort -u | tr '\n' ' '
}

# reason LOG: why a run failed: the files of tests that failed, or how far it came and what make could not make
reason ()
{
    names=$(failures "$1")
    test -z "$names" || { echo "${names% }"; return; }
    awk '
        sub (/^=== if it ends here: /, "") { text = $0; files = "" }
        /^make.*: \*\*\* \[.*\] Error [0-9]+$/ {
            sub (/\] Error [0-9]+$/, "")
            if ($NF !~ /^(all|check|deb)(-[a-z]+)?$/)
                files = files " " $NF
        }
        END { print text (files == "" ? "" : ":" files) }' "$1"
}
