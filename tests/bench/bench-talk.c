/* SPDX-License-Identifier: Apache-2.0 */
/* A task that measures messages: tests/bench/messages starts it in workflows. Clocks are compared
 * across processes, so all nodes must be on one machine.
 *
 *   bench-talk ping N           N messages, one a millisecond, with the time in each
 *   bench-talk pong N           receives them: quantiles of what each was under way
 *   bench-talk rtt N            N requests, one after the other; bench-talk serve N answers them
 *   bench-talk flood N [RATE]   N small messages, RATE a second (0: as fast as they are taken)
 *   bench-talk drain N          receives them: how many a second
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/async-workflow.h"

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void sleep_until (double t)
{
    struct timespec ts = { (time_t)t, (long)((t - (double)(time_t)t) * 1e9) };

    while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
        ;
}

static void die (const struct aw_connection *aw, const char *what)
{
    fprintf (stderr, "bench-talk: %s: %s\n", what, aw_error_text (aw));
    exit (EXIT_FAILURE);
}

static int compare (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void tell (const char *what, double *times, int n)
{
    qsort (times, (size_t)n, sizeof (*times), compare);
    printf ("%s: %d, median %.3f ms, 90%% %.3f ms, 99%% %.3f ms\n", what, n, 1e3 * times[n / 2],
            1e3 * times[n * 9 / 10], 1e3 * times[n * 99 / 100]);
}

static void ping (struct aw_connection *aw, int n)
{
    double start = now () + 0.2; /* the receiver waits by then */

    for (int i = 0; i < n; i++) {
        double t;

        sleep_until (start + 1e-3 * i);
        t = now ();
        if (aw_publish (aw, "ping", &t, sizeof (t), 0) < 0)
            die (aw, "ping");
    }
}

static void pong (struct aw_connection *aw, int n)
{
    double *times = calloc ((size_t)n, sizeof (*times)), sent;
    struct aw_message message;

    for (int i = 0; i < n; i++) {
        if (aw_receive (aw, "ping", NULL, 60, &message) < 0)
            die (aw, "pong");
        memcpy (&sent, message.data, sizeof (sent));
        times[i] = now () - sent;
    }
    tell ("one way", times, n);
    free (times);
}

static void rtt (struct aw_connection *aw, int n)
{
    double *times = calloc ((size_t)n, sizeof (*times));
    struct aw_message answer;

    for (int i = 0; i < n; i++) {
        double t = now ();

        if (aw_request (aw, "ask", "?", 1, 60, &answer) < 0)
            die (aw, "rtt");
        times[i] = now () - t;
    }
    tell ("request and answer", times, n);
    free (times);
}

static void serve (struct aw_connection *aw, int n)
{
    struct aw_message message;

    for (int i = 0; i < n; i++)
        if (aw_receive (aw, "ask", "servers", 60, &message) < 0
            || aw_reply (aw, &message, "!", 1) < 0)
            die (aw, "serve");
}

static void flood (struct aw_connection *aw, int n, double rate)
{
    double start = now (), seconds;

    for (int i = 0; i < n; i++) {
        if (rate > 0 && i % 20 == 0)
            sleep_until (start + i / rate);
        if (aw_publish (aw, "flood", "0123456789abcdef", 16, 0) < 0)
            die (aw, "flood");
    }
    if (aw_flush (aw, 600) < 0)
        die (aw, "flood");
    seconds = now () - start;
    printf ("sent: %d in %.3f s, %.0f a second\n", n, seconds, n / seconds);
}

static void drain (struct aw_connection *aw, int n)
{
    struct aw_message message;
    double start = 0, seconds;

    for (int i = 0; i < n; i++) {
        if (aw_receive (aw, "flood", NULL, 60, &message) < 0)
            die (aw, "drain");
        if (i == 0)
            start = now ();
    }
    seconds = now () - start;
    printf ("received: %d in %.3f s, %.0f a second\n", n, seconds, n / seconds);
}

int main (int argc, char **argv)
{
    struct aw_connection *aw = aw_open ();
    int n = argc > 2 ? atoi (argv[2]) : 0;

    if (!aw)
        die (NULL, "aw_open");
    if (n < 1) {
        fprintf (stderr, "bench-talk: what, and how many?\n");
        return EXIT_FAILURE;
    }
    if (strcmp (argv[1], "ping") == 0)
        ping (aw, n);
    else if (strcmp (argv[1], "pong") == 0)
        pong (aw, n);
    else if (strcmp (argv[1], "rtt") == 0)
        rtt (aw, n);
    else if (strcmp (argv[1], "serve") == 0)
        serve (aw, n);
    else if (strcmp (argv[1], "flood") == 0)
        flood (aw, n, argc > 3 ? atof (argv[3]) : 0);
    else if (strcmp (argv[1], "drain") == 0)
        drain (aw, n);
    aw_close (aw);
    return EXIT_SUCCESS;
}
