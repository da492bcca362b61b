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

    return report->store && !graph->sets[aw_graph_task (graph, task).set].step
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

/* The same from the store. */
static ssize_t read_store (const struct aw_report *report,
                           const struct aw_attempt *attempt,
                           struct aw_tail *tail,
                           char *buf)
{
    struct aw_log_place place = { .wanted = attempt->attempt };
    struct aw_log_store *store = aw_log_store_open (report->dir, NULL);
    ssize_t n = -1;

    aw_graph_task_name (report->workflow->graph, attempt->task, place.name, sizeof (place.name));
    if (asprintf (&tail->command, "async-workflow logs %s '%s' --stderr --attempt %u", report->dir,
                  place.name, attempt->attempt + 1)
        < 0)
        tail->command = NULL;
    if (store && aw_log_store_find (store, &place, 1, NULL) == 0 && place.found)
        n = aw_log_store_tail (store, &place, AW_LOG_STDERR, buf, MAX_BYTES, &tail->cut, NULL);
    aw_log_store_close (store);
    return n;
}

void aw_tail_load (const struct aw_report *report,
                   const struct aw_attempt *attempt,
                   int lines,
                   struct aw_tail *tail)
{
    bool stored = aw_report_is_stored (report, attempt->task, AW_STREAM_STDERR);
    char *buf = malloc (MAX_BYTES);
    ssize_t n = -1;

    memset (tail, 0, sizeof (*tail));
    if (buf)
        n = (stored ? read_store : read_file) (report, attempt, tail, buf);
    if (n > 0) {
        size_t len = (size_t)n - (buf[n - 1] == '\n'); /* the last newline begins no line */
        size_t from = last_lines (buf, len, lines);

        tail->cut |= from > 0;
        tail->text = harmless (buf + from, (size_t)n - from);
    }
    free (buf);
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
