/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/agents/agent_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/wire/link.h"
#include "io/message_frame.h"

struct aw_agent_link {
    struct aw_agent_callbacks callbacks;
    struct aw_frame_reader *reader;
    struct aw_link *link;
    struct aw_event node; /* owns its name, reason and sets */
    uint32_t number;
    double silent; /* seconds, see aw_agent_link_beat */
    struct aw_error farewell; /* why it leaves, as it reported */
    bool over; /* lost was called */
};

static void lose (struct aw_agent_link *agent, const char *why)
{
    if (agent->over)
        return;
    agent->over = true;
    agent->callbacks.lost (agent->callbacks.arg, agent, why);
}

static int keep_hello (struct aw_agent_link *agent, const struct aw_event *ev, struct aw_error *err)
{
    char *name = strdup (ev->name);
    char *note = ev->reason ? strdup (ev->reason) : NULL;
    char *topology = ev->topology ? strdup (ev->topology) : NULL;
    char *socket = ev->socket ? strdup (ev->socket) : NULL;
    char *host = ev->host ? strdup (ev->host) : NULL;

    if (agent->node.name || !*ev->name) {
        free (name);
        free (note);
        free (topology);
        free (socket);
        free (host);
        return aw_error_set (err, "hello: sent twice, or without a name");
    }
    agent->node.type = AW_EVENT_NODE;
    agent->node.mem = ev->mem;
    agent->node.unbound = ev->unbound;
    agent->node.name = name;
    agent->node.reason = note;
    agent->node.topology = topology;
    agent->node.socket = socket;
    agent->node.host = host;
    agent->node.port = ev->port;
    if (!name || (ev->reason && !note) || (ev->topology && !topology) || (ev->socket && !socket)
        || (ev->host && !host) || aw_idset_copy (&agent->node.cpus, &ev->cpus) < 0
        || aw_idset_copy (&agent->node.gpus, &ev->gpus) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

/* Rejects what an agent must not send, or not yet. */
static int check_frame (const struct aw_agent_link *agent,
                        const struct aw_frame *frame,
                        struct aw_error *err)
{
    bool known = agent->node.name != NULL;

    switch (frame->type) {
    case AW_FRAME_HELLO:
        return 0; /* checked where it is kept */
    case AW_FRAME_FINISH:
    case AW_FRAME_STAGED:
    case AW_FRAME_RELEASE:
    case AW_FRAME_SERVING:
    case AW_FRAME_LEAVE:
    case AW_FRAME_PONG:
        return known ? 0 : aw_error_set (err, "it sent data before its hello");
    default:
        return aw_error_set (err, "it sent what only a coordinator sends");
    }
}

static void on_line (void *arg, const char *line, size_t size)
{
    struct aw_agent_link *agent = arg;
    struct aw_packet packet;
    struct aw_frame frame;
    struct aw_error err;

    if (agent->over)
        return;
    if (agent->node.name && aw_message_frame_is (line, size)
        && aw_message_frame_read (&packet, line, size, &err) == 0) {
        agent->silent = 0;
        if (agent->callbacks.message)
            agent->callbacks.message (agent->callbacks.arg, agent, &packet);
        return;
    }
    agent->silent = 0;
    if (aw_frame_read (agent->reader, line, size, &frame, &err) < 0
        || check_frame (agent, &frame, &err) < 0
        || (frame.type == AW_FRAME_HELLO && keep_hello (agent, &frame.event, &err) < 0)) {
        aw_error_prefix (&err, "its agent sent a wrong frame");
        lose (agent, err.text);
    }
    else if (frame.type == AW_FRAME_HELLO)
        agent->callbacks.hello (agent->callbacks.arg, agent);
    else if (frame.type == AW_FRAME_FINISH || frame.type == AW_FRAME_STAGED
             || frame.type == AW_FRAME_RELEASE || frame.type == AW_FRAME_SERVING)
        agent->callbacks.finish (agent->callbacks.arg, agent, &frame.event);
    else if (frame.type == AW_FRAME_LEAVE) {
        aw_error_set (&agent->farewell, "%s", frame.event.reason);
        if (agent->callbacks.leaves)
            agent->callbacks.leaves (agent->callbacks.arg, agent, agent->farewell.text);
    }
}

static void on_closed (void *arg, const char *reason)
{
    struct aw_agent_link *agent = arg;
    struct aw_error err;

    if (agent->farewell.text[0])
        aw_error_set (&err, "its agent left: %s", agent->farewell.text);
    else if (reason)
        aw_error_set (&err, "the connection to its agent broke: %s", reason);
    else
        aw_error_set (&err, "its agent ended");
    lose (agent, err.text);
}

struct aw_agent_link *aw_agent_link_create (struct event_base *base,
                                            int fd,
                                            struct aw_frame_reader *reader,
                                            const struct aw_agent_callbacks *callbacks,
                                            struct aw_error *err)
{
    struct aw_agent_link *agent = calloc (1, sizeof (*agent));
    const struct aw_link_callbacks mine = { on_line, on_closed, agent };

    if (!agent) {
        close (fd);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    agent->callbacks = *callbacks;
    agent->reader = reader;
    agent->number = AW_AGENT_UNNUMBERED;
    agent->link = aw_link_create (base, fd, AW_FRAME_MAX, true, &mine, err);
    if (!agent->link) {
        aw_agent_link_destroy (agent);
        return NULL;
    }
    return agent;
}

const struct aw_event *aw_agent_link_node (const struct aw_agent_link *agent)
{
    return &agent->node;
}

uint32_t aw_agent_link_number (const struct aw_agent_link *agent)
{
    return agent->number;
}

void aw_agent_link_set_number (struct aw_agent_link *agent, uint32_t number)
{
    agent->number = number;
    agent->node.node = number;
}

int aw_agent_link_start (struct aw_agent_link *agent,
                         const struct aw_launch *launch,
                         struct aw_error *err)
{
    const struct aw_frame frame = {
        .type = launch->assigned ? AW_FRAME_ASSIGN
                : launch->argv   ? AW_FRAME_START
                                 : AW_FRAME_STAGE,
        .launch = *launch,
    };

    if (aw_frame_put (aw_link_out (agent->link), &frame, err) < 0)
        return -1;
    aw_link_send (agent->link, 0);
    return 0;
}

static void send (struct aw_agent_link *agent, const struct aw_frame *frame)
{
    aw_link_send (agent->link, aw_frame_put (aw_link_out (agent->link), frame, NULL));
}

void aw_agent_link_kill (struct aw_agent_link *agent, uint32_t task, uint32_t attempt, double grace)
{
    send (agent, &(struct aw_frame){ .type = AW_FRAME_KILL,
                                     .event = { .task = task, .attempt = attempt },
                                     .grace = grace });
}

void aw_agent_link_unassign (struct aw_agent_link *agent, uint32_t task, uint32_t attempt)
{
    send (agent, &(struct aw_frame){ .type = AW_FRAME_UNASSIGN,
                                     .event = { .task = task, .attempt = attempt } });
}

double aw_agent_link_beat (struct aw_agent_link *agent, double seconds, double timeout)
{
    agent->silent += seconds;
    send (agent, &(struct aw_frame){ .type = AW_FRAME_PING, .seconds = timeout });
    return agent->silent;
}

double aw_agent_link_silence (const struct aw_agent_link *agent)
{
    return agent->silent;
}

void aw_agent_link_message (struct aw_agent_link *agent,
                            const struct aw_packet *packet,
                            const char *rest,
                            size_t size)
{
    struct aw_textbuf *out = aw_link_out (agent->link);
    int rc = rest ? aw_message_frame_put_rest (out, packet, rest, size)
                  : aw_message_frame_put (out, packet, true);

    aw_link_send (agent->link, rc);
}

void aw_agent_link_quit (struct aw_agent_link *agent, bool now)
{
    send (agent, &(struct aw_frame){ .type = AW_FRAME_QUIT, .now = now });
}

void aw_agent_link_destroy (struct aw_agent_link *agent)
{
    int saved = errno;

    if (agent) {
        aw_link_destroy (agent->link);
        free ((char *)agent->node.name);
        free ((char *)agent->node.reason);
        free ((char *)agent->node.topology);
        free ((char *)agent->node.socket);
        free ((char *)agent->node.host);
        aw_idset_finish (&agent->node.cpus);
        aw_idset_finish (&agent->node.gpus);
        free (agent);
    }
    errno = saved;
}
