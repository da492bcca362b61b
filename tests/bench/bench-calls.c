/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/bench/calls runs:
 *
 *   bench-calls worker       a worker that does nothing
 *   bench-calls relay N      N lines, one after the other, through the hops of a call and back, by
 *                            processes that do nothing else: TCP to a relay, from there a socket
 *                            pair to a worker. Prints the median round trip in microseconds.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/async-workflow.h"

enum { LINE = 160 }; /* bytes, as a call has about */

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void check (int good, const char *what)
{
    if (good)
        return;
    perror (what);
    exit (EXIT_FAILURE);
}

static int work (void)
{
    struct aw_call call;
    int rc;

    while ((rc = aw_worker_next (&call)) > 0)
        check (aw_worker_done (0, NULL, NULL) == 0, "aw_worker_done");
    return rc == 0 ? 0 : 1;
}

/* Moves a line from one socket to another. 0: there is none any more. */
static int pass (int from, int to)
{
    char line[LINE];
    size_t n = 0;

    while (n < LINE) {
        ssize_t more = read (from, line + n, LINE - n);

        if (more <= 0)
            return 0;
        n += (size_t)more;
    }
    return write (to, line, LINE) == LINE;
}

static void relay (int tcp)
{
    int pair[2];

    check (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    if (fork () == 0) {
        close (pair[0]);
        while (pass (pair[1], pair[1]))
            ;
        _exit (0);
    }
    close (pair[1]);
    while (pass (tcp, pair[0]) && pass (pair[0], tcp))
        ;
    _exit (0);
}

static int connect_relay (void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof (address);
    int listener = socket (AF_INET, SOCK_STREAM, 0), fd, on = 1;

    check (bind (listener, (struct sockaddr *)&address, size) == 0 && listen (listener, 1) == 0
               && getsockname (listener, (struct sockaddr *)&address, &size) == 0,
           "listen");
    if (fork () == 0) {
        fd = accept (listener, NULL, NULL);
        close (listener);
        setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof (on));
        relay (fd);
    }
    fd = socket (AF_INET, SOCK_STREAM, 0);
    check (connect (fd, (struct sockaddr *)&address, size) == 0, "connect");
    close (listener);
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof (on));
    return fd;
}

static int compare (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int measure (size_t n)
{
    double *times = calloc (n, sizeof (*times));
    int fd = connect_relay ();
    char line[LINE] = "{";

    check (times != NULL, "calloc");
    for (size_t i = 0; i < n; i++) {
        size_t got = 0;

        times[i] = now ();
        check (write (fd, line, LINE) == LINE, "write");
        while (got < LINE) {
            ssize_t more = read (fd, line + got, LINE - got);

            check (more > 0, "read");
            got += (size_t)more;
        }
        times[i] = now () - times[i];
    }
    qsort (times, n, sizeof (*times), compare);
    printf ("%.1f\n", 1e6 * times[n / 2]);
    free (times);
    close (fd);
    while (wait (NULL) > 0)
        ;
    return 0;
}

int main (int argc, char **argv)
{
    if (argc == 2 && strcmp (argv[1], "worker") == 0)
        return work ();
    if (argc == 3 && strcmp (argv[1], "relay") == 0 && atoi (argv[2]) > 0)
        return measure ((size_t)atoi (argv[2]));
    fprintf (stderr, "usage: bench-calls worker | relay N\n");
    return 2;
}
