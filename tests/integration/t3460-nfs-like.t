#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='nfs-like, a file system for tests: it has the surprises of NFS'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/nfs-like/nodes.sh"

nfs_needs
NFS_OPTIONS='cache=3600 delay=3600'
export NFS_OPTIONS
node_start login1 && node_start login2 || error "no nodes"

# here CLIENT TEXT: a shell on this client
here () { on "$1" sh -c "$2"; }
# holds CLIENT BEGIN END: a shell there runs BEGIN, waits for release, and runs END.  It has no child
# meanwhile: each end of a child closes what it inherited, and a close sends what was written.
mkfifo "$NFS_DIR/fifo"
holds ()
{
    rm -f "$NFS_DIR/held"
    here "$1" "$2; : 9>$NFS_DIR/held; read -r line <$NFS_DIR/fifo; $3" &
    wait_for 60 "test -e $NFS_DIR/held"
}
release () { echo >"$NFS_DIR/fifo" && wait $!; }

test_expect_success 'a file that is closed is seen by who opens it then' '
    here login1 "echo one >f" && test "$(here login2 "cat f")" = one &&
    here login1 "echo two, longer >f" && test "$(here login2 "cat f")" = "two, longer"
'

test_expect_success 'who only asks for attributes gets old ones' '
    here login2 "stat -c %s f >/dev/null" && here login1 "echo x >f" &&
    test "$(here login2 "stat -c %s f")" = 12 && here login2 "cat f >/dev/null" &&
    test "$(here login2 "stat -c %s f")" = 2
'

test_expect_success 'a name that was not there is not there for a while' '
    here login2 "test ! -e new" && here login1 "echo >new" && here login2 "test ! -e new" &&
    here login2 "ls" | grep -qx new
'

test_expect_success 'what is written is on the server with fsync or close' '
    holds login1 "exec >slow; echo line; test -s slow || exit 1" : &&
    test -e "$NFS_SERVER/slow" && test ! -s "$NFS_SERVER/slow" &&
    release && test "$(cat "$NFS_SERVER/slow")" = line &&
    holds login1 "exec >slow; echo line; sync slow" : && test -s "$NFS_SERVER/slow" && release
'

test_expect_success 'two clients that append write over each other' '
    here login1 "printf 12 >both" && holds login1 "exec >>both; printf AAAA" : &&
    here login2 "printf B >>both" && release && test "$(cat "$NFS_SERVER/both")" = 12AAAA
'

test_expect_success 'a file that another client removes is stale' '
    here login1 "echo >gone" &&
    holds login2 "exec 5<gone" "cat <&5 2>$NFS_SERVER/error" && here login1 "rm gone" &&
    test_expect_code 1 release && grep -q "Stale file handle" "$NFS_SERVER/error"
'

test_expect_success 'a file that its own client removes stays under another name until it is closed' '
    here login1 "echo text >mine" &&
    holds login1 "exec 5<mine; rm mine" "cat <&5 >$NFS_SERVER/read" &&
    test -e "$NFS_SERVER"/.nfs* && release && test "$(cat "$NFS_SERVER/read")" = text &&
    wait_for 60 "! test -e $NFS_SERVER/.nfs*"
'

# locks OPTION WORD: login1 has the lock; what the others get
locks ()
{
    NFS_OPTIONS="flock=$1"
    node_stop login1
    node_stop login2
    node_start login1 && node_start login2 &&
        holds login1 "exec 5>lock; flock -n 5" "exec 5>&-" &&
        { here login2 "flock -n lock true 2>&1" >answer; echo $? >>answer; } &&
        { here login1 "flock -n lock true 2>&1" >own; echo $? >>own; } && release
}

test_expect_success 'flock between all clients' '
    locks all && test "$(cat answer own | tr "\n" " ")" = "1 1 "
'

test_expect_success 'flock within a client' '
    locks client && test "$(cat answer own | tr "\n" " ")" = "0 1 "
'

test_expect_success 'no flock' '
    NFS_OPTIONS=flock=none && node_stop login1 && node_start login1 &&
    test_must_fail here login1 "flock -n lock true" 2>error && grep -q "No locks available" error
'

test_expect_success 'a server that is away: all is stale, then as before' '
    node_stop login1 && NFS_OPTIONS="stale=2" && node_start login1 && here login1 "echo >f" &&
    kill -USR1 $(nfs_process login1) && test_must_fail here login1 "cat f" 2>error &&
    wait_for 60 "here login1 \"cat f\""
'

test_done
