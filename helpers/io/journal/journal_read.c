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

static int read_lines (struct aw_journal_reader *reader,
                       struct window *win,
                       const char *path,
                       struct aw_journal_header *header,
                       const struct aw_journal_reading *reading,
                       struct aw_error *err)
{
    struct aw_journal_line line = { 0 };
    size_t n = 0;
    char *text;
    int rc = 0;

    for (;;) {
        reader->n_lines = ++n;
        text = next_line (win);
        if (!text && !errno)
            break;
        if (!text)
            rc = aw_error_set (err, "%s", window_error (errno));
        else if (n == 1)
            rc = aw_journal_read_header (header, text, err);
        else if ((rc = aw_journal_scan_line (&line, text, err)) == 0
                 && (rc = aw_journal_read_event (reader, &line, err)) == 0)
            rc = reading->fn ? reading->fn (reading->arg, &reader->ev, err) : 0;
        if (rc < 0) {
            struct aw_error why = err ? *err : (struct aw_error){ "" };

            aw_journal_line_finish (&line);
            return aw_error_set (err, "%s: line %zu: %s", path, n, why.text);
        }
        if (reading->only_header)
            return 0;
    }
    aw_journal_line_finish (&line);
    if (n == 1)
        return aw_error_set (
            err, "%s: its first line is incomplete: the run has not begun, or the file was cut off",
            path);
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

int aw_journal_read_by (struct aw_journal_reader *reader,
                        const char *path,
                        struct aw_journal_reading *reading,
                        struct aw_journal_header *header,
                        struct aw_error *err)
{
    struct aw_journal_reading none = { 0 };
    struct window win = { .fd = open_file (path, err), .size = WINDOW };
    int rc = -1;

    if (!reading)
        reading = &none;
    memset (header, 0, sizeof (*header));
    reading->torn = false;
    if (win.fd < 0)
        return -1;
    reader->fd = win.fd;
    reader->changes_known = reading->changed;
    reader->changed_at = reading->changed ? SIZE_MAX : 0;
    win.data = malloc (win.size);
    if (!win.data)
        aw_error_set (err, "%s: out of memory", path);
    else
        rc = read_lines (reader, &win, path, header, reading, err);
    reading->torn = win.torn;
    close (win.fd);
    free (win.data);
    aw_journal_reader_finish (reader);
    return rc;
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
