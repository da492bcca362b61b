/* SPDX-License-Identifier: Apache-2.0 */
/* The hub's state, shared by message_hub.c (life, flush), message_take.c (packets of tasks),
 * message_wait.c (tasks that only wait) and message_lookup.c, which the others stand on. Nobody
 * else includes it.
 */
#ifndef AW_COORD_MESSAGES_MESSAGE_STATE_H
#define AW_COORD_MESSAGES_MESSAGE_STATE_H

#include "coord/messages/message_hub.h"
#include "coord/messages/message_topic.h"
#include "util/names.h"
#include "io/textbuf.h"
#include "util/table.h"

/* A task's connection to the agent of its node. */
struct aw_hub_connection {
    uint32_t node, conn;
    uint32_t task, attempt;
    struct aw_receiver *receivers;
    uint32_t unaccepted; /* messages that its agent waits for */
    bool told; /* of the hub's failure */
    struct aw_topic *topic; /* that it last published on */
    uint64_t request; /* the id of its last one; 0: none */
    uint32_t waits; /* number of the receiver or request that it waits for; 0: for none */
    uint64_t waits_seq; /* messages that it had got then, if it is a receiver */
    bool due; /* in the list of those with something to be accepted */
};

struct aw_hub_request {
    uint64_t id;
    uint32_t node, conn, number; /* where the answer goes */
    const struct aw_topic *topic; /* that it was sent on */
};

struct aw_hub {
    char *dir;
    int dir_fd, parent_fd; /* of it, for syncing; -1: not open */
    bool dir_unsynced; /* a log was made since */
    struct aw_hub_callbacks callbacks;
    struct aw_names topic_numbers;
    struct aw_topic *topics[AW_HUB_TOPICS];
    uint32_t n_topics;
    struct aw_names senders;
    struct aw_table connections; /* by node and conn */
    struct aw_table requests; /* by id */
    uint64_t last_request;
    uint64_t n_packets; /* taken from tasks */
    struct aw_table own_groups; /* by task and attempt: the first of a list */
    struct aw_hub_connection **due;
    uint32_t n_due, room_due;
    struct aw_textbuf text; /* scratch */
    bool active; /* flush has something to do */
    bool failed; /* for good: a log cannot be written */
    struct aw_error failure; /* why */
};

/* Opens the log of topic NAME and takes it up. 0, or -1 with text. */
int aw_hub_add_topic (struct aw_hub *hub, const char *name, struct aw_error *err);

/* NULL: there is none. */
struct aw_topic *aw_hub_find_topic (const struct aw_hub *hub, const char *name, size_t size);

/* The receiver of that NUMBER; NULL: there is none. */
struct aw_receiver *aw_hub_find_receiver (const struct aw_hub_connection *c, uint32_t number);

/* What the task asked for by NUMBER ends with the error WHAT. FLAGS: further ones of the packet. */
void aw_hub_fail_request (struct aw_hub *hub,
                          uint32_t node,
                          uint32_t conn,
                          uint32_t number,
                          unsigned flags,
                          const char *what);

/* PACKET is not carried out: its task gets the error WHAT. */
void aw_hub_refuse (
    struct aw_hub *hub, uint32_t node, uint32_t conn, uint32_t number, const char *what);

/* A log cannot be written, as WHY says: from now on all requests of tasks end with that error. The
 * next flush reports it. */
void aw_hub_fail (struct aw_hub *hub, const struct aw_error *why);

/* The hub has failed: every request of the connection ends with an error. Messages that its agent
 * still waits for count as accepted, so that the task does not block in sending.
 */
void aw_hub_tell_failure (struct aw_hub *hub, struct aw_hub_connection *c);

/* Ends a connection: what it has not acknowledged goes to others, nobody waits for its answers. */
void aw_hub_close (struct aw_hub *hub, struct aw_hub_connection *c);

/* The key of two numbers. */
static inline uint64_t aw_hub_pair (uint32_t high, uint32_t low)
{
    return (uint64_t)high << 32 | low;
}

#endif /* AW_COORD_MESSAGES_MESSAGE_STATE_H */
