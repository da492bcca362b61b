/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a failed task's stderr: a few lines, without control characters. A task may write
 * anything, gigabytes and escape sequences included, and the file may now be something else. So
 * only a bounded piece of a regular file is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/report/report.h"
#include "io/journal/run_dir.h"
#include "io/logs/log_store.h"
#include "io/workflow/shell_quote.h"
#include "util/read.h"

enum { MAX_BYTES = 16384, MAX_LINE = 400 };

/* BASE/PATH, or PATH alone where it is absolute or there is no base. PATH is taken over; NULL stays
 * NULL. */
static char *under (const char *base, char *path)
{
    char *joined;

    if (!path || *path == '/' || !base)
        return path;
    joined = aw_run_dir_path (base, path);
    free (path);
    return joined;
}

/* What the file gives for STREAM; NULL: nothing. */
static const char *template_of (const struct aw_report *report,
                                uint32_t task,
                                enum aw_stream stream)
{
    const struct aw_recipe *recipe =
        &report->workflow->recipes[aw_graph_task (report->workflow->graph, task).set];

    return stream == AW_STREAM_STDOUT ? recipe->out : recipe->err;
}

bool aw_report_is_stored (const struct aw_report *report, uint32_t task, enum aw_stream stream)
{
    const struct aw_graph *graph = report->workflow->graph;

    return aw_set_is_stored (&graph->sets[aw_graph_task (graph, task).set], report->store)
           && !template_of (report, task, stream);
}

char *aw_report_stream_path (const struct aw_report *report,
                             uint32_t task,
                             uint32_t attempt,
                             enum aw_stream stream)
{
    const struct aw_graph *graph = report->workflow->graph;
    const char *template = template_of (report, task, stream);
    const struct aw_recipe *recipe = &report->workflow->recipes[aw_graph_task (graph, task).set];
    const char *run = report->absolute ? report->absolute : report->dir;
    char *directory = NULL, *path;

    if (!template)
        return aw_run_dir_log (report->dir, graph, task, attempt,
                               stream == AW_STREAM_STDOUT ? "out" : "err");
    path = aw_recipe_expand (template, report->workflow, task, run);
    if (recipe->directory)
        directory = under (report->header.directory,
                           aw_recipe_expand (recipe->directory, report->workflow, task, run));
    path = under (directory ? directory : report->header.directory, path);
    free (directory);
    return path;
}

/* The last bytes of the file into BUF; their number, or -1. AT: where they begin. The directory may
 * be somebody else's, and PATH may lead anywhere: a link is not followed, and only a regular file
 * of the directory's OWNER is shown.
 */
static ssize_t read_end (const char *path, uid_t owner, char *buf, size_t size, off_t *at)
{
    struct stat st;
    int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    ssize_t n = -1;

    if (fd < 0)
        return -1;
    if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_uid == owner) {
        *at = st.st_size > (off_t)size ? st.st_size - (off_t)size : 0;
        n = aw_read_at (fd, buf, size, *at);
    }
    close (fd);
    return n;
}

/* Where the last MAX lines begin in LEN bytes without their last newline. */
static size_t last_lines (const char *buf, size_t len, int max)
{
    size_t at = len;

    for (int lines = 0; at > 0; at--)
        if (buf[at - 1] == '\n' && ++lines == max)
            break;
    return at;
}

static char *harmless (const char *buf, size_t len)
{
    struct aw_textbuf out = { 0 };

    while (len) {
        const char *end = memchr (buf, '\n', len);
        size_t line = end ? (size_t)(end - buf) : len;
        size_t shown = line && buf[line - 1] == '\r' ? line - 1 : line;
        const char *cr = memrchr (buf, '\r', shown); /* a progress bar: its last state */
        const char *from = cr ? cr + 1 : buf;

        shown -= (size_t)(from - buf);
        aw_textbuf_plain (&out, from, shown > MAX_LINE ? MAX_LINE : shown);
        aw_textbuf_puts (&out, shown > MAX_LINE ? "...\n" : "\n");
        buf += line + (end ? 1 : 0);
        len -= line + (end ? 1 : 0);
    }
    aw_textbuf_putc (&out, '\0');
    if (out.failed)
        aw_textbuf_finish (&out);
    return out.data;
}

/* The end of a file; bytes in BUF, or -1. CUT: there is more before them. */
static ssize_t read_file (const struct aw_report *report,
                          const struct aw_attempt *attempt,
                          struct aw_tail *tail,
                          char *buf)
{
    struct stat dir;
    off_t at = 0;
    ssize_t n = -1;

    tail->path = aw_report_stream_path (report, attempt->task, attempt->attempt, AW_STREAM_STDERR);
    if (tail->path && stat (report->dir, &dir) == 0)
        n = read_end (tail->path, dir.st_uid, buf, MAX_BYTES, &at);
    tail->cut = at > 0;
    return n;
}

/* The same from STORE, which is NULL if it cannot be opened. */
static ssize_t read_store (const struct aw_report *report,
                           struct aw_log_store *store,
                           struct aw_log_place *place,
                           struct aw_tail *tail,
                           char *buf)
{
    struct aw_textbuf command = { 0 };

    aw_textbuf_puts (&command, "async-workflow logs ");
    aw_shell_quote_shown (&command, report->dir);
    aw_textbuf_printf (&command, " '%s' --stderr --attempt %u", place->name, place->wanted + 1);
    aw_textbuf_putc (&command, '\0');
    tail->command = command.failed ? NULL : strdup (command.data);
    aw_textbuf_finish (&command);
    if (!store || !place->found)
        return -1;
    return aw_log_store_tail (store, place, AW_LOG_STDERR, buf, MAX_BYTES, &tail->cut, NULL);
}

/* Opens the store, if an attempt is there, and finds all of those at PLACES, one an attempt. NULL:
 * nothing is found. */
static struct aw_log_store *find_stored (const struct aw_report *report,
                                         const uint32_t *attempts,
                                         size_t n,
                                         struct aw_log_place *places)
{
    struct aw_log_store *store = NULL;
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        const struct aw_attempt *a = &report->history.attempts[attempts[i]];

        places[i].wanted = a->attempt;
        aw_graph_task_name (report->workflow->graph, a->task, places[i].name,
                            sizeof (places[i].name));
        any |= aw_report_is_stored (report, a->task, AW_STREAM_STDERR);
    }
    if (any)
        store = aw_log_store_open (report->dir, NULL);
    if (store && aw_log_store_find (store, places, n, NULL) == 0)
        return store;
    aw_log_store_close (store);
    return NULL;
}

/* The last LINES lines of the N bytes at BUF. */
static void take (struct aw_tail *tail, const char *buf, size_t n, int lines)
{
    size_t len = n - (buf[n - 1] == '\n'); /* the last newline begins no line */
    size_t from = last_lines (buf, len, lines);

    tail->cut |= from > 0;
    tail->text = harmless (buf + from, n - from);
}

void aw_tails_load (const struct aw_report *report,
                    const uint32_t *attempts,
                    size_t n_attempts,
                    int lines,
                    struct aw_tail *tails)
{
    struct aw_log_place *places = calloc (n_attempts + 1, sizeof (*places));
    char *buf = malloc (MAX_BYTES);
    struct aw_log_store *store = NULL;

    memset (tails, 0, n_attempts * sizeof (*tails));
    if (places && buf)
        store = find_stored (report, attempts, n_attempts, places);
    for (size_t i = 0; places && buf && i < n_attempts; i++) {
        const struct aw_attempt *a = &report->history.attempts[attempts[i]];
        bool stored = aw_report_is_stored (report, a->task, AW_STREAM_STDERR);
        ssize_t n = stored ? read_store (report, store, &places[i], &tails[i], buf)
                           : read_file (report, a, &tails[i], buf);

        if (n > 0)
            take (&tails[i], buf, (size_t)n, lines);
    }
    aw_log_store_close (store);
    free (places);
    free (buf);
}

void aw_tail_load (const struct aw_report *report,
                   const struct aw_attempt *attempt,
                   int lines,
                   struct aw_tail *tail)
{
    uint32_t number = (uint32_t)(attempt - report->history.attempts);

    aw_tails_load (report, &number, 1, lines, tail);
}

void aw_tail_finish (struct aw_tail *tail)
{
    int saved = errno;

    free (tail->path);
    free (tail->command);
    free (tail->text);
    memset (tail, 0, sizeof (*tail));
    errno = saved;
}
