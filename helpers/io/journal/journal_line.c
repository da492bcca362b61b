/* SPDX-License-Identifier: Apache-2.0 */
/* An event as a line of the journal. Names of sets and nodes are escaped once, when they come, and
 * lines are put together without printf: an event costs well under a microsecond, so that what is
 * timed is the tasks.
 */
#include <errno.h>
#include <stdlib.h>

#include "io/journal/journal_members.h"
#include "io/journal/journal_private.h"
#include "io/json_string.h"
#include "util/array.h"

/* NAME as it stands within a JSON string. The caller frees it. */
static char *escaped (const char *name)
{
    struct aw_textbuf buf = { 0 };

    aw_json_put_text (&buf, name);
    aw_textbuf_putc (&buf, '\0');
    if (!buf.failed)
        return buf.data;
    aw_textbuf_finish (&buf);
    errno = ENOMEM;
    return NULL;
}

static int add_name (struct aw_journal_names *names, const char *name)
{
    char *text;

    if (aw_array_reserve (&names->texts, &names->room, names->n + (size_t)1) < 0)
        return -1;
    text = escaped (name);
    if (!text)
        return -1;
    names->texts[names->n++] = text;
    return 0;
}

void aw_journal_forget_names (struct aw_journal_names *names)
{
    while (names->n > 0)
        free (names->texts[--names->n]);
}

int aw_journal_name_sets (struct aw_journal *journal)
{
    while (journal->sets.n < journal->graph->n_sets)
        if (add_name (&journal->sets, journal->graph->sets[journal->sets.n].name) < 0)
            return -1;
    return 0;
}

static void put_name (struct aw_journal *journal, const struct aw_journal_names *names, uint32_t i)
{
    aw_textbuf_putc (&journal->buf, '"');
    aw_textbuf_puts (&journal->buf, names->texts[i]);
    aw_textbuf_putc (&journal->buf, '"');
}

static void put_task (struct aw_journal *journal, uint32_t id)
{
    struct aw_textbuf *buf = &journal->buf;
    struct aw_task task = aw_graph_task (journal->graph, id);

    aw_textbuf_putc (buf, '"');
    aw_textbuf_puts (buf, journal->sets.texts[task.set]);
    if (aw_graph_names_iteration (journal->graph, task.set)) {
        aw_textbuf_putc (buf, '@');
        aw_textbuf_u64 (buf, task.iteration);
    }
    aw_textbuf_putc (buf, '[');
    aw_textbuf_u64 (buf, task.index);
    aw_textbuf_puts (buf, "]\"");
}

static void put_ids (struct aw_textbuf *buf, const struct aw_idset *ids)
{
    aw_textbuf_putc (buf, '"');
    aw_textbuf_idset (buf, ids);
    aw_textbuf_putc (buf, '"');
}

/* The other nodes of a task over several. */
static void put_more (struct aw_journal *journal, const struct aw_event *ev)
{
    struct aw_textbuf *buf = &journal->buf;

    for (uint32_t i = 0; i < ev->n_more; i++) {
        aw_textbuf_puts (buf, i ? ",{\"node\":" : "[{\"node\":");
        put_name (journal, &journal->nodes, ev->more[i].node);
        aw_textbuf_puts (buf, ",\"cpus\":");
        put_ids (buf, &ev->more[i].cpus);
        aw_textbuf_puts (buf, ",\"gpus\":");
        put_ids (buf, &ev->more[i].gpus);
        aw_textbuf_putc (buf, '}');
    }
    aw_textbuf_putc (buf, ']');
}

static void put_sets (struct aw_journal *journal, const struct aw_idset *sets)
{
    char separator = '[';

    for (uint32_t i = aw_idset_next (sets, 0); i != AW_IDSET_NONE;
         i = aw_idset_next (sets, i + 1)) {
        aw_textbuf_putc (&journal->buf, separator);
        put_name (journal, &journal->sets, i);
        separator = ',';
    }
    aw_textbuf_puts (&journal->buf, separator == '[' ? "[]" : "]");
}

/* Ranges of one set follow each other. */
static void put_indexes (struct aw_journal *journal, const struct aw_resume *resume)
{
    struct aw_textbuf *buf = &journal->buf;

    aw_textbuf_putc (buf, '[');
    for (uint32_t i = 0; i < resume->n_dropped; i++) {
        const struct aw_indexes *at = &resume->dropped[i];

        if (i == 0 || at[-1].set != at->set) {
            aw_textbuf_puts (buf, i ? "]\",\"" : "\"");
            aw_textbuf_puts (buf, journal->sets.texts[at->set]);
            aw_textbuf_putc (buf, '[');
        }
        else
            aw_textbuf_putc (buf, ',');
        aw_textbuf_u64 (buf, at->first);
        if (at->last > at->first) {
            aw_textbuf_putc (buf, '-');
            aw_textbuf_u64 (buf, at->last);
        }
    }
    aw_textbuf_puts (buf, resume->n_dropped ? "]\"]" : "]");
}

static void put_int (struct aw_textbuf *buf, int value)
{
    if (value < 0)
        aw_textbuf_putc (buf, '-');
    aw_textbuf_u64 (buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void put_node (struct aw_journal *journal, uint32_t node)
{
    put_name (journal, &journal->nodes, node);
}

static void put_quoted (struct aw_textbuf *buf, const char *word)
{
    aw_textbuf_putc (buf, '"');
    aw_textbuf_puts (buf, word);
    aw_textbuf_putc (buf, '"');
}

static void put_member (struct aw_journal *journal, const struct aw_event *ev, int member)
{
    const struct aw_journal_member *m = &aw_journal_members[member];
    const void *value = aw_journal_value (ev, member);
    struct aw_textbuf *buf = &journal->buf;

    aw_textbuf_put (buf, m->head, m->head_size);
    switch (m->form) {
    case AW_JOURNAL_TYPE:
        put_quoted (buf, aw_event_type_name (ev->type));
        break;
    case AW_JOURNAL_TASK:
        put_task (journal, ev->task);
        break;
    case AW_JOURNAL_NODE:
        put_node (journal, ev->node);
        break;
    case AW_JOURNAL_STATUS:
        put_quoted (buf, aw_status_name (ev->status));
        break;
    case AW_JOURNAL_IDS:
        put_ids (buf, value);
        break;
    case AW_JOURNAL_TEXT:
        aw_json_put_string (buf, *(const char *const *)value);
        break;
    case AW_JOURNAL_U32:
        aw_textbuf_u64 (buf, *(const uint32_t *)value);
        break;
    case AW_JOURNAL_U64:
        aw_textbuf_u64 (buf, *(const uint64_t *)value);
        break;
    case AW_JOURNAL_INT:
        put_int (buf, *(const int *)value);
        break;
    case AW_JOURNAL_SECONDS:
        aw_textbuf_fixed (buf, member == AW_MEMBER_T ? journal->t : *(const double *)value, 6);
        break;
    case AW_JOURNAL_MORE:
        put_more (journal, ev);
        break;
    case AW_JOURNAL_SETS:
        put_sets (journal, value);
        break;
    case AW_JOURNAL_INDEXES:
        put_indexes (journal, ev->resume);
        break;
    }
}

/* Does an optional member of EV say something? */
static bool says (const struct aw_event *ev, int member)
{
    switch (member) {
    case AW_MEMBER_MORE:
        return ev->n_more > 0;
    case AW_MEMBER_CODE:
        return ev->code != 0;
    case AW_MEMBER_NODE_BYTES:
        return ev->node_bytes > 0;
    case AW_MEMBER_PORT:
        return ev->port != 0;
    case AW_MEMBER_FIRST_CALL:
        return ev->first_call != 0;
    case AW_MEMBER_GPU_UTIL:
        return ev->gpu_known && ev->gpu_util >= 0;
    case AW_MEMBER_GPU_MEM:
        return ev->gpu_known;
    case AW_MEMBER_BACKLOG:
        return ev->resume->backlog > 0;
    case AW_MEMBER_AGAIN:
        return ev->resume->workflow;
    case AW_MEMBER_DROPPED:
        return ev->resume->n_dropped > 0;
    default:
        return *(const char *const *)aw_journal_value (ev, member);
    }
}

void aw_journal_put_event (struct aw_journal *journal, const struct aw_event *ev)
{
    struct aw_event_members members = aw_event_members (ev->type);
    uint64_t always = members.required | members.usual, rest = always | members.optional;

    for (int member; rest; rest &= ~AW_MEMBER_BIT (member)) {
        member = __builtin_ctzll (rest);
        if (always & AW_MEMBER_BIT (member) || says (ev, member))
            put_member (journal, ev, member);
    }
    aw_textbuf_puts (&journal->buf, "}\n");
}

/* A node has joined: its number must be the next. */
static int add_node (struct aw_journal *journal, const struct aw_event *ev, struct aw_error *err)
{
    if (ev->node != journal->nodes.n || !ev->name)
        return aw_error_set (err, "node %u joins where number %u is next", ev->node,
                             journal->nodes.n);
    journal->lacks = add_name (&journal->nodes, ev->name) < 0;
    return journal->lacks ? aw_error_set (err, "out of memory") : 0;
}

static int check_numbers (const struct aw_journal *journal,
                          const struct aw_event *ev,
                          uint64_t required,
                          struct aw_error *err)
{
    if (required & AW_MEMBER_BIT (AW_MEMBER_TASK) && ev->task >= journal->graph->n_tasks)
        return aw_error_set (err, "no task has number %u", ev->task);
    if (ev->type != AW_EVENT_NODE && required & AW_MEMBER_BIT (AW_MEMBER_NODE)
        && ev->node >= journal->nodes.n)
        return aw_error_set (err, "no node has number %u", ev->node);
    for (uint32_t i = 0; i < ev->n_more; i++)
        if (ev->more[i].node >= journal->nodes.n)
            return aw_error_set (err, "no node has number %u", ev->more[i].node);
    return 0;
}

int aw_journal_check_event (struct aw_journal *journal,
                            const struct aw_event *ev,
                            struct aw_error *err)
{
    uint64_t required;

    if ((unsigned)ev->type >= AW_EVENT_TYPES)
        return aw_error_set (err, "no event has type %d", (int)ev->type);
    if (ev->type == AW_EVENT_RESUME && !ev->resume)
        return aw_error_set (err, "a RESUME without its contents");
    required = aw_event_members (ev->type).required;
    for (uint64_t rest = required; rest; rest &= rest - 1) {
        int member = __builtin_ctzll (rest);

        if (aw_journal_members[member].form == AW_JOURNAL_TEXT
            && !*(const char *const *)aw_journal_value (ev, member))
            return aw_error_set (err, "\"%s\" is missing", aw_journal_members[member].key);
    }
    if (check_numbers (journal, ev, required, err) < 0)
        return -1;
    if (ev->type == AW_EVENT_NODE)
        return add_node (journal, ev, err);
    if (ev->type == AW_EVENT_RESUME)
        aw_journal_forget_names (&journal->nodes);
    if (ev->type != AW_EVENT_ADD)
        return 0;
    journal->lacks = aw_journal_name_sets (journal) < 0;
    return journal->lacks ? aw_error_set (err, "out of memory") : 0;
}
