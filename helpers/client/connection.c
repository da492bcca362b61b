/* SPDX-License-Identifier: Apache-2.0 */
/* The library of tasks: opening and closing, and all that tasks send. */
#include "client/async-workflow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/packets.h"
#include "client/receive.h"

static const double OPEN_SECONDS = 30;

/*
 * Opening
 */

/* "17.0", as the agent has it in the environment of its tasks. */
static int find_task (uint32_t *task, uint32_t *attempt)
{
    const char *mark = getenv (AW_PACKET_LAUNCH);

    if (!mark || sscanf (mark, "%u.%u", task, attempt) != 2)
        return aw_client_fail (NULL, ENOTCONN,
                               "this process is not a task of a running workflow: " AW_PACKET_LAUNCH
                               " is not set");
    return 0;
}

static int connect_to (struct aw_connection *aw, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int rc = -1;

    if (strlen (path) >= sizeof (address.sun_path))
        return aw_client_fail (NULL, ENOTCONN, "%s: this path is too long for a socket", path);
    strcpy (address.sun_path, path);
    aw->fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    while (aw->fd >= 0 && rc < 0
           && (rc = connect (aw->fd, (struct sockaddr *)&address, sizeof (address))) < 0
           && errno == EINTR)
        ;
    if (rc < 0)
        return aw_client_fail (NULL, errno == EACCES ? EACCES : ENOTCONN, "%s: %s", path,
                               strerror (errno));
    return 0;
}

static int say_hello (struct aw_connection *aw, const char *token)
{
    struct aw_packet hello = { .kind = AW_PACKET_HELLO, .data = aw_piece_of (token) };

    if (find_task (&hello.number, &hello.attempt) < 0)
        return -1;
    if (aw_client_send_packet (aw, &hello, 0) < 0 || aw_client_wait_done (aw, 0, OPEN_SECONDS) < 0)
        return aw_client_fail (NULL, errno == EINVAL ? EACCES : errno, "%s", aw->error);
    return 0;
}

struct aw_connection *aw_open (void)
{
    const char *path = getenv (AW_PACKET_SOCKET), *token = getenv (AW_PACKET_TOKEN);
    struct aw_connection *aw;
    const char *job;
    int saved;

    if (aw_packet_other_job (&job)) {
        aw_client_fail (
            NULL, ENOTCONN,
            "this process is in another job than the workflow, job %s: where its job was "
            "submitted, give sbatch --export=NONE",
            job);
        return NULL;
    }
    if (!path || !*path || !token) {
        aw_client_fail (NULL, ENOTCONN,
                        "this process is not a task of a running workflow: " AW_PACKET_SOCKET
                        " is not set");
        return NULL;
    }
    aw = calloc (1, sizeof (*aw));
    if (!aw || !(aw->packet = malloc (AW_PACKET_MAX))) {
        free (aw);
        aw_client_fail (NULL, ENOMEM, "out of memory");
        return NULL;
    }
    aw->fd = -1;
    aw->last = &aw->first;
    if (connect_to (aw, path) == 0 && say_hello (aw, token) == 0)
        return aw;
    saved = errno;
    aw_close (aw);
    errno = saved;
    return NULL;
}

void aw_close (struct aw_connection *aw)
{
    int saved = errno;

    if (!aw)
        return;
    while (aw->receivers) {
        struct receiver *r = aw->receivers;

        if (aw->fd >= 0)
            aw_client_acknowledge (aw, r);
        aw->receivers = r->next;
        free (r);
    }
    while (aw->first) {
        struct queued *item = aw->first;

        aw->first = item->next;
        free (item);
    }
    if (aw->fd >= 0)
        close (aw->fd);
    free (aw->shown);
    free (aw->packet);
    free (aw->long_error);
    free (aw);
    errno = saved;
}

/*
 * Sending
 */

static int check (struct aw_connection *aw, const char *topic, size_t size)
{
    if (aw_client_check_name (aw, topic, "topic") < 0)
        return -1;
    if (aw_topic_is_results (topic, strlen (topic)))
        return aw_client_fail (aw, EINVAL, "%s: only the results of calls go there", topic);
    if (size > AW_MESSAGE_MAX)
        return aw_client_fail (aw, EMSGSIZE, "%zu bytes: a message has at most %d", size,
                               AW_MESSAGE_MAX);
    return 0;
}

int aw_publish (
    struct aw_connection *aw, const char *topic, const void *data, size_t size, int flags)
{
    const struct aw_packet packet = { .kind = AW_PACKET_PUBLISH,
                                      .topic = aw_piece_of (topic),
                                      .data = { data, size } };

    return check (aw, topic, size) < 0 ? -1 : aw_client_send_packet (aw, &packet, flags);
}

int aw_flush (struct aw_connection *aw, double timeout)
{
    const struct aw_packet packet = { .kind = AW_PACKET_SYNC, .number = ++aw->last_number };

    return aw_client_send_packet (aw, &packet, 0) < 0
               ? -1
               : aw_client_wait_done (aw, packet.number, timeout);
}

/*
 * Requests
 */

int aw_request (struct aw_connection *aw,
                const char *topic,
                const void *data,
                size_t size,
                double timeout,
                struct aw_message *answer)
{
    struct aw_packet packet = { .kind = AW_PACKET_REQUEST,
                                .topic = aw_piece_of (topic),
                                .data = { data, size } };

    if (check (aw, topic, size) < 0)
        return -1;
    packet.number = ++aw->last_number;
    if (aw_client_send_packet (aw, &packet, 0) < 0)
        return -1;
    return aw_client_wait_message (aw, packet.number, 0, timeout, answer);
}

int aw_reply (struct aw_connection *aw,
              const struct aw_message *request,
              const void *data,
              size_t size)
{
    const struct aw_packet packet = { .kind = AW_PACKET_REPLY,
                                      .reply = request->request,
                                      .data = { data, size } };

    if (!request->request)
        return aw_client_fail (aw, EINVAL,
                               "the sender of this message does not wait for an answer");
    if (size > AW_MESSAGE_MAX)
        return aw_client_fail (aw, EMSGSIZE, "%zu bytes: a message has at most %d", size,
                               AW_MESSAGE_MAX);
    return aw_client_send_packet (aw, &packet, 0);
}

/*
 * Changing the workflow
 */

int aw_add (struct aw_connection *aw, const char *text, size_t size, double timeout)
{
    const struct aw_packet packet = { .kind = AW_PACKET_ADD, .number = ++aw->last_number };

    if (size > AW_ADD_MAX)
        return aw_client_fail (aw, EMSGSIZE, "%zu bytes: an addition has at most %d", size,
                               AW_ADD_MAX);
    return aw_client_send_parts (aw, &packet, text, size) < 0
               ? -1
               : aw_client_wait_done (aw, packet.number, timeout);
}

int aw_cancel (struct aw_connection *aw, const char *tasks, int flags, double timeout)
{
    const struct aw_packet packet = {
        .kind = AW_PACKET_CANCEL,
        .number = ++aw->last_number,
        .flags = (uint8_t)((flags & AW_RELEASE ? AW_PACKET_RELEASE : 0)
                           | (flags & AW_RESTART ? AW_PACKET_RESTART : 0)),
        .data = aw_piece_of (tasks),
    };

    if (packet.data.size > AW_TASKS_MAX)
        return aw_client_fail (aw, EMSGSIZE, "%zu characters: the name of tasks has at most %d",
                               packet.data.size, AW_TASKS_MAX);
    return aw_client_send_packet (aw, &packet, 0) < 0
               ? -1
               : aw_client_wait_done (aw, packet.number, timeout);
}
