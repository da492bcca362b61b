/* SPDX-License-Identifier: Apache-2.0 */
/* store DIR TASKS NODES: makes the log store of a run of TASKS tasks, 1 KB of output each, on NODES
 * nodes, in DIR/logs.
 * print LINES RATE SIZE: writes LINES lines of SIZE bytes to standard output, each by a write of
 * its own, RATE a second (0: as fast as possible). Prints on standard error the lines a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/logs/log_writer.h"

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static int make_store (const char *dir, uint32_t tasks, uint32_t nodes)
{
    for (uint32_t n = 0; n < nodes; n++) {
        struct aw_log_attempt log;
        struct aw_log_writer *writer;
        struct aw_error err;
        char name[32];

        snprintf (name, sizeof (name), "n%u", n + 1);
        writer = aw_log_writer_create (dir, name, &err);
        if (!writer) {
            fprintf (stderr, "bench-logs: %s\n", err.text);
            return 1;
        }
        for (uint32_t i = n; i < tasks; i += nodes) {
            memset (&log, 0, sizeof (log));
            snprintf (name, sizeof (name), "t[%u]", i);
            aw_log_writer_begin (writer, &log, name, 0);
            memset (aw_log_writer_room (writer), 'a' + (int)(i % 26), 1024);
            aw_log_writer_put (writer, &log, AW_LOG_STDOUT, 1024);
            aw_log_writer_end (writer, &log);
            aw_log_writer_flush (writer);
            if (log.error) {
                fprintf (stderr, "bench-logs: %s: %s\n", dir, strerror (log.error));
                return 1;
            }
        }
        aw_log_writer_destroy (writer);
    }
    return 0;
}

static int print_lines (long lines, double rate, size_t size)
{
    double began = now ();
    char *line = malloc (size + 1);

    if (!line || size < 1)
        return 1;
    memset (line, 'x', size);
    line[size - 1] = '\n';
    for (long i = 0; i < lines; i++) {
        double wait = rate > 0 ? began + (double)i / rate - now () : 0;
        const struct timespec pause = { (time_t)wait, (long)((wait - (double)(long)wait) * 1e9) };

        if (wait > 0)
            nanosleep (&pause, NULL);
        if (write (STDOUT_FILENO, line, size) != (ssize_t)size)
            return 1;
    }
    fprintf (stderr, "%.0f\n", (double)lines / (now () - began));
    free (line);
    return 0;
}

int main (int argc, char **argv)
{
    if (argc == 5 && strcmp (argv[1], "store") == 0)
        return make_store (argv[2], (uint32_t)atol (argv[3]), (uint32_t)atol (argv[4]));
    if (argc == 5 && strcmp (argv[1], "print") == 0)
        return print_lines (atol (argv[2]), atof (argv[3]), (size_t)atol (argv[4]));
    fprintf (stderr, "Usage: %s store DIR TASKS NODES | print LINES RATE SIZE\n", argv[0]);
    return 2;
}
