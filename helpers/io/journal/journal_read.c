/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the journal, line by line through a window that moves over the file: it may be larger
 * than memory, and it may grow while it is read.
 */
#include "io/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal/journal_private.h"
#include "io/workflow/workflow.h"

enum {
    WINDOW = 1 << 18,
    /* A node of a million CPUs, every other one ours, needs 4 MB; what a task adds is 4 MiB, of
     * which escapes can make six bytes of one. */
    MAX_LINE = 32 << 20,
};

/* Lines out of a file. */
struct window {
    int fd;
    char *data;
    size_t size;
    size_t from, to; /* what has been read and not yet handed out */
    bool torn;
};

/* The next whole line, its newline replaced by a NUL; NULL at the end (errno 0) or with errno. */
static char *next_line (struct window *win)
{
    size_t seen = 0; /* of win->from..to */

    for (;;) {
        char *line = win->data + win->from;
        char *end = memchr (line + seen, '\n', win->to - win->from - seen);
        ssize_t n;

        if (end) {
            *end = '\0';
            win->from = (size_t)(end + 1 - win->data);
            errno = strlen (line) == (size_t)(end - line) ? 0 : EILSEQ;
            return errno ? NULL : line;
        }
        seen = win->to - win->from;
        memmove (win->data, line, seen);
        win->from = 0;
        win->to = seen;
        if (seen == win->size) {
            char *data = win->size < MAX_LINE ? realloc (win->data, win->size * 2) : NULL;
            if (!data) {
                errno = win->size < MAX_LINE ? ENOMEM : EMSGSIZE;
                return NULL;
            }
            win->data = data;
            win->size *= 2;
        }
        do
            n = read (win->fd, win->data + win->to, win->size - win->to);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return NULL;
        if (n == 0) {
            win->torn = seen > 0;
            errno = 0;
            return NULL;
        }
        win->to += (size_t)n;
    }
}

static const char *window_error (int error)
{
    return error == EILSEQ     ? "a NUL byte"
           : error == EMSGSIZE ? "the line is too long"
                               : strerror (error);
}

struct aw_journal_follow {
    struct aw_journal_reader reader;
    struct window win;
    struct aw_journal_line line;
    char *path; /* for messages. Owned */
    size_t n; /* lines handed out */
};

/* One line, by its number F->n. */
static int read_line (struct aw_journal_follow *f,
                      char *text,
                      struct aw_journal_header *header,
                      const struct aw_journal_reading *reading,
                      struct aw_error *err)
{
    int rc;

    if (f->n == 1) {
        rc = aw_journal_read_header (header, text, err);
        if (rc == 0 && f->reader.workflow)
            aw_journal_durations_apply (&header->durations, f->reader.workflow->graph);
        return rc;
    }
    rc = aw_journal_scan_line (&f->line, text, err);
    if (rc == 0)
        rc = aw_journal_read_event (&f->reader, &f->line, err);
    return rc == 0 && reading->fn ? reading->fn (reading->arg, &f->reader.ev, err) : rc;
}

/* All whole lines that are there now. */
static int read_lines (struct aw_journal_follow *f,
                       struct aw_journal_header *header,
                       struct aw_journal_reading *reading,
                       struct aw_error *err)
{
    char *text;
    int rc = 0;

    f->win.torn = false;
    while (rc >= 0 && !(reading->only_header && f->n) && ((text = next_line (&f->win)) || errno)) {
        f->reader.n_lines = ++f->n;
        rc = text ? read_line (f, text, header, reading, err)
                  : aw_error_set (err, "%s", window_error (errno));
    }
    reading->torn = f->win.torn;
    if (rc < 0) {
        struct aw_error why = err ? *err : (struct aw_error){ "" };

        return aw_error_set (err, "%s: line %zu: %s", f->path, f->n, why.text);
    }
    return 0;
}

static int open_file (const char *path, struct aw_error *err)
{
    struct stat st = { .st_mode = S_IFREG };
    /* A FIFO must not hold us up, nor a link lead to a device, which opening may set going. */
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

    if (fd < 0)
        return aw_error_set (err, "%s: %s", path,
                             errno == ELOOP ? "a symbolic link, not a regular file"
                                            : strerror (errno));
    if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode)) {
        aw_error_set (err, "%s: %s", path,
                      S_ISREG (st.st_mode) ? strerror (errno) : "not a regular file");
        close (fd);
        return -1;
    }
    return fd;
}

struct aw_journal_follow *aw_journal_follow_by (const struct aw_journal_reader *reader,
                                                const char *path,
                                                struct aw_journal_reading *reading,
                                                struct aw_journal_header *header,
                                                struct aw_error *err)
{
    struct aw_journal_follow *f = calloc (1, sizeof (*f));

    memset (header, 0, sizeof (*header));
    reading->torn = false;
    if (!f) {
        aw_error_set (err, "%s: out of memory", path);
        return NULL;
    }
    f->reader = *reader;
    f->win = (struct window){ .fd = open_file (path, err), .size = WINDOW };
    if (f->win.fd < 0) {
        free (f);
        return NULL;
    }
    f->reader.fd = f->win.fd;
    f->reader.changes_known = reading->changed;
    f->reader.changed_at = reading->changed ? SIZE_MAX : 0;
    f->path = strdup (path);
    f->win.data = malloc (f->win.size);
    if (!f->path || !f->win.data)
        aw_error_set (err, "%s: out of memory", path);
    else if (read_lines (f, header, reading, err) == 0) {
        if (f->n > 0)
            return f;
        aw_error_set (
            err, "%s: its first line is incomplete: the run has not begun, or the file was cut off",
            path);
    }
    aw_journal_follow_close (f);
    return NULL;
}

int aw_journal_follow_more (struct aw_journal_follow *f,
                            struct aw_journal_reading *reading,
                            struct aw_error *err)
{
    return read_lines (f, NULL, reading, err); /* the header has been read */
}

void aw_journal_follow_close (struct aw_journal_follow *f)
{
    int saved = errno;

    if (!f)
        return;
    aw_journal_line_finish (&f->line);
    aw_journal_reader_finish (&f->reader);
    close (f->win.fd);
    free (f->win.data);
    free (f->path);
    free (f);
    errno = saved;
}

int aw_journal_read_by (const struct aw_journal_reader *reader,
                        const char *path,
                        struct aw_journal_reading *reading,
                        struct aw_journal_header *header,
                        struct aw_error *err)
{
    struct aw_journal_reading none = { 0 };
    struct aw_journal_follow *f =
        aw_journal_follow_by (reader, path, reading ? reading : &none, header, err);

    aw_journal_follow_close (f);
    return f ? 0 : -1;
}

int aw_journal_read (const char *path,
                     const struct aw_graph *graph,
                     struct aw_journal_reading *reading,
                     struct aw_journal_header *header,
                     struct aw_error *err)
{
    struct aw_journal_reader reader = { .graph = graph };

    return aw_journal_read_by (&reader, path, reading, header, err);
}

int aw_journal_in_use (const char *path)
{
    int fd = open_file (path, NULL);
    int rc;

    if (fd < 0)
        return -1;
    rc = flock (fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : -1;
    close (fd); /* and with it the lock */
    return rc;
}
