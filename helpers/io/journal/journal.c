/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the journal. Names of sets and nodes are escaped once and lines are put together without
 * printf: an event costs well under a microsecond, so that what is timed is the tasks.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "io/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/json_string.h"
#include "io/textbuf.h"
#include "util/array.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

enum { JOURNAL_VERSION = 1 };

struct aw_journal {
    char *path; /* for messages */
    int fd;
    const struct aw_graph *graph; /* borrowed */
    struct aw_textbuf buf; /* what is not yet written */
    char **sets; /* their names as they stand in JSON */
    uint32_t n_sets, set_room;
    char **nodes; /* the same of the nodes that have joined */
    uint32_t n_nodes, node_room;
    double t; /* of the last event: time never falls */
    bool lacks; /* an event that there was no memory for: what follows would not be understood */
};

/* NAME as it stands within a JSON string. The caller frees it. */
static char *escaped (const char *name)
{
    struct aw_textbuf buf = { 0 };

    aw_json_put_text (&buf, name);
    aw_textbuf_putc (&buf, '\0');
    if (buf.failed) {
        aw_textbuf_finish (&buf);
        errno = ENOMEM;
        return NULL;
    }
    return buf.data;
}

/* All sets that the graph has now. */
static int escape_sets (struct aw_journal *journal)
{
    const struct aw_graph *graph = journal->graph;

    if (aw_array_reserve (&journal->sets, &journal->set_room, graph->n_sets) < 0)
        return -1;
    for (; journal->n_sets < graph->n_sets; journal->n_sets++) {
        journal->sets[journal->n_sets] = escaped (graph->sets[journal->n_sets].name);
        if (!journal->sets[journal->n_sets])
            return -1;
    }
    return 0;
}

static void destroy (struct aw_journal *journal)
{
    if (journal->fd >= 0)
        close (journal->fd);
    for (uint32_t i = 0; i < journal->n_sets; i++)
        free (journal->sets[i]);
    for (uint32_t i = 0; i < journal->n_nodes; i++)
        free (journal->nodes[i]);
    free (journal->sets);
    free (journal->nodes);
    free (journal->path);
    aw_textbuf_finish (&journal->buf);
    free (journal);
}

static void put_text (struct aw_textbuf *buf, const char *key, const char *text)
{
    if (!text)
        return;
    aw_textbuf_puts (buf, key);
    aw_json_put_string (buf, text);
}

static void put_seconds (struct aw_textbuf *buf, const char *key, double seconds)
{
    aw_textbuf_puts (buf, key);
    aw_textbuf_fixed (buf, seconds, 6);
}

static void put_header (struct aw_journal *journal, const struct aw_journal_header *header)
{
    struct aw_textbuf *buf = &journal->buf;

    aw_textbuf_puts (buf, "{\"async-workflow-journal\":");
    aw_textbuf_u64 (buf, JOURNAL_VERSION);
    aw_textbuf_puts (buf, ",\"epoch\":");
    aw_textbuf_fixed (buf, header->epoch, 6);
    put_text (buf, ",\"name\":", header->name);
    put_text (buf, ",\"mode\":", header->mode);
    put_text (buf, ",\"policy\":", header->policy);
    put_text (buf, ",\"job\":", header->job);
    put_text (buf, ",\"directory\":", header->directory);
    if (header->predicted > 0)
        put_seconds (buf, ",\"predicted\":", header->predicted);
    put_text (buf, ",\"version\":", PACKAGE_VERSION);
    aw_textbuf_puts (buf, "}\n");
}

/* Without a file. NULL with text. */
static struct aw_journal *make (const char *path,
                                const struct aw_graph *graph,
                                struct aw_error *err)
{
    struct aw_journal *journal = calloc (1, sizeof (*journal));

    if (!journal) {
        aw_error_set (err, "%s: out of memory", path);
        return NULL;
    }
    journal->graph = graph;
    journal->fd = -1;
    journal->path = strdup (path);
    if (journal->path && escape_sets (journal) == 0)
        return journal;
    aw_error_set (err, "%s: out of memory", path);
    destroy (journal);
    return NULL;
}

struct aw_journal *aw_journal_create (const char *path,
                                      const struct aw_graph *graph,
                                      const struct aw_journal_header *header,
                                      struct aw_error *err)
{
    struct aw_journal *journal = make (path, graph, err);

    if (!journal)
        return NULL;
    journal->fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (journal->fd < 0) {
        aw_error_set (err, "%s: %s", path, strerror (errno));
        goto fail;
    }
    flock (journal->fd, LOCK_EX | LOCK_NB); /* where there are no locks there is none */
    put_header (journal, header);
    if (aw_journal_flush (journal, err) < 0)
        goto fail;
    return journal;
fail:
    destroy (journal);
    return NULL;
}

/* Where the last whole line of FD, SIZE bytes long, ends: 0 where there is none. -1 with errno. */
static off_t end_of_lines (int fd, off_t size)
{
    char data[1 << 14];

    while (size > 0) {
        size_t want = size < (off_t)sizeof (data) ? (size_t)size : sizeof (data);
        ssize_t n = pread (fd, data, want, size - (off_t)want);
        const char *newline;

        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)want) {
            errno = n < 0 ? errno : EIO; /* somebody shortens it */
            return -1;
        }
        newline = memrchr (data, '\n', want);
        size -= (off_t)want;
        if (newline)
            return size + (newline - data) + 1;
    }
    return 0;
}

struct aw_journal *aw_journal_reopen (const char *path,
                                      const struct aw_graph *graph,
                                      size_t *lost,
                                      struct aw_error *err)
{
    struct aw_journal *journal = make (path, graph, err);
    struct stat st;
    off_t end;

    if (!journal)
        return NULL;
    journal->fd = open (path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (journal->fd < 0 || fstat (journal->fd, &st) < 0)
        goto fail;
    flock (journal->fd, LOCK_EX | LOCK_NB);
    end = end_of_lines (journal->fd, st.st_size);
    if (end < 0 || (end < st.st_size && ftruncate (journal->fd, end) < 0))
        goto fail;
    if (lost)
        *lost = (size_t)(st.st_size - end);
    return journal;
fail:
    aw_error_set (err, "%s: %s", path, strerror (errno));
    destroy (journal);
    return NULL;
}

static void put_task (struct aw_journal *journal, uint32_t id)
{
    struct aw_textbuf *buf = &journal->buf;
    struct aw_task task = aw_graph_task (journal->graph, id);

    aw_textbuf_puts (buf, ",\"task\":\"");
    aw_textbuf_puts (buf, journal->sets[task.set]);
    if (aw_graph_names_iteration (journal->graph, task.set)) {
        aw_textbuf_putc (buf, '@');
        aw_textbuf_u64 (buf, task.iteration);
    }
    aw_textbuf_putc (buf, '[');
    aw_textbuf_u64 (buf, task.index);
    aw_textbuf_puts (buf, "]\"");
}

static void put_number (struct aw_textbuf *buf, const char *key, uint64_t value)
{
    aw_textbuf_puts (buf, key);
    aw_textbuf_u64 (buf, value);
}

static void put_ids (struct aw_textbuf *buf, const char *key, const struct aw_idset *ids)
{
    aw_textbuf_puts (buf, key);
    aw_textbuf_putc (buf, '"');
    aw_textbuf_idset (buf, ids);
    aw_textbuf_putc (buf, '"');
}

static void put_node (struct aw_journal *journal, uint32_t node)
{
    aw_textbuf_puts (&journal->buf, ",\"node\":\"");
    aw_textbuf_puts (&journal->buf, journal->nodes[node]);
    aw_textbuf_putc (&journal->buf, '"');
}

/* The other nodes of a task over several. */
static void put_more (struct aw_journal *journal, const struct aw_event *ev)
{
    struct aw_textbuf *buf = &journal->buf;

    for (uint32_t i = 0; i < ev->n_more; i++) {
        aw_textbuf_puts (buf, i ? ",{\"node\":\"" : ",\"more\":[{\"node\":\"");
        aw_textbuf_puts (buf, journal->nodes[ev->more[i].node]);
        aw_textbuf_putc (buf, '"');
        put_ids (buf, ",\"cpus\":", &ev->more[i].cpus);
        put_ids (buf, ",\"gpus\":", &ev->more[i].gpus);
        aw_textbuf_putc (buf, '}');
    }
    aw_textbuf_putc (buf, ']');
}

static void put_finish (struct aw_textbuf *buf, const struct aw_event *ev)
{
    aw_textbuf_puts (buf, ",\"status\":\"");
    aw_textbuf_puts (buf, aw_status_name (ev->status));
    aw_textbuf_puts (buf, "\"");
    aw_textbuf_printf (buf, ",\"code\":%d,\"signal\":%d", ev->code, ev->signal);
    put_seconds (buf, ",\"seconds\":", ev->seconds);
    put_seconds (buf, ",\"cpu_seconds\":", ev->cpu_seconds);
    put_number (buf, ",\"max_rss\":", ev->max_rss);
    if (ev->gpu_known) {
        if (ev->gpu_util >= 0)
            put_seconds (buf, ",\"gpu_util\":", ev->gpu_util);
        put_number (buf, ",\"gpu_mem\":", ev->gpu_mem);
    }
}

static void forget_nodes (struct aw_journal *journal)
{
    for (uint32_t i = 0; i < journal->n_nodes; i++)
        free (journal->nodes[i]);
    journal->n_nodes = 0;
}

static void put_resume (struct aw_journal *journal, const struct aw_resume *resume)
{
    struct aw_textbuf *buf = &journal->buf;
    const char *separator = "";

    aw_textbuf_puts (buf, ",\"epoch\":");
    aw_textbuf_fixed (buf, resume->epoch, 6);
    put_text (buf, ",\"job\":", resume->job);
    put_text (buf, ",\"mode\":", resume->mode);
    put_text (buf, ",\"policy\":", resume->policy);
    put_text (buf, ",\"workflow\":", resume->workflow);
    if (!resume->workflow)
        return;
    aw_textbuf_puts (buf, ",\"again\":[");
    for (uint32_t i = aw_idset_next (&resume->again, 0); i != AW_IDSET_NONE;
         i = aw_idset_next (&resume->again, i + 1)) {
        aw_textbuf_printf (buf, "%s\"", separator);
        aw_textbuf_puts (buf, journal->sets[i]);
        aw_textbuf_putc (buf, '"');
        separator = ",";
    }
    aw_textbuf_putc (buf, ']');
}

static bool is_staging (enum aw_event_type type)
{
    return type == AW_EVENT_STAGE || type == AW_EVENT_STAGED || type == AW_EVENT_RELEASE;
}

/* The members that an event of its type has. */
static void put_event (struct aw_journal *journal, const struct aw_event *ev)
{
    struct aw_textbuf *buf = &journal->buf;
    bool task = ev->type == AW_EVENT_CANCEL || ev->type == AW_EVENT_ADD
                || ev->type == AW_EVENT_READY || ev->type == AW_EVENT_START
                || ev->type == AW_EVENT_KILL || ev->type == AW_EVENT_FINISH
                || ev->type == AW_EVENT_SKIP || is_staging (ev->type);

    put_seconds (buf, "{\"t\":", journal->t);
    aw_textbuf_puts (buf, ",\"event\":\"");
    aw_textbuf_puts (buf, aw_event_type_name (ev->type));
    aw_textbuf_putc (buf, '"');
    if (task)
        put_task (journal, ev->task);
    if (task && ev->type != AW_EVENT_SKIP && ev->type != AW_EVENT_CANCEL)
        put_number (buf, ",\"attempt\":", ev->attempt);
    if (ev->type == AW_EVENT_NODE || ev->type == AW_EVENT_NODE_LOST
        || ev->type == AW_EVENT_NODE_DRAIN || ev->type == AW_EVENT_START
        || ev->type == AW_EVENT_FINISH || is_staging (ev->type))
        put_node (journal, ev->node);
    if (ev->type == AW_EVENT_NODE || ev->type == AW_EVENT_START) {
        put_ids (buf, ",\"cpus\":", &ev->cpus);
        put_ids (buf, ",\"gpus\":", &ev->gpus);
    }
    if (ev->type == AW_EVENT_START && ev->n_more > 0)
        put_more (journal, ev);
    if (ev->type == AW_EVENT_NODE)
        put_number (buf, ",\"mem\":", ev->mem);
    if (ev->type == AW_EVENT_NODE)
        put_text (buf, ",\"topology\":", ev->topology);
    if (ev->type == AW_EVENT_FINISH)
        put_finish (buf, ev);
    if (ev->type == AW_EVENT_LIMIT || ev->type == AW_EVENT_STAGED || ev->type == AW_EVENT_RELEASE)
        put_seconds (buf, ",\"seconds\":", ev->seconds);
    if (ev->type == AW_EVENT_STAGED)
        put_number (buf, ",\"bytes\":", ev->bytes);
    if (ev->type == AW_EVENT_END
        || ((ev->type == AW_EVENT_STOP || ev->type == AW_EVENT_CANCEL
             || ev->type == AW_EVENT_NODE_DRAIN)
            && ev->code))
        aw_textbuf_printf (buf, ",\"code\":%d", ev->code);
    if (ev->type == AW_EVENT_MESSAGE)
        put_text (buf, ",\"topic\":", ev->name);
    if (ev->type == AW_EVENT_MESSAGE || ev->type == AW_EVENT_CANCEL)
        put_number (buf, ",\"count\":", ev->count);
    if (ev->type == AW_EVENT_RESUME)
        put_resume (journal, ev->resume);
    if (ev->type == AW_EVENT_ADD)
        put_text (buf, ",\"workflow\":", ev->text);
    put_text (buf, ",\"reason\":", ev->reason);
    aw_textbuf_puts (buf, "}\n");
}

/* A node has joined: its number must be the next. */
static int add_node (struct aw_journal *journal, const struct aw_event *ev, struct aw_error *err)
{
    if (ev->node != journal->n_nodes || !ev->name)
        return aw_error_set (err, "%s: node %u where number %u comes next", journal->path, ev->node,
                             journal->n_nodes);
    journal->lacks = true;
    if (aw_array_reserve (&journal->nodes, &journal->node_room, journal->n_nodes + 1) < 0)
        return aw_error_set (err, "%s: out of memory", journal->path);
    journal->nodes[journal->n_nodes] = escaped (ev->name);
    if (!journal->nodes[journal->n_nodes])
        return aw_error_set (err, "%s: out of memory", journal->path);
    journal->lacks = false;
    journal->n_nodes++;
    return 0;
}

static int check (struct aw_journal *journal, const struct aw_event *ev, struct aw_error *err)
{
    switch (ev->type) {
    case AW_EVENT_NODE:
        return add_node (journal, ev, err);
    case AW_EVENT_READY:
    case AW_EVENT_KILL:
    case AW_EVENT_SKIP:
    case AW_EVENT_CANCEL:
        if (ev->task >= journal->graph->n_tasks)
            return aw_error_set (err, "%s: no task has number %u", journal->path, ev->task);
        return 0;
    case AW_EVENT_STAGE:
    case AW_EVENT_STAGED:
    case AW_EVENT_RELEASE:
    case AW_EVENT_START:
    case AW_EVENT_FINISH:
        if (ev->task >= journal->graph->n_tasks)
            return aw_error_set (err, "%s: no task has number %u", journal->path, ev->task);
        for (uint32_t i = 0; i < ev->n_more; i++)
            if (ev->more[i].node >= journal->n_nodes)
                return aw_error_set (err, "%s: no node has number %u", journal->path,
                                     ev->more[i].node);
        /* fall through */
    case AW_EVENT_NODE_LOST:
    case AW_EVENT_NODE_DRAIN:
        if (ev->node >= journal->n_nodes)
            return aw_error_set (err, "%s: no node has number %u", journal->path, ev->node);
        return 0;
    case AW_EVENT_ADD:
        if (!ev->text || ev->task >= journal->graph->n_tasks)
            return aw_error_set (err, "%s: nothing is added, or by nobody", journal->path);
        journal->lacks = escape_sets (journal) < 0;
        return journal->lacks ? aw_error_set (err, "%s: out of memory", journal->path) : 0;
    case AW_EVENT_RESUME:
        if (!ev->resume)
            return aw_error_set (err, "%s: a RESUME tells nothing", journal->path);
        forget_nodes (journal);
        return 0;
    case AW_EVENT_MESSAGE:
        if (!ev->name)
            return aw_error_set (err, "%s: messages without a topic", journal->path);
        return 0;
    case AW_EVENT_STOP:
    case AW_EVENT_END:
    case AW_EVENT_WAKE:
    case AW_EVENT_LIMIT:
        return 0;
    case AW_EVENT_TYPES:
        break;
    }
    return aw_error_set (err, "%s: no event has type %d", journal->path, (int)ev->type);
}

int aw_journal_append (struct aw_journal *journal, const struct aw_event *ev, struct aw_error *err)
{
    size_t len = journal->buf.len;

    if (journal->lacks)
        return aw_error_set (err, "%s: an event before is missing", journal->path);
    if (check (journal, ev, err) < 0)
        return -1;
    if (ev->t > journal->t)
        journal->t = ev->t;
    put_event (journal, ev);
    if (journal->buf.failed) {
        journal->buf.failed = false;
        journal->buf.len = len; /* no half line */
        journal->lacks = true;
        return aw_error_set (err, "%s: out of memory", journal->path);
    }
    return 0;
}

size_t aw_journal_pending (const struct aw_journal *journal)
{
    return journal->buf.len;
}

int aw_journal_flush_first (struct aw_journal *journal, size_t size, struct aw_error *err)
{
    struct aw_textbuf *buf = &journal->buf;
    size_t done = 0;
    int rc = 0;

    while (done < size) {
        ssize_t n = write (journal->fd, buf->data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = aw_error_set (err, "%s: %s", journal->path, strerror (errno));
            break;
        }
        done += (size_t)n;
    }
    if (done) {
        memmove (buf->data, buf->data + done, buf->len - done);
        buf->len -= done;
    }
    return rc;
}

int aw_journal_flush (struct aw_journal *journal, struct aw_error *err)
{
    return aw_journal_flush_first (journal, journal->buf.len, err);
}

struct aw_sync_file aw_journal_file (const struct aw_journal *journal)
{
    return (struct aw_sync_file){ .fd = journal->fd, .path = journal->path };
}

int aw_journal_sync (struct aw_journal *journal, struct aw_error *err)
{
    struct aw_sync_file file = aw_journal_file (journal);
    const struct aw_sync_list list = { .files = &file, .n = 1 };

    return aw_journal_flush (journal, err) < 0 ? -1 : aw_sync (&list, err);
}

int aw_journal_close (struct aw_journal *journal, struct aw_error *err)
{
    int rc;

    if (!journal)
        return 0;
    rc = aw_journal_sync (journal, err);
    if (close (journal->fd) < 0 && rc == 0)
        rc = aw_error_set (err, "%s: %s", journal->path, strerror (errno));
    journal->fd = -1;
    destroy (journal);
    return rc;
}
