#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='Real servers as services: Redis, PostgreSQL, nginx, an MPI program'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

# PostgreSQL does not run as root.
PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1):/usr/sbin
dir=$(mktemp -d /tmp/aw-servers.XXXXXX) && chmod 755 "$dir" || exit 1
at_exit_also="rm -rf $dir"
as_user=
if test "$(id -u)" = 0 && setpriv --reuid=65534 --regid=65534 --clear-groups async-workflow --version >/dev/null 2>&1; then
    as_user="setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=$dir"
    chown 65534:65534 "$dir"
fi
$as_user test "$($as_user id -u)" != 0 && test_set_prereq USER

# needs NAME PROGRAM...: NAME is a prerequisite, if all programs are installed
needs ()
{
    prerequisite=$1
    shift
    for program; do
        command -v "$program" >/dev/null || { echo "# $program is not installed"; return; }
    done
    test_set_prereq "$prerequisite"
}

needs REDIS redis-server redis-cli
needs POSTGRES initdb postgres psql
needs NGINX nginx python3
needs MPI mpicc.mpich mpiexec.mpich python3

# serves NAME EXPECTED: "sh NAME.serve PORT SCRATCH" is the service, "sh NAME.use HOST PORT" prints what is expected
serves ()
{
    cat >$dir/$1.json <<-END &&
	{ "async-workflow": 1, "tasks": {
	    "$1": { "service": { "ready": { "port": 0, "timeout": "2m" } }, "command": ["sh", "$1.serve", "{port}", "{scratch}"] },
	    "use": { "after": ["$1"], "stdout": "$1.got",
	             "script": "sh $1.use \$ASYNC_WORKFLOW_SERVICE_$2_HOST \$ASYNC_WORKFLOW_SERVICE_$2_PORT" } } }
	END
    (cd $dir && timeout 120 $as_user async-workflow run --local --cpus 2 --scratch $dir --progress none --dir $1 $1.json >$1.out 2>&1 </dev/null) ||
        { cat $dir/$1.out $dir/$1/logs/*; return 1; }
    echo "$3" >expected && test_cmp expected $dir/$1.got && wait_for 30 "! pgrep -f $dir"
}

test_expect_success REDIS 'Redis: with a password' '
    cat >$dir/redis.serve <<-\END &&
	exec redis-server --port $1 --requirepass secret --save "" --appendonly no
	END
    cat >$dir/redis.use <<-\END &&
	export REDISCLI_AUTH=secret
	redis-cli -h $1 -p $2 set x 7 >/dev/null && redis-cli -h $1 -p $2 incr x
	END
    serves redis REDIS 8
'

test_expect_success POSTGRES,USER 'PostgreSQL: a database in the scratch directory of the node' '
    cat >$dir/postgres.serve <<-\END &&
	test -e $2/db || { echo secret >$2/password && initdb -D $2/db -U me -A scram-sha-256 --pwfile=$2/password >/dev/null &&
	    echo "host all all samenet scram-sha-256" >>$2/db/pg_hba.conf; } || exit 1
	exec postgres -D $2/db -p $1 -k $2
	END
    cat >$dir/postgres.use <<-\END &&
	export PGHOST=$1 PGPORT=$2 PGUSER=me PGPASSWORD=secret PGDATABASE=postgres
	for n in $(seq 300); do psql -qc "select 1" >/dev/null 2>&1 && break; sleep 0.1; done
	psql -qAtc "create table t (n int); insert into t select generate_series (1, 100); select sum (n) from t"
	END
    serves postgres POSTGRES 5050
'

test_expect_success NGINX 'nginx' '
    cat >$dir/nginx.conf <<-\END &&
	daemon off; pid nginx.pid; error_log stderr;
	events { }
	http { access_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	       server { listen PORT; location / { return 200 "hello"; } } }
	END
    cat >$dir/nginx.serve <<-\END &&
	sed "s/PORT/$1/" nginx.conf >$2/nginx.conf && exec nginx -p $2 -c nginx.conf
	END
    echo "python3 -c \"import urllib.request; print (urllib.request.urlopen (\\\"http://\$1:\$2/\\\").read ().decode ())\"" >$dir/nginx.use &&
    serves nginx NGINX hello
'

test_expect_success MPI 'an MPI program, whose first rank answers' '
    cat >server.c <<-\END &&
	#include <arpa/inet.h>
	#include <mpi.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <unistd.h>
	int main (int argc, char **argv)
	{
	    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons (atoi (argv[1])) };
	    int rank, sum, one = 1, fd = -1;
	    MPI_Init (&argc, &argv);
	    MPI_Comm_rank (MPI_COMM_WORLD, &rank);
	    if (rank == 0) {
	        fd = socket (AF_INET, SOCK_STREAM, 0);
	        setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof (one));
	        if (bind (fd, (struct sockaddr *)&at, sizeof (at)) < 0 || listen (fd, 9) < 0)
	            MPI_Abort (MPI_COMM_WORLD, 1);
	    }
	    for (;;) {
	        int client = rank == 0 ? accept (fd, NULL, NULL) : -1, part = rank + 1;
	        MPI_Barrier (MPI_COMM_WORLD);
	        MPI_Reduce (&part, &sum, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
	        if (rank == 0)
	            close (client + 0 * dprintf (client, "%d of ranks", sum));
	    }
	}
	END
    mpicc.mpich -o $dir/server server.c && chmod 755 $dir/server &&
    echo "exec mpiexec.mpich -launcher fork -n 2 ./server \$1" >$dir/mpi.serve &&
    echo "python3 -c \"import socket; print (socket.create_connection ((\\\"\$1\\\", \$2)).recv (99).decode ())\"" >$dir/mpi.use &&
    serves mpi MPI "3 of ranks"
'

test_done
