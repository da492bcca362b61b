/* SPDX-License-Identifier: Apache-2.0 */
/* The hub's topics and connections: found, added, closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "coord/messages/message_state.h"
#include "io/json_string.h"

int aw_hub_add_topic (struct aw_hub *hub, const char *name, struct aw_error *err)
{
    struct aw_topic *topic;

    if (hub->n_topics == AW_HUB_TOPICS)
        return aw_error_set (err, "topic %s: a run has at most %d topics", name, AW_HUB_TOPICS);
    if (mkdir (hub->dir, 0700) < 0 && errno != EEXIST)
        return aw_error_set (err, "%s: %s", hub->dir, strerror (errno));
    topic = aw_topic_create (hub->dir, name, &hub->senders, &hub->last_request, err);
    if (!topic)
        return -1;
    if (aw_names_set (&hub->topic_numbers, name, hub->n_topics) < 0) {
        aw_topic_destroy (topic);
        return aw_error_set (err, "out of memory");
    }
    hub->topics[hub->n_topics++] = topic;
    hub->dir_unsynced = true;
    return 0;
}

struct aw_topic *aw_hub_find_topic (const struct aw_hub *hub, const char *name, size_t size)
{
    uint32_t number = aw_names_get (&hub->topic_numbers, name, size);

    return number == AW_NAMES_NONE ? NULL : hub->topics[number];
}

struct aw_receiver *aw_hub_find_receiver (const struct aw_hub_connection *c, uint32_t number)
{
    for (struct aw_receiver *r = c->receivers; r; r = r->next)
        if (r->number == number)
            return r;
    return NULL;
}

void aw_hub_fail_request (struct aw_hub *hub,
                          uint32_t node,
                          uint32_t conn,
                          uint32_t number,
                          unsigned flags,
                          const char *what)
{
    struct aw_packet packet = {
        .kind = AW_PACKET_DONE, .flags = AW_PACKET_ERROR | flags, .conn = conn, .number = number
    };

    aw_textbuf_clear (&hub->text);
    aw_json_put_bytes (&hub->text, what, strlen (what));
    if (!hub->text.failed)
        packet.data = (struct aw_piece){ hub->text.data, hub->text.len };
    hub->callbacks.send (hub->callbacks.arg, node, &packet, NULL, 0);
}

void aw_hub_refuse (
    struct aw_hub *hub, uint32_t node, uint32_t conn, uint32_t number, const char *what)
{
    aw_hub_fail_request (hub, node, conn, number, 0, what);
}

/* The error comes first: a task that can send again finds it. */
void aw_hub_tell_failure (struct aw_hub *hub, struct aw_hub_connection *c)
{
    const struct aw_packet accepted = { .kind = AW_PACKET_ACCEPTED,
                                        .conn = c->conn,
                                        .number = c->unaccepted };

    if (!c->told)
        aw_hub_refuse (hub, c->node, c->conn, 0, hub->failure.text);
    c->told = true;
    if (c->unaccepted)
        hub->callbacks.send (hub->callbacks.arg, c->node, &accepted, NULL, 0);
    c->unaccepted = 0;
    c->due = false;
}

void aw_hub_fail (struct aw_hub *hub, const struct aw_error *why)
{
    struct aw_hub_connection *c;
    size_t cursor = 0;

    if (hub->failed)
        return;
    hub->failed = hub->active = true;
    hub->failure = *why;
    hub->n_due = 0;
    while ((c = aw_table_next (&hub->connections, &cursor)))
        aw_hub_tell_failure (hub, c);
}

void aw_hub_close (struct aw_hub *hub, struct aw_hub_connection *c)
{
    struct aw_hub_request *request;
    size_t cursor = 0;

    while (c->receivers) {
        struct aw_receiver *receiver = c->receivers;

        c->receivers = receiver->next;
        aw_group_leave (receiver);
        hub->active = true;
    }
    for (uint32_t i = 0; i < hub->n_due; i++)
        if (hub->due[i] == c)
            hub->due[i--] = hub->due[--hub->n_due];
    while ((request = aw_table_next (&hub->requests, &cursor))) {
        if (request->node != c->node || request->conn != c->conn)
            continue;
        aw_table_remove (&hub->requests, request->id);
        free (request);
        cursor--;
    }
    aw_table_remove (&hub->connections, aw_hub_pair (c->node, c->conn));
    free (c);
}
