/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coord/messages/message_state.h"

static void send_plain (
    struct aw_hub *hub, enum aw_packet_kind kind, uint32_t node, uint32_t conn, uint32_t number)
{
    struct aw_packet packet = { .kind = kind, .conn = conn, .number = number };

    hub->callbacks.send (hub->callbacks.arg, node, &packet, NULL, 0);
}

/*
 * Flush
 */

bool aw_hub_is_due (const struct aw_hub *hub)
{
    return hub->active;
}

static void accept_messages (struct aw_hub *hub)
{
    uint32_t n = hub->n_due;

    hub->n_due = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct aw_hub_connection *c = hub->due[i];

        if (c->topic && aw_topic_lag (c->topic) > AW_HUB_LAG) {
            hub->due[hub->n_due++] = c;
            continue;
        }
        c->due = false;
        send_plain (hub, AW_PACKET_ACCEPTED, c->node, c->conn, c->unaccepted);
        c->unaccepted = 0;
    }
}

static void on_hand_out (void *arg,
                         const struct aw_receiver *receiver,
                         const char *line,
                         size_t size)
{
    struct aw_hub *hub = arg;
    struct aw_packet packet = {
        .kind = AW_PACKET_MESSAGE,
        .conn = receiver->conn,
        .number = receiver->number,
        .topic = aw_piece_of (receiver->group->topic->name),
    };

    hub->callbacks.send (hub->callbacks.arg, receiver->node, &packet, line, size);
}

static bool on_is_pending (void *arg, uint64_t id)
{
    const struct aw_hub *hub = arg;

    return aw_table_get (&hub->requests, id) != NULL;
}

/* Writes, counts, hands out. */
static int flush_topics (struct aw_hub *hub, struct aw_error *err)
{
    const struct aw_topic_user user = { on_hand_out, on_is_pending, hub };

    for (uint32_t i = 0; i < hub->n_topics; i++)
        if (hub->topics[i]->due && aw_topic_log_flush (hub->topics[i]->log, err) < 0)
            return -1;
    for (uint32_t i = 0; i < hub->n_topics; i++) {
        struct aw_topic *topic = hub->topics[i];

        if (!topic->due)
            continue;
        if (aw_topic_hand_out (topic, &user, err) < 0)
            return -1;
        if (topic->count > topic->published)
            hub->callbacks.counted (hub->callbacks.arg, topic->name, topic->count);
        topic->published = topic->count;
    }
    return 0;
}

int aw_hub_flush (struct aw_hub *hub, struct aw_error *err)
{
    struct aw_error why;

    if (!hub->active)
        return 0;
    if (!hub->failed && flush_topics (hub, &why) < 0)
        aw_hub_fail (hub, &why);
    hub->active = false;
    if (hub->failed)
        return aw_error_set (err, "%s", hub->failure.text);
    accept_messages (hub);
    return 0;
}

/* Opens the directory of the logs, and the one that it is in. */
static int open_dirs (struct aw_hub *hub, struct aw_error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    if (hub->dir_fd < 0)
        hub->dir_fd = open (hub->dir, flags);
    if (hub->dir_fd >= 0 && hub->parent_fd < 0)
        hub->parent_fd = openat (hub->dir_fd, "..", flags);
    if (hub->parent_fd < 0)
        return aw_error_set (err, "%s: cannot be opened for fsync: %s", hub->dir, strerror (errno));
    return 0;
}

int aw_hub_unsynced (struct aw_hub *hub, struct aw_sync_list *list, struct aw_error *err)
{
    for (uint32_t i = 0; i < hub->n_topics; i++)
        if (aw_topic_log_unsynced (hub->topics[i]->log, list, err) < 0)
            return -1;
    if (!hub->dir_unsynced)
        return 0;
    if (open_dirs (hub, err) < 0
        || aw_sync_list_add (list, &(struct aw_sync_file){ hub->dir_fd, hub->dir, true }, err) < 0
        || aw_sync_list_add (list, &(struct aw_sync_file){ hub->parent_fd, hub->dir, true }, err)
               < 0)
        return -1;
    hub->dir_unsynced = false;
    return 0;
}

/*
 * Life
 */

void aw_hub_task_ended (struct aw_hub *hub, uint32_t task, uint32_t attempt)
{
    struct aw_group *group = aw_table_remove (&hub->own_groups, aw_hub_pair (task, attempt));

    while (group) {
        struct aw_group *next = group->next_own;

        if (group->n_receivers == 0)
            aw_topic_remove_group (group->topic, group);
        group = next;
    }
}

void aw_hub_node_lost (struct aw_hub *hub, uint32_t node)
{
    struct aw_hub_connection *c;
    size_t cursor = 0;

    while ((c = aw_table_next (&hub->connections, &cursor))) {
        if (c->node != node)
            continue;
        aw_hub_close (hub, c);
        cursor--;
    }
}

uint64_t aw_hub_count (const struct aw_hub *hub, const char *name)
{
    const struct aw_topic *topic = aw_hub_find_topic (hub, name, strlen (name));

    return topic ? topic->published : 0;
}

const char *aw_hub_next_topic (const struct aw_hub *hub, size_t *cursor, uint64_t *count)
{
    if (*cursor >= hub->n_topics)
        return NULL;
    *count = hub->topics[*cursor]->published;
    return hub->topics[(*cursor)++]->name;
}

/* What an earlier part of the run has left. */
static int take_up (struct aw_hub *hub, struct aw_error *err)
{
    char name[AW_TOPIC_MAX + 1];
    void *walk = NULL;
    int rc;

    while ((rc = aw_topic_log_list (hub->dir, &walk, name, sizeof (name), err)) > 0)
        if (aw_hub_add_topic (hub, name, err) < 0) {
            aw_topic_log_list_end (walk);
            return -1;
        }
    for (uint32_t i = 0; i < hub->n_topics; i++)
        hub->topics[i]->published = hub->topics[i]->count;
    return rc;
}

struct aw_hub *aw_hub_create (const char *dir,
                              const struct aw_hub_callbacks *callbacks,
                              struct aw_error *err)
{
    struct aw_hub *hub = calloc (1, sizeof (*hub));

    if (!hub || !(hub->dir = strdup (dir))) {
        free (hub);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    hub->callbacks = *callbacks;
    hub->dir_fd = hub->parent_fd = -1;
    if (take_up (hub, err) < 0) {
        aw_hub_destroy (hub);
        return NULL;
    }
    return hub;
}

static void free_all (struct aw_table *table)
{
    size_t cursor = 0;
    void *item;

    while ((item = aw_table_next (table, &cursor)))
        free (item);
    aw_table_finish (table);
}

void aw_hub_destroy (struct aw_hub *hub)
{
    int saved = errno;

    if (!hub)
        return;
    for (uint32_t i = 0; i < hub->n_topics; i++) {
        if (!hub->failed)
            aw_topic_log_flush (hub->topics[i]->log, NULL); /* notes of groups */
        aw_topic_destroy (hub->topics[i]);
    }
    free_all (&hub->connections);
    free_all (&hub->requests);
    aw_table_finish (&hub->own_groups);
    aw_names_finish (&hub->topic_numbers);
    aw_names_finish (&hub->senders);
    aw_textbuf_finish (&hub->text);
    free (hub->due);
    if (hub->dir_fd >= 0)
        close (hub->dir_fd);
    if (hub->parent_fd >= 0)
        close (hub->parent_fd);
    free (hub->dir);
    free (hub);
    errno = saved;
}
