/* SPDX-License-Identifier: Apache-2.0 */
/* The broker of messages: every message of a run goes through the coordinator, so that there is one
 * order, one count and one log of each topic, also between tasks of one node.
 *
 * A topic is a log that is never shortened. Receivers read it in groups: each group gets every
 * message once, from the beginning of the log, even if the group comes late. A receiver that names
 * no group is in a group of its own attempt; a retry starts at the beginning again. If a receiver
 * leaves before it has acknowledged a message, another receiver of the group gets that message.
 *
 * At the end of a turn of the loop (flush) published messages are written to the log, counted, and
 * handed out. A message that a retry sends again is counted once.
 *
 * A request is a message with an address for its answer; it is handed out while the sender waits.
 * Answers are not logged.
 *
 * Back-pressure: a connection's messages are accepted when they are written, but not while a group
 * with receivers is more than AW_HUB_LAG bytes behind. An agent takes AW_HUB_WINDOW messages or
 * AW_HUB_WINDOW_BYTES of a connection that are not accepted; then its task's sends block.
 */
#ifndef AW_COORD_MESSAGES_MESSAGE_HUB_H
#define AW_COORD_MESSAGES_MESSAGE_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/journal/sync_thread.h"
#include "util/error.h"
#include "util/packet.h"

enum {
    AW_HUB_LAG = 64 << 20,
    AW_HUB_TOPICS = 512, /* a file each */
    AW_HUB_GROUPS = 4096, /* of one topic */
    AW_HUB_CREDIT = 256, /* messages handed out to one receiver and not acknowledged */
    AW_HUB_REQUESTS = 1 << 20, /* that wait for an answer */
};

struct aw_graph;
struct aw_hub;

struct aw_hub_callbacks {
    /* PACKET goes to the agent of NODE. REST, where not NULL: the members from "sender" on are
     * those of this object (io/message_frame.h); else its data are as they are. */
    void (*send) (
        void *arg, uint32_t node, const struct aw_packet *packet, const char *rest, size_t size);
    /* TOPIC has COUNT messages now, written: once a flush for each topic whose count has changed.
     */
    void (*counted) (void *arg, const char *topic, uint64_t count);
    void *arg;
};

/* DIR, absolute, holds the logs; it is made with the first one. Logs of an earlier part of the run
 * are read. NULL with text. destroy takes NULL. */
struct aw_hub *aw_hub_create (const char *dir,
                              const struct aw_hub_callbacks *callbacks,
                              struct aw_error *err);
void aw_hub_destroy (struct aw_hub *hub);

/* Takes a packet from the agent of NODE: PUBLISH, REQUEST, RECEIVE, ACK, REPLY or CLOSE, data
 * escaped. SENDER names its task; T is the run's time in seconds. Errors are sent to the task. */
void aw_hub_take (struct aw_hub *hub,
                  uint32_t node,
                  const struct aw_packet *packet,
                  const char *sender,
                  double t);

/* Takes the result of a call that a worker of SET has answered, PACKET as from an agent: a message
 * on the topic SET with AW_TOPIC_RESULTS. */
void aw_hub_take_result (struct aw_hub *hub,
                         const struct aw_packet *packet,
                         const char *set,
                         const char *sender,
                         double t);

/* Is there something for flush to do? */
bool aw_hub_is_due (const struct aw_hub *hub);

/* Writes, counts, accepts, hands out. 0, or -1 with text if a log cannot be written. Then the hub
 * has failed for good: nothing more is written or handed out, and every request of a task, now and
 * later, ends with that error.
 */
int aw_hub_flush (struct aw_hub *hub, struct aw_error *err);

/* Adds to LIST the logs, and their directory, that may not be on disk: all that flush has written
 * since the last call. Valid until destroy. 0, or -1 with text.
 */
int aw_hub_unsynced (struct aw_hub *hub, struct aw_sync_list *list, struct aw_error *err);

/* An attempt has ended: its own groups are removed. */
void aw_hub_task_ended (struct aw_hub *hub, uint32_t task, uint32_t attempt);

/* An agent is gone, and all connections with it. */
void aw_hub_node_lost (struct aw_hub *hub, uint32_t node);

/* Attempts that wait without a time limit for a message or an answer. */
struct aw_hub_waits {
    uint32_t n; /* how many */
    uint32_t task, attempt; /* of them, the one with the lowest number */
    const char *topic; /* for which it waits. Borrowed; valid until destroy */
};

/* Does each attempt that has a connection do nothing else by them, with at least one? Services of
 * GRAPH (NULL: none) are not counted. False also without memory. */
bool aw_hub_all_wait (const struct aw_hub *hub,
                      const struct aw_graph *graph,
                      struct aw_hub_waits *waits);

/* Nobody is left who could send: what tasks wait with ends with the error WHY. */
void aw_hub_end_waits (struct aw_hub *hub, const char *why);

/* How many packets of tasks aw_hub_take has taken. */
uint64_t aw_hub_n_packets (const struct aw_hub *hub);

/* Messages on TOPIC, written ones. */
uint64_t aw_hub_count (const struct aw_hub *hub, const char *topic);

/* Walks over the topics, from *CURSOR 0 on; NULL at the end. */
const char *aw_hub_next_topic (const struct aw_hub *hub, size_t *cursor, uint64_t *count);

#endif /* AW_COORD_MESSAGES_MESSAGE_HUB_H */
