/* SPDX-License-Identifier: Apache-2.0 */
/* submit N: submits N tasks that wait for one that does not end, asks for the states of all, calls
 * squeue, and cancels the one. Prints the microseconds of one submission, and the seconds of the
 * question and of squeue.
 */
#include <async-workflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static unsigned long long submit (struct aw_connection *aw, const char *task)
{
    unsigned long long id;

    if (aw_submit (aw, task, strlen (task), NULL, -1, &id) < 0) {
        fprintf (stderr, "%s\n", aw_error_text (aw));
        exit (3);
    }
    return id;
}

int main (int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul (argv[1], NULL, 10) : 1000;
    struct aw_connection *aw = aw_open ();
    unsigned long long *ids = calloc (n + 1, sizeof (*ids)), first;
    char *states = malloc (n + 1), text[256];
    double start, submitted, asked, listed;

    if (!aw || !ids || !states)
        return 3;
    first = submit (aw, "{\"command\":[\"sleep\",\"1000\"]}");
    snprintf (
        text, sizeof (text),
        "{\"name\":\"job\",\"command\":[\"./job.sh\",\"some\",\"words\"],\"after_ok\":[%llu]}",
        first);
    start = now ();
    for (size_t i = 0; i < n; i++)
        ids[i] = submit (aw, text);
    submitted = now ();
    if (aw_states (aw, ids, n, states) < 0 || memchr (states, AW_FAILED, n))
        return 3;
    asked = now ();
    if (system ("squeue -h -o '%i %t' >squeue.txt") != 0)
        return 3;
    listed = now ();
    printf ("%.1f %.4f %.4f\n", 1e6 * (submitted - start) / (double)n, asked - submitted,
            listed - asked);
    snprintf (text, sizeof (text), "%llu", first);
    if (aw_cancel (aw, text, 0, -1) < 0)
        return 3;
    aw_close (aw);
    return 0;
}
