/* SPDX-License-Identifier: Apache-2.0 */
/* The journal that a coordinator writes: its file and its header. Its lines are made in
 * journal_line.c.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal/journal_private.h"
#include "io/journal/run_dir.h"
#include "io/json_string.h"
#include "util/read.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

enum { JOURNAL_VERSION = 1 };

static void destroy (struct aw_journal *journal)
{
    if (journal->fd >= 0)
        close (journal->fd);
    aw_journal_forget_names (&journal->sets);
    aw_journal_forget_names (&journal->nodes);
    free (journal->sets.texts);
    free (journal->nodes.texts);
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

static void put_header (struct aw_journal *journal, const struct aw_journal_header *header)
{
    struct aw_textbuf *buf = &journal->buf;
    struct aw_outlook outlook = header->outlook;

    aw_textbuf_puts (buf, "{\"async-workflow-journal\":");
    aw_textbuf_u64 (buf, JOURNAL_VERSION);
    aw_textbuf_puts (buf, ",\"epoch\":");
    aw_textbuf_fixed (buf, header->epoch, 6);
    put_text (buf, ",\"name\":", header->name);
    put_text (buf, ",\"mode\":", header->mode);
    put_text (buf, ",\"policy\":", header->policy);
    if (header->backlog > 0) {
        aw_textbuf_puts (buf, ",\"backlog\":");
        aw_textbuf_fixed (buf, header->backlog, 6);
    }
    put_text (buf, ",\"job\":", header->job);
    put_text (buf, ",\"directory\":", header->directory);
    put_text (buf, ",\"logs\":", header->logs);
    for (size_t i = 0; i < AW_OUTLOOK_MEMBERS; i++)
        if (*aw_outlook_member (&outlook, i) > 0) {
            aw_textbuf_printf (buf, ",\"%s\":", aw_outlook_names[i]);
            aw_textbuf_fixed (buf, *aw_outlook_member (&outlook, i), 6);
        }
    put_text (buf, ",\"durations_from\":", header->durations.from);
    aw_journal_put_durations (buf, &header->durations);
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
    if (journal->path && aw_journal_name_sets (journal) == 0)
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
        ssize_t n = aw_read_at (fd, data, want, size - (off_t)want);
        const char *newline;

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

int aw_journal_append (struct aw_journal *journal, const struct aw_event *ev, struct aw_error *err)
{
    size_t len = journal->buf.len;

    if (journal->lacks)
        return aw_error_set (err, "%s: an earlier event is missing", journal->path);
    if (aw_journal_check_event (journal, ev, err) < 0)
        return aw_error_prefix (err, journal->path);
    if (ev->t > journal->t)
        journal->t = ev->t;
    aw_journal_put_event (journal, ev);
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

void aw_journal_abandon (struct aw_journal *journal)
{
    journal->buf.len = 0;
    journal->lacks = true;
}

bool aw_journal_is_gone (const struct aw_journal *journal)
{
    return aw_run_dir_file_is_gone (journal->fd, journal->path);
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
