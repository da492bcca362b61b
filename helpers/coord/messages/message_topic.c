/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/messages/message_topic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coord/messages/message_hub.h"
#include "io/json_string.h"
#include "util/array.h"

/* How much one sender has sent. */
struct sender {
    uint32_t attempt;
    uint64_t seq; /* in that attempt */
    uint64_t most; /* the most in any attempt: what counts */
};

#define GROUP_BEGIN "{\"group\":\""
#define REQUEST_BEGIN "{\"reply\":"

uint32_t aw_sender_number (struct aw_names *senders, const char *name, size_t size)
{
    uint32_t number = aw_names_get (senders, name, size);
    char copy[AW_SENDER_MAX + 1];

    if (number != AW_NAMES_NONE || size > AW_SENDER_MAX)
        return number;
    memcpy (copy, name, size);
    copy[size] = '\0';
    number = aw_names_count (senders);
    return aw_names_set (senders, copy, number) < 0 ? AW_NAMES_NONE : number;
}

/* Counts one message more, or message SEQ where it is not 0. The sender, or NULL with ENOMEM. */
static struct sender *count (struct aw_topic *topic,
                             uint32_t number,
                             uint32_t attempt,
                             uint64_t seq)
{
    struct sender *sender = aw_table_get (&topic->senders, number);

    if (!sender) {
        sender = calloc (1, sizeof (*sender));
        if (!sender || aw_table_set (&topic->senders, number, sender) < 0) {
            free (sender);
            return NULL;
        }
    }
    if (sender->attempt != attempt) {
        sender->attempt = attempt;
        sender->seq = 0;
    }
    sender->seq = seq ? seq : sender->seq + 1;
    if (sender->seq > sender->most) {
        topic->count += sender->seq - sender->most;
        sender->most = sender->seq;
    }
    return sender;
}

int aw_topic_append (struct aw_topic *topic, uint32_t number, struct aw_packet *message)
{
    struct sender *sender = count (topic, number, message->attempt, 0);
    struct aw_textbuf *out = aw_topic_log_out (topic->log);
    size_t start = out->len;

    if (!sender)
        return -1;
    if (message->reply) {
        aw_textbuf_puts (out, REQUEST_BEGIN);
        aw_textbuf_u64 (out, message->reply);
        aw_textbuf_puts (out, ",\"sender\":\"");
    }
    else
        aw_textbuf_puts (out, "{\"sender\":\"");
    aw_json_put_bytes (out, message->sender.text, message->sender.size);
    aw_textbuf_puts (out, "\",\"attempt\":");
    aw_textbuf_u64 (out, message->attempt);
    aw_textbuf_puts (out, ",\"seq\":");
    aw_textbuf_u64 (out, sender->seq);
    aw_textbuf_puts (out, ",\"at\":");
    aw_textbuf_u64 (out, message->at);
    aw_textbuf_puts (out, ",\"data\":\"");
    aw_textbuf_put (out, message->data.text, message->data.size);
    aw_textbuf_puts (out, "\"}\n");
    topic->due = true;
    if (!out->failed)
        return 0;
    out->failed = false;
    out->len = start;
    errno = ENOMEM;
    return -1;
}

/*
 * Groups
 */

static void free_group (struct aw_group *group)
{
    free (group->name);
    free (group->returned);
    free (group->receivers);
    free (group);
}

static struct aw_group *add_group (struct aw_topic *topic, const struct aw_piece *name)
{
    struct aw_group *group = calloc (1, sizeof (*group));

    if (group && name->size)
        group->name = strndup (name->text, name->size);
    if (!group || aw_array_reserve (&topic->groups, &topic->group_room, topic->n_groups + 1) < 0
        || (name->size && !group->name)
        || (group->name
            && aw_names_set (&topic->group_numbers, group->name, topic->n_groups) < 0)) {
        if (group)
            free_group (group);
        errno = ENOMEM;
        return NULL;
    }
    group->topic = topic;
    topic->groups[topic->n_groups++] = group;
    return group;
}

struct aw_group *aw_topic_group (struct aw_topic *topic,
                                 const struct aw_piece *name,
                                 uint32_t task,
                                 uint32_t attempt,
                                 bool *made)
{
    struct aw_group *group;
    uint32_t number;

    *made = false;
    if (name->size) {
        number = aw_names_get (&topic->group_numbers, name->text, name->size);
        if (number != AW_NAMES_NONE)
            return topic->groups[number];
    }
    else
        for (uint32_t i = 0; i < topic->n_groups; i++)
            if (!topic->groups[i]->name && topic->groups[i]->task == task
                && topic->groups[i]->attempt == attempt)
                return topic->groups[i];
    if (topic->n_groups >= AW_HUB_GROUPS) {
        errno = ENOSPC;
        return NULL;
    }
    group = add_group (topic, name);
    if (!group)
        return NULL;
    group->task = task;
    group->attempt = attempt;
    *made = true;
    return group;
}

void aw_topic_remove_group (struct aw_topic *topic, struct aw_group *group)
{
    for (uint32_t i = 0; i < topic->n_groups; i++) {
        if (topic->groups[i] != group)
            continue;
        topic->groups[i] = topic->groups[--topic->n_groups];
        if (i < topic->n_groups
            && topic->groups[i]->name) /* it is there already: no memory needed */
            aw_names_set (&topic->group_numbers, topic->groups[i]->name, i);
        break;
    }
    free_group (group);
}

struct aw_receiver *aw_group_join (struct aw_group *group,
                                   uint32_t node,
                                   uint32_t conn,
                                   uint32_t number)
{
    struct aw_receiver *receiver = calloc (1, sizeof (*receiver));

    if (!receiver
        || aw_array_reserve (&group->receivers, &group->receiver_room, group->n_receivers + 1)
               < 0) {
        free (receiver);
        return NULL;
    }
    *receiver =
        (struct aw_receiver){ .node = node, .conn = conn, .number = number, .group = group };
    group->receivers[group->n_receivers++] = receiver;
    return receiver;
}

static int compare_falling (const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x < y) - (x > y);
}

int aw_group_leave (struct aw_receiver *receiver)
{
    struct aw_group *group = receiver->group;
    uint32_t n = group->n_returned + receiver->n_flight;
    int rc = 0;

    for (uint32_t i = 0; i < group->n_receivers; i++)
        if (group->receivers[i] == receiver)
            group->receivers[i] = group->receivers[--group->n_receivers];
    if (receiver->n_flight)
        rc = aw_array_reserve (&group->returned, &group->room, n);
    if (receiver->n_flight && rc == 0) {
        memcpy (group->returned + group->n_returned, receiver->flight,
                receiver->n_flight * sizeof (*receiver->flight));
        group->n_returned = n;
        qsort (group->returned, n, sizeof (*group->returned), compare_falling);
        group->topic->due = true;
    }
    free (receiver->flight);
    free (receiver);
    return rc;
}

void aw_receiver_ack (struct aw_receiver *receiver, uint64_t seq)
{
    uint64_t n = seq > receiver->n_acked ? seq - receiver->n_acked : 0;

    if (n > receiver->n_flight)
        n = receiver->n_flight;
    if (n == 0)
        return;
    receiver->n_flight -= (uint32_t)n;
    memmove (receiver->flight, receiver->flight + n,
             receiver->n_flight * sizeof (*receiver->flight));
    receiver->n_acked += n;
    receiver->group->moved = true;
    receiver->group->topic->due = true;
}

/* All before it is acknowledged. */
static uint64_t done_up_to (const struct aw_group *group)
{
    uint64_t place = group->cursor;

    if (group->n_returned && group->returned[group->n_returned - 1] < place)
        place = group->returned[group->n_returned - 1];
    for (uint32_t i = 0; i < group->n_receivers; i++)
        for (uint32_t f = 0; f < group->receivers[i]->n_flight; f++)
            if (group->receivers[i]->flight[f] < place)
                place = group->receivers[i]->flight[f];
    return place;
}

/* A line for the log, for a resumed run; only for groups with a name, since attempts do not outlive
 * the run. */
static void note_done (struct aw_group *group)
{
    struct aw_textbuf *out = aw_topic_log_out (group->topic->log);
    uint64_t done;

    group->moved = false;
    if (!group->name || (done = done_up_to (group)) <= group->done)
        return;
    group->done = done;
    aw_textbuf_puts (out, GROUP_BEGIN);
    aw_textbuf_puts (out, group->name);
    aw_textbuf_puts (out, "\",\"seq\":");
    aw_textbuf_u64 (out, done);
    aw_textbuf_puts (out, "}\n");
}

uint64_t aw_topic_lag (const struct aw_topic *topic)
{
    uint64_t size = aw_topic_log_size (topic->log), lag = 0;

    for (uint32_t i = 0; i < topic->n_groups; i++)
        if (topic->groups[i]->n_receivers && size - topic->groups[i]->cursor > lag)
            lag = size - topic->groups[i]->cursor;
    return lag;
}

/*
 * Handing out
 */

/* The next receiver that will take one, in turn; NULL: nobody does. */
static struct aw_receiver *next_receiver (struct aw_group *group)
{
    for (uint32_t i = 0; i < group->n_receivers; i++) {
        struct aw_receiver *receiver = group->receivers[(group->turn + i) % group->n_receivers];

        if (receiver->credit)
            return receiver;
    }
    return NULL;
}

static int keep_in_flight (struct aw_receiver *receiver, uint64_t place)
{
    if (aw_array_reserve (&receiver->flight, &receiver->room, receiver->n_flight + 1) < 0)
        return -1;
    receiver->flight[receiver->n_flight++] = place;
    return 0;
}

static bool begins (const char *line, size_t size, const char *begin)
{
    size_t n = strlen (begin);

    return size >= n && memcmp (line, begin, n) == 0;
}

static bool is_note (const char *line, size_t size)
{
    return begins (line, size, GROUP_BEGIN);
}

/* Does nobody wait for the answer to this request? */
static bool is_dead (const struct aw_topic_user *user, const char *line, size_t size)
{
    return begins (line, size, REQUEST_BEGIN)
           && !user->is_pending (user->arg, strtoull (line + sizeof (REQUEST_BEGIN) - 1, NULL, 10));
}

static int hand_out_group (struct aw_group *group,
                           const struct aw_topic_user *user,
                           struct aw_error *err)
{
    struct aw_topic_log *log = group->topic->log;
    struct aw_receiver *receiver = next_receiver (group);

    while (receiver) {
        bool again = group->n_returned > 0;
        uint64_t place = again ? group->returned[group->n_returned - 1] : group->cursor, next;
        const char *line;
        size_t size;
        int rc = aw_topic_log_read (log, place, &line, &size, &next, err);

        if (rc <= 0)
            return rc;
        if (is_dead (user, line, size))
            group->moved = true;
        else if (!is_note (line, size)) {
            if (keep_in_flight (receiver, place) < 0)
                return aw_error_set (err, "out of memory");
            receiver->credit--;
            while (group->receivers[group->turn % group->n_receivers] != receiver)
                group->turn++;
            group->turn = (group->turn + 1) % group->n_receivers;
            user->hand_out (user->arg, receiver, line, size);
            receiver = next_receiver (group);
        }
        if (again)
            group->n_returned--;
        else
            group->cursor = next;
    }
    return 0;
}

int aw_topic_hand_out (struct aw_topic *topic,
                       const struct aw_topic_user *user,
                       struct aw_error *err)
{
    topic->due = false;
    for (uint32_t i = 0; i < topic->n_groups; i++) {
        if (hand_out_group (topic->groups[i], user, err) < 0)
            return -1;
        if (topic->groups[i]->moved)
            note_done (topic->groups[i]);
    }
    return 0;
}

/*
 * Life
 */

struct taking_up {
    struct aw_topic *topic;
    struct aw_names *senders;
    uint64_t *last;
};

static int take_up (
    void *arg, const struct aw_packet *line, uint64_t place, uint64_t next, struct aw_error *err)
{
    struct taking_up *up = arg;
    struct aw_group *group;
    uint32_t sender;
    bool made;

    (void)next;
    if (line->group.size) {
        if (line->seq > place || !aw_topic_is_good (line->group.text, line->group.size))
            return aw_error_set (err, "a line about a group is wrong");
        group = aw_topic_group (up->topic, &line->group, 0, 0, &made);
        if (!group)
            return aw_error_set (err, "out of memory");
        group->cursor = group->done = line->seq;
        return 0;
    }
    sender = aw_sender_number (up->senders, line->sender.text, line->sender.size);
    if (sender == AW_NAMES_NONE || !count (up->topic, sender, line->attempt, line->seq))
        return aw_error_set (err, "out of memory");
    if (line->reply > *up->last)
        *up->last = line->reply;
    return 0;
}

struct aw_topic *aw_topic_create (const char *dir,
                                  const char *name,
                                  struct aw_names *senders,
                                  uint64_t *last,
                                  struct aw_error *err)
{
    struct aw_topic *topic = calloc (1, sizeof (*topic));
    struct taking_up up = { topic, senders, last };

    if (!topic || !(topic->name = strdup (name))) {
        free (topic);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    topic->log = aw_topic_log_open (dir, name, take_up, &up, err);
    if (!topic->log) {
        aw_topic_destroy (topic);
        return NULL;
    }
    return topic;
}

void aw_topic_destroy (struct aw_topic *topic)
{
    size_t cursor = 0;
    void *sender;

    if (!topic)
        return;
    for (uint32_t i = 0; i < topic->n_groups; i++) {
        for (uint32_t r = 0; r < topic->groups[i]->n_receivers; r++) {
            free (topic->groups[i]->receivers[r]->flight);
            free (topic->groups[i]->receivers[r]);
        }
        free_group (topic->groups[i]);
    }
    while ((sender = aw_table_next (&topic->senders, &cursor)))
        free (sender);
    aw_table_finish (&topic->senders);
    aw_names_finish (&topic->group_numbers);
    aw_topic_log_close (topic->log);
    free (topic->groups);
    free (topic->name);
    free (topic);
}
