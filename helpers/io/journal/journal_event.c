/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the journal as an event: its names become numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/journal/journal_members.h"
#include "io/journal/journal_private.h"
#include "util/array.h"

enum { MAX_NODES = 1 << 20 };

void aw_journal_reader_finish (struct aw_journal_reader *reader)
{
    aw_names_finish (&reader->nodes);
    aw_idset_finish (&reader->ev.cpus);
    aw_idset_finish (&reader->ev.gpus);
    aw_idset_finish (&reader->resume.again);
    free (reader->dropped);
}

/* Was the workflow changed after this line? Then the line may name tasks that no longer exist. 1 or
 * 0; -1 with text.
 */
static int superseded (struct aw_journal_reader *reader, struct aw_error *err)
{
    if (!reader->changes_known
        && aw_journal_last_change (reader->fd, &reader->changed_at, NULL, 0) < 0)
        return aw_error_set (err, "cannot be read: %s", strerror (errno));
    reader->changes_known = true;
    return reader->n_lines < reader->changed_at;
}

static int read_task (struct aw_journal_reader *reader, const char *name, struct aw_error *err)
{
    struct aw_event *ev = &reader->ev;
    int removed;

    ev->task = aw_graph_task_parse (reader->graph, name);
    if (ev->task != AW_NONE)
        return 0;
    removed = superseded (reader, err);
    if (removed < 0)
        return -1;
    if (!removed)
        return aw_error_set (err, "the workflow has no task \"%.64s\"", name);
    return aw_event_names_task (ev->type) ? 1 : 0;
}

static int read_node (struct aw_journal_reader *reader, const char *name, struct aw_error *err)
{
    struct aw_event *ev = &reader->ev;

    if (ev->type == AW_EVENT_NODE) {
        if (reader->n_nodes >= MAX_NODES)
            return aw_error_set (err, "more than %d nodes", MAX_NODES);
        ev->node = reader->n_nodes++;
        ev->name = name;
        if (aw_names_set (&reader->nodes, name, ev->node) < 0)
            return aw_error_set (err, "out of memory");
        return 0;
    }
    ev->node = aw_names_get (&reader->nodes, name, strlen (name));
    if (ev->node == AW_NAMES_NONE)
        return aw_error_set (err, "no node with the name \"%.64s\" has joined", name);
    return 0;
}

static int read_status (struct aw_event *ev, const char *name, struct aw_error *err)
{
    int status = aw_status_parse (name);

    if (status < 0)
        return aw_error_set (err, "unknown status \"%.64s\"", name);
    ev->status = (enum aw_status)status;
    return 0;
}

static int read_more (struct aw_journal_reader *reader,
                      struct aw_journal_more *more,
                      struct aw_error *err)
{
    if (aw_journal_read_more (more, &reader->nodes, err) < 0)
        return -1;
    reader->ev.more = more->read;
    reader->ev.n_more = more->n;
    return 0;
}

static int read_sets (struct aw_journal_reader *reader,
                      const struct aw_journal_line *line,
                      struct aw_error *err)
{
    for (size_t i = 0; i < line->again.n; i++) {
        uint32_t set = aw_graph_find (reader->graph, line->again.texts[i]);

        if (set != AW_NONE && aw_idset_add (&reader->resume.again, set, set) < 0)
            return aw_error_set (err, "out of memory");
    }
    return 0;
}

/* A number at *P. 0, or -1. */
static int read_index (const char **p, uint32_t *index)
{
    uint64_t n = 0;

    if (**p < '0' || **p > '9')
        return -1;
    for (; **p >= '0' && **p <= '9' && n < AW_MAX_TASKS; ++*p)
        n = n * 10 + (uint64_t)(**p - '0');
    *index = (uint32_t)n;
    return n < AW_MAX_TASKS ? 0 : -1;
}

/* The ranges of SET, "0-3,8]", at P. */
static int read_ranges (struct aw_journal_reader *reader, uint32_t set, const char *p)
{
    do {
        struct aw_indexes at = { .set = set };
        uint32_t n = reader->resume.n_dropped;

        if (read_index (&p, &at.first) < 0)
            return -1;
        at.last = at.first;
        if (*p == '-' && (p++, read_index (&p, &at.last) < 0 || at.last < at.first))
            return -1;
        if (set == AW_NONE)
            continue;
        if (aw_array_reserve (&reader->dropped, &reader->dropped_room, n + (size_t)1) < 0)
            return -1;
        reader->dropped[n] = at;
        reader->resume.n_dropped++;
        reader->resume.dropped = reader->dropped;
    } while (*p++ == ',');
    return strcmp (p - 1, "]") == 0 ? 0 : -1;
}

/* Sets that the workflow no longer has are passed over. */
static int read_dropped (struct aw_journal_reader *reader,
                         const struct aw_journal_line *line,
                         struct aw_error *err)
{
    for (size_t i = 0; i < line->dropped.n; i++) {
        char *text = line->dropped.texts[i], *bracket = strrchr (text, '[');
        uint32_t set;

        if (!bracket)
            return aw_error_set (err, "\"dropped\": \"%.64s\" names no tasks", text);
        *bracket = '\0';
        set = aw_graph_find (reader->graph, text);
        errno = 0;
        if (read_ranges (reader, set, bracket + 1) < 0)
            return aw_error_set (
                err, errno == ENOMEM ? "out of memory" : "\"dropped\": no list of indexes of %.64s",
                text);
    }
    return 0;
}

/* As read_event. */
static int read_member (struct aw_journal_reader *reader,
                        struct aw_journal_line *line,
                        int member,
                        struct aw_error *err)
{
    const struct aw_journal_member *m = &aw_journal_members[member];
    void *place = aw_journal_place (&reader->ev, &reader->resume, member);
    const char *text = line->text[member];
    double number = line->number[member];

    switch (m->form) {
    case AW_JOURNAL_TYPE:
        return 0; /* was read first */
    case AW_JOURNAL_TASK:
        return read_task (reader, text, err);
    case AW_JOURNAL_NODE:
        return read_node (reader, text, err);
    case AW_JOURNAL_STATUS:
        return read_status (&reader->ev, text, err);
    case AW_JOURNAL_IDS:
        return aw_journal_read_ids (place, m->key, text, err);
    case AW_JOURNAL_TEXT:
        *(const char **)place = text;
        return 0;
    case AW_JOURNAL_U32:
        *(uint32_t *)place = (uint32_t)number;
        return 0;
    case AW_JOURNAL_U64:
        *(uint64_t *)place = (uint64_t)number;
        return 0;
    case AW_JOURNAL_INT:
        *(int *)place = (int)number;
        return 0;
    case AW_JOURNAL_SECONDS:
        *(double *)place = number;
        return 0;
    case AW_JOURNAL_MORE:
        return read_more (reader, &line->more, err);
    case AW_JOURNAL_SETS:
        return read_sets (reader, line, err);
    case AW_JOURNAL_INDEXES:
        return read_dropped (reader, line, err);
    }
    return 0;
}

/* The type of the event, whose members must be there. */
static int read_type (struct aw_journal_line *line,
                      struct aw_event_members *members,
                      struct aw_error *err)
{
    const char *name = line->text[AW_MEMBER_EVENT];
    int type = line->seen & AW_MEMBER_BIT (AW_MEMBER_EVENT) ? aw_event_type_parse (name) : 0;
    uint64_t missing;

    if (type < 0)
        return aw_error_set (err, "unknown event \"%.64s\"", name);
    *members = aw_event_members ((enum aw_event_type)type);
    missing = members->required & ~line->seen;
    if (missing)
        return aw_error_set (err, "\"%s\" is missing",
                             aw_journal_members[__builtin_ctzll (missing)].key);
    return type;
}

/* Nothing said but the sets, which keep their memory and become empty. */
static int clear (struct aw_journal_reader *reader, int type)
{
    struct aw_event *ev = &reader->ev;
    struct aw_event fresh = {
        .type = (enum aw_event_type)type, .cpus = ev->cpus, .gpus = ev->gpus, .gpu_util = -1
    };

    *ev = fresh;
    if (aw_idset_parse (&ev->cpus, "") < 0 || aw_idset_parse (&ev->gpus, "") < 0)
        return -1;
    if (type == AW_EVENT_RESUME) {
        aw_idset_finish (&reader->resume.again);
        memset (&reader->resume, 0, sizeof (reader->resume));
        ev->resume = &reader->resume;
        aw_names_finish (&reader->nodes);
        reader->n_nodes = 0;
    }
    return 0;
}

/* What is added grows the graph. */
static int grow (struct aw_journal_reader *reader, struct aw_error *err)
{
    if (!reader->add)
        return aw_error_set (err, "a task adds tasks, but the workflow file is not known here");
    return reader->add (reader->workflow, reader->ev.text, err);
}

int aw_journal_read_event (struct aw_journal_reader *reader,
                           struct aw_journal_line *line,
                           struct aw_error *err)
{
    struct aw_event_members members = { 0 };
    int type = read_type (line, &members, err);
    uint64_t rest;

    if (type < 0)
        return -1;
    if (line->number[AW_MEMBER_T] < reader->t)
        return aw_error_set (err, "time goes back from %.6f to %.6f", reader->t,
                             line->number[AW_MEMBER_T]);
    reader->t = line->number[AW_MEMBER_T];
    if (clear (reader, type) < 0)
        return aw_error_set (err, "out of memory");
    rest = line->seen & (members.required | members.usual | members.optional);
    for (int rc; rest; rest &= rest - 1)
        if ((rc = read_member (reader, line, __builtin_ctzll (rest), err)) != 0)
            return rc;
    reader->ev.gpu_known = line->seen & AW_MEMBER_BIT (AW_MEMBER_GPU_MEM);
    return type == AW_EVENT_ADD ? grow (reader, err) : 0;
}
