/* SPDX-License-Identifier: Apache-2.0 */
/* One topic of the hub: its log, the counts of its senders, and the groups of its receivers.
 * Private to the hub (coord/messages/message_hub.h explains all of this). */
#ifndef AW_COORD_MESSAGES_MESSAGE_TOPIC_H
#define AW_COORD_MESSAGES_MESSAGE_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "util/names.h"
#include "io/journal/topic_log.h"
#include "util/packet.h"
#include "util/table.h"

struct aw_receiver {
    uint32_t node, conn, number; /* where it is, and what it calls itself */
    struct aw_group *group;
    uint64_t credit; /* messages that it will take */
    uint64_t *flight; /* places of what it has got and not acknowledged, in that order */
    uint32_t n_flight;
    uint32_t room;
    uint64_t n_acked; /* of all that it ever got */
    struct aw_receiver *next; /* of its connection */
};

struct aw_group {
    struct aw_topic *topic;
    char *name; /* NULL: an attempt's own */
    uint32_t task, attempt; /* then */
    uint64_t cursor; /* place in the log of what comes next */
    uint64_t *returned; /* places of what comes before that, falling */
    uint32_t n_returned;
    uint32_t room;
    struct aw_receiver **receivers;
    uint32_t n_receivers, receiver_room;
    uint32_t turn; /* the next receiver's index */
    uint64_t done; /* all before it is acknowledged in the log */
    bool moved; /* something was acknowledged since */
    struct aw_group *next_own; /* of the same attempt */
};

struct aw_topic {
    char *name;
    struct aw_topic_log *log;
    uint64_t count; /* messages, each of a sender's once */
    uint64_t published; /* count as last published to the coordinator */
    struct aw_table senders; /* private */
    struct aw_names group_numbers;
    struct aw_group **groups;
    uint32_t n_groups, group_room;
    bool due; /* something was appended, or somebody waits for something */
};

/* What the hub does for its topics. */
struct aw_topic_user {
    /* RECEIVER gets the message that is LINE. */
    void (*hand_out) (void *arg, const struct aw_receiver *receiver, const char *line, size_t size);
    /* Does anybody wait for the answer to request ID? */
    bool (*is_pending) (void *arg, uint64_t id);
    void *arg;
};

/* Opens the topic NAME in DIR and takes up what its log holds; senders get numbers in SENDERS,
 * *LAST becomes the largest id of a request where it is less. NULL with text. destroy takes NULL.
 */
struct aw_topic *aw_topic_create (const char *dir,
                                  const char *name,
                                  struct aw_names *senders,
                                  uint64_t *last,
                                  struct aw_error *err);
void aw_topic_destroy (struct aw_topic *topic);

/* The number of a sender's name in SENDERS, new or not; AW_NAMES_NONE: no memory. */
uint32_t aw_sender_number (struct aw_names *senders, const char *name, size_t size);

/* Appends MESSAGE (sender, task, attempt, reply, at, data escaped) of SENDER. 0, or -1 with ENOMEM.
 */
int aw_topic_append (struct aw_topic *topic, uint32_t sender, struct aw_packet *message);

/* The group of that NAME, or where it is empty the own one of TASK's ATTEMPT; made where it is not
 * there (*MADE). NULL: ENOMEM, or ENOSPC where there are too many. */
struct aw_group *aw_topic_group (struct aw_topic *topic,
                                 const struct aw_piece *name,
                                 uint32_t task,
                                 uint32_t attempt,
                                 bool *made);

/* Takes an own group out, without receivers. */
void aw_topic_remove_group (struct aw_topic *topic, struct aw_group *group);

/* Adds a receiver; or removes one, and hands out again what it has not acknowledged. NULL or -1
 * with ENOMEM. */
struct aw_receiver *aw_group_join (struct aw_group *group,
                                   uint32_t node,
                                   uint32_t conn,
                                   uint32_t number);
int aw_group_leave (struct aw_receiver *receiver);

/* Everything that it got up to its SEQ-th is done with. */
void aw_receiver_ack (struct aw_receiver *receiver, uint64_t seq);

/* Hands out what can be. 0, or -1 with text. */
int aw_topic_hand_out (struct aw_topic *topic,
                       const struct aw_topic_user *user,
                       struct aw_error *err);

/* The lag of the slowest group that has receivers, in bytes. */
uint64_t aw_topic_lag (const struct aw_topic *topic);

#endif /* AW_COORD_MESSAGES_MESSAGE_TOPIC_H */
