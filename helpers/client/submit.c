/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that a task submits, and what becomes of them. */
#include "client/async-workflow.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/packets.h"

/* Ids in one question: with 20 digits and a blank each they fit into a packet. */
enum { IDS_AT_ONCE = 3000, ID_SIZE = 21 };

extern char **environ;

/*
 * Submitting
 */

/* TASK, DIRECTORY and ENVIRONMENT, each with its NUL. The caller frees it; NULL with ENOMEM. */
static char *put_together (
    const char *task, size_t size, const char *directory, char *const *environment, size_t *all)
{
    size_t n = size + 1 + strlen (directory) + 1;
    char *text, *to;

    for (size_t i = 0; environment[i]; i++)
        n += strlen (environment[i]) + 1;
    text = malloc (n);
    if (!text)
        return NULL;
    memcpy (text, task, size);
    text[size] = '\0';
    to = stpcpy (text + size + 1, directory) + 1;
    for (size_t i = 0; environment[i]; i++)
        to = stpcpy (to, environment[i]) + 1;
    *all = n;
    return text;
}

static int send_task (struct aw_connection *aw,
                      const struct aw_packet *packet,
                      const char *task,
                      size_t size,
                      char *const *environment)
{
    char *directory = getcwd (NULL, 0), *text;
    size_t all = 0;
    int rc;

    if (!directory)
        return aw_client_fail (aw, errno, "the working directory: %s", strerror (errno));
    text = put_together (task, size, directory, environment, &all);
    free (directory);
    if (!text)
        return aw_client_fail (aw, ENOMEM, "out of memory");
    rc = all > AW_ADD_MAX ? aw_client_fail (aw, EMSGSIZE,
                                            "%zu bytes: a submission has at most %d, with its "
                                            "environment",
                                            all, AW_ADD_MAX)
                          : aw_client_send_parts (aw, packet, text, all);
    free (text);
    return rc;
}

int aw_submit (struct aw_connection *aw,
               const char *task,
               size_t size,
               char *const *environment,
               double timeout,
               unsigned long long *id)
{
    const struct aw_packet packet = { .kind = AW_PACKET_SUBMIT, .number = ++aw->last_number };
    char *const empty[] = { NULL };
    struct aw_packet answer;
    struct queued *item;

    if (memchr (task, '\0', size))
        return aw_client_fail (aw, EINVAL, "the task has a NUL byte");
    if (!environment)
        environment = environ ? environ : empty;
    if (send_task (aw, &packet, task, size, environment) < 0)
        return -1;
    item = aw_client_wait_answer (aw, packet.number, timeout, &answer);
    if (!item)
        return -1;
    *id = answer.seq;
    free (item);
    return 0;
}

/*
 * What becomes of them
 */

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* Asks about at most IDS_AT_ONCE tasks, and fills STATES. 0, or -1 with errno and text. */
static int ask (struct aw_connection *aw,
                enum aw_packet_kind kind,
                const unsigned long long *ids,
                size_t n,
                double timeout,
                char *states)
{
    struct aw_packet packet = { .kind = kind, .number = ++aw->last_number }, answer;
    char *text = malloc (n * ID_SIZE + 1);
    struct queued *item = NULL;
    size_t size = 0;

    if (!text)
        return aw_client_fail (aw, ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        size += (size_t)snprintf (text + size, ID_SIZE + 1, "%llu ", ids[i]);
    packet.data = (struct aw_piece){ text, size };
    if (aw_client_send_packet (aw, &packet, 0) == 0)
        item = aw_client_wait_answer (aw, packet.number, timeout, &answer);
    free (text);
    if (!item && errno == ETIMEDOUT) {
        packet.data = (struct aw_piece){ NULL, 0 };
        aw_client_send_packet (aw, &packet, 0); /* nobody waits any more */
        return aw_client_fail (aw, ETIMEDOUT, "timed out");
    }
    if (!item)
        return -1;
    if (answer.data.size != n) {
        free (item);
        return aw_client_fail (aw, EPROTO, "the pool's answer is about other tasks");
    }
    memcpy (states, answer.data.text, n);
    free (item);
    return 0;
}

static int ask_all (struct aw_connection *aw,
                    enum aw_packet_kind kind,
                    const unsigned long long *ids,
                    size_t n,
                    double timeout,
                    char *states)
{
    double end = now () + timeout;

    for (size_t i = 0, part; i < n; i += part) {
        double left = timeout < 0 ? -1 : end - now () > 0 ? end - now () : 0;

        part = n - i < IDS_AT_ONCE ? n - i : IDS_AT_ONCE;
        if (ask (aw, kind, ids + i, part, left, states + i) < 0)
            return -1;
    }
    return 0;
}

int aw_wait (
    struct aw_connection *aw, const unsigned long long *ids, size_t n, double timeout, char *states)
{
    char *own = states ? NULL : calloc (n + 1, 1);
    int failed = 0, rc;

    if (!states && !own)
        return aw_client_fail (aw, ENOMEM, "out of memory");
    if (!states)
        states = own;
    rc = ask_all (aw, AW_PACKET_AWAIT, ids, n, timeout, states);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (states[i] != AW_SUCCESS && failed < INT_MAX)
            failed++;
    free (own);
    return rc < 0 ? -1 : failed;
}

int aw_states (struct aw_connection *aw, const unsigned long long *ids, size_t n, char *states)
{
    return ask_all (aw, AW_PACKET_STATES, ids, n, -1, states);
}
