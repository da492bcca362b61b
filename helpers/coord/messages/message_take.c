/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of tasks for the hub. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/messages/message_state.h"
#include "util/array.h"

/* The topic of a packet, made where it is new. NULL with text. */
static struct aw_topic *topic_of (struct aw_hub *hub,
                                  const struct aw_piece *piece,
                                  struct aw_error *err)
{
    struct aw_topic *topic = aw_hub_find_topic (hub, piece->text, piece->size);
    char name[AW_TOPIC_MAX + 1];

    if (topic)
        return topic;
    if (!aw_topic_is_good (piece->text, piece->size)) {
        aw_error_set (err,
                      "the name of a topic has at most %d letters, digits, \"_\", \"-\" and \".\", "
                      "and begins with a letter, a digit or \"_\"",
                      AW_TOPIC_MAX);
        return NULL;
    }
    memcpy (name, piece->text, piece->size);
    name[piece->size] = '\0';
    if (hub->n_topics == AW_HUB_TOPICS) {
        aw_error_set (err, "topic %s: a run has at most %d topics", name, AW_HUB_TOPICS);
        return NULL;
    }
    if (aw_hub_add_topic (hub, name, err) == 0)
        return hub->topics[hub->n_topics - 1];
    aw_hub_fail (hub, err); /* the message would be lost */
    return NULL;
}

/*
 * Connections
 */

static struct aw_hub_connection *connection_of (struct aw_hub *hub,
                                                uint32_t node,
                                                const struct aw_packet *packet)
{
    uint64_t key = aw_hub_pair (node, packet->conn);
    struct aw_hub_connection *c = aw_table_get (&hub->connections, key);

    if (c)
        return c;
    c = calloc (1, sizeof (*c));
    if (!c)
        return NULL;
    *c = (struct aw_hub_connection){
        .node = node, .conn = packet->conn, .task = packet->task, .attempt = packet->attempt
    };
    if (aw_table_set (&hub->connections, key, c) < 0) {
        free (c);
        return NULL;
    }
    return c;
}

static int make_due (struct aw_hub *hub, struct aw_hub_connection *c)
{
    hub->active = true;
    if (c->due)
        return 0;
    if (aw_array_reserve (&hub->due, &hub->room_due, hub->n_due + 1) < 0)
        return -1;
    hub->due[hub->n_due++] = c;
    c->due = true;
    return 0;
}

/*
 * Packets of tasks
 */

/* Appends the packet's message to its topic, which is returned; NULL with text. */
static struct aw_topic *append (struct aw_hub *hub,
                                const struct aw_packet *packet,
                                const char *sender,
                                double t,
                                uint64_t reply,
                                struct aw_error *err)
{
    struct aw_topic *topic = topic_of (hub, &packet->topic, err);
    struct aw_packet message = *packet;
    uint32_t number;

    if (!topic)
        return NULL;
    message.sender = aw_piece_of (sender);
    message.reply = reply;
    message.at = t > 0 ? (uint64_t)(t * 1e6 + 0.5) : 0;
    number = aw_sender_number (&hub->senders, message.sender.text, message.sender.size);
    if (number == AW_NAMES_NONE || aw_topic_append (topic, number, &message) < 0) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    hub->active = true;
    return topic;
}

/* The same for a message of a task, which cannot be the result of a call. */
static int append_message (struct aw_hub *hub,
                           struct aw_hub_connection *c,
                           const struct aw_packet *packet,
                           const char *sender,
                           double t,
                           uint64_t reply,
                           struct aw_error *err)
{
    struct aw_topic *topic;

    if (aw_topic_is_results (packet->topic.text, packet->topic.size))
        return aw_error_set (err, "topic %.*s: only the results of calls go there",
                             (int)packet->topic.size, packet->topic.text);
    topic = append (hub, packet, sender, t, reply, err);
    if (topic)
        c->topic = topic;
    return topic ? 0 : -1;
}

void aw_hub_take_result (struct aw_hub *hub,
                         const struct aw_packet *packet,
                         const char *set,
                         const char *sender,
                         double t)
{
    struct aw_packet message = *packet;
    char topic[AW_TOPIC_MAX + 1];
    struct aw_error err;

    if (hub->failed)
        return;
    snprintf (topic, sizeof (topic), "%s" AW_TOPIC_RESULTS, set);
    message.topic = aw_piece_of (topic);
    if (!append (hub, &message, sender, t, 0, &err))
        aw_hub_fail (hub, &err); /* it would be lost */
}

static void take_publish (struct aw_hub *hub,
                          struct aw_hub_connection *c,
                          const struct aw_packet *packet,
                          const char *sender,
                          double t)
{
    struct aw_error err;

    if (append_message (hub, c, packet, sender, t, 0, &err) < 0)
        aw_hub_refuse (hub, c->node, c->conn, 0, err.text);
    c->unaccepted++;
    if (make_due (hub, c) < 0)
        aw_hub_refuse (hub, c->node, c->conn, 0, "out of memory");
}

static void take_request (struct aw_hub *hub,
                          struct aw_hub_connection *c,
                          const struct aw_packet *packet,
                          const char *sender,
                          double t)
{
    struct aw_hub_request *request = calloc (1, sizeof (*request));
    struct aw_error err;
    int rc = -1;

    if (!request)
        aw_error_set (&err, "out of memory");
    else if (hub->requests.n_used >= AW_HUB_REQUESTS)
        aw_error_set (&err, "too many requests: %d wait for an answer", AW_HUB_REQUESTS);
    else {
        *request =
            (struct aw_hub_request){ ++hub->last_request, c->node, c->conn, packet->number, NULL };
        rc = aw_table_set (&hub->requests, request->id, request);
        if (rc < 0)
            aw_error_set (&err, "out of memory");
        else if ((rc = append_message (hub, c, packet, sender, t, request->id, &err)) < 0)
            aw_table_remove (&hub->requests, request->id);
        else {
            c->request = request->id;
            request->topic = c->topic;
        }
    }
    if (rc < 0) {
        aw_hub_refuse (hub, c->node, c->conn, packet->number, err.text);
        free (request);
    }
    c->unaccepted++;
    make_due (hub, c);
}

static void take_reply (struct aw_hub *hub, const struct aw_packet *packet, const char *sender)
{
    struct aw_hub_request *request = aw_table_remove (&hub->requests, packet->reply);
    struct aw_packet answer = { .kind = AW_PACKET_ANSWER, .data = packet->data };

    if (!request)
        return; /* answered by another, or nobody waits any more */
    answer.conn = request->conn;
    answer.number = request->number;
    answer.attempt = packet->attempt;
    answer.sender = aw_piece_of (sender);
    hub->callbacks.send (hub->callbacks.arg, request->node, &answer, NULL, 0);
    free (request);
}

static struct aw_receiver *add_receiver (struct aw_hub *hub,
                                         struct aw_hub_connection *c,
                                         const struct aw_packet *packet,
                                         struct aw_error *err)
{
    struct aw_topic *topic = topic_of (hub, &packet->topic, err);
    uint64_t attempt = aw_hub_pair (c->task, c->attempt);
    struct aw_receiver *receiver = NULL;
    struct aw_group *group;
    bool made;

    if (!topic)
        return NULL;
    if (packet->group.size && !aw_topic_is_good (packet->group.text, packet->group.size)) {
        aw_error_set (err,
                      "the name of a group has at most %d letters, digits, \"_\", \"-\" and \".\", "
                      "and begins with a letter, a digit or \"_\"",
                      AW_TOPIC_MAX);
        return NULL;
    }
    group = aw_topic_group (topic, &packet->group, c->task, c->attempt, &made);
    if (!group && errno == ENOSPC) {
        aw_error_set (err, "topic %s: at most %d groups can receive", topic->name, AW_HUB_GROUPS);
        return NULL;
    }
    if (group && made && !group->name) {
        group->next_own = aw_table_get (&hub->own_groups, attempt);
        if (aw_table_set (&hub->own_groups, attempt, group) < 0) {
            aw_topic_remove_group (topic, group);
            group = NULL;
        }
    }
    if (group)
        receiver = aw_group_join (group, c->node, c->conn, packet->number);
    if (!receiver) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    receiver->next = c->receivers;
    c->receivers = receiver;
    return receiver;
}

static void take_receive (struct aw_hub *hub,
                          struct aw_hub_connection *c,
                          const struct aw_packet *packet)
{
    struct aw_receiver *receiver = aw_hub_find_receiver (c, packet->number);
    uint64_t room;
    struct aw_error err;

    if (!receiver && !(receiver = add_receiver (hub, c, packet, &err))) {
        aw_hub_refuse (hub, c->node, c->conn, packet->number, err.text);
        return;
    }
    room =
        AW_HUB_CREDIT - (receiver->n_flight < AW_HUB_CREDIT ? receiver->n_flight : AW_HUB_CREDIT);
    if (packet->seq == 0)
        receiver->credit = 0;
    receiver->credit += packet->seq < AW_HUB_CREDIT ? packet->seq : AW_HUB_CREDIT;
    if (receiver->credit > room)
        receiver->credit = room;
    receiver->group->topic->due = true;
    hub->active = true;
}

/* A message that is on its way to it makes the wait void: see aw_hub_all_wait. */
static void take_wait (struct aw_hub_connection *c, const struct aw_packet *packet)
{
    c->waits = packet->number;
    c->waits_seq = packet->seq;
}

static void take_ack (struct aw_hub *hub,
                      struct aw_hub_connection *c,
                      const struct aw_packet *packet)
{
    struct aw_receiver *receiver = aw_hub_find_receiver (c, packet->number);

    if (receiver) {
        aw_receiver_ack (receiver, packet->seq);
        hub->active = true;
    }
}

/* Nothing more is carried out: each packet that asks for an answer gets the error. */
static void refuse (struct aw_hub *hub, struct aw_hub_connection *c, const struct aw_packet *packet)
{
    if (packet->kind == AW_PACKET_PUBLISH || packet->kind == AW_PACKET_REQUEST)
        c->unaccepted++;
    aw_hub_tell_failure (hub, c);
    if (packet->kind == AW_PACKET_REQUEST || packet->kind == AW_PACKET_RECEIVE)
        aw_hub_refuse (hub, c->node, c->conn, packet->number, hub->failure.text);
}

void aw_hub_take (
    struct aw_hub *hub, uint32_t node, const struct aw_packet *packet, const char *sender, double t)
{
    struct aw_hub_connection *c =
        packet->kind == AW_PACKET_CLOSE
            ? aw_table_get (&hub->connections, aw_hub_pair (node, packet->conn))
            : connection_of (hub, node, packet);

    if (!c) {
        if (packet->kind != AW_PACKET_CLOSE)
            aw_hub_refuse (hub, node, packet->conn, packet->number, "out of memory");
        return;
    }
    hub->n_packets++;
    c->waits = 0;
    if (hub->failed && packet->kind != AW_PACKET_CLOSE) {
        refuse (hub, c, packet);
        return;
    }
    switch (packet->kind) {
    case AW_PACKET_PUBLISH:
        take_publish (hub, c, packet, sender, t);
        break;
    case AW_PACKET_REQUEST:
        take_request (hub, c, packet, sender, t);
        break;
    case AW_PACKET_REPLY:
        take_reply (hub, packet, sender);
        break;
    case AW_PACKET_RECEIVE:
        take_receive (hub, c, packet);
        break;
    case AW_PACKET_WAIT:
        take_wait (c, packet);
        break;
    case AW_PACKET_ACK:
        take_ack (hub, c, packet);
        break;
    case AW_PACKET_CLOSE:
        aw_hub_close (hub, c);
        break;
    default: /* not for the hub */
        break;
    }
}
