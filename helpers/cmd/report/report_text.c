/* SPDX-License-Identifier: Apache-2.0 */
/* The report as a page of text: the outcome first, then figures, task sets, the longest chain, and
 * failed tasks. Long lists are cut in the middle; the JSON has all of them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/report/report.h"
#include "core/history/service_times.h"
#include "io/journal/run_dir.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/task_label.h"
#include "util/units.h"

enum {
    MAX_SETS = 40,
    MAX_LINKS = 20, /* of the chain; half of them from each end */
    MAX_FAILURES = 5,
    NAME = AW_TASK_LABEL,
    MIN_WIDTH = 12,
    MAX_WIDTH = 64, /* of a column of names */
};

/* Columns that TEXT takes: bytes that begin a character. Wide characters count once. */
static int columns (const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* "  makespan     12m03s, predicted 11m50s" */
static void put_figure (void *arg, const char *key, const char *text)
{
    struct aw_textbuf *out = arg;

    aw_textbuf_printf (out, "  %-13s ", key);
    aw_textbuf_plain (out, text, strlen (text));
    aw_textbuf_putc (out, '\n');
}

static int name_width (int longest)
{
    return longest < MIN_WIDTH ? MIN_WIDTH : longest > MAX_WIDTH ? MAX_WIDTH : longest;
}

static void put_set (struct aw_textbuf *out,
                     const char *name,
                     const struct aw_set_summary *sum,
                     int width)
{
    char a[32], b[32], c[32], d[32];

    aw_textbuf_puts (out, "  ");
    aw_textbuf_cell (out, name, width);
    aw_textbuf_printf (out, " %8u %8u %7u %9s %9s %9s %9s\n", sum->tasks,
                       sum->states[AW_HISTORY_COMPLETED], sum->states[AW_HISTORY_FAILED],
                       aw_report_seconds (a, sum->mean), aw_report_seconds (b, sum->min),
                       aw_report_seconds (c, sum->max), aw_report_seconds (d, sum->wait_mean));
}

static void put_sets (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;
    uint32_t n = report->n_shown > MAX_SETS ? MAX_SETS : report->n_shown;
    int width = 0;

    for (uint32_t i = 0; i < n; i++)
        if (columns (aw_graph_label (graph, report->shown[i])) > width)
            width = columns (aw_graph_label (graph, report->shown[i]));
    width = name_width (width);
    aw_textbuf_puts (out, "\n");
    aw_textbuf_cell (out, "Task sets", width + 2);
    aw_textbuf_printf (out, " %8s %8s %7s %9s %9s %9s %9s\n", "tasks", "done", "failed", "mean",
                       "min", "max", "wait");
    for (uint32_t i = 0; i < n; i++)
        put_set (out, aw_graph_label (graph, report->shown[i]), &report->sets[report->shown[i]],
                 width);
    if (report->n_shown > n)
        aw_textbuf_printf (out, "  and %u more\n", report->n_shown - n);
}

static void put_services (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_graph *graph = report->workflow->graph;
    struct aw_service_times *times;
    char startup[32], served[32], idle[32];
    int width = MIN_WIDTH;

    if (!graph->n_services)
        return;
    times = calloc ((size_t)graph->n_sets + 1, sizeof (*times));
    if (!times
        || aw_service_times (graph, report->history.attempts, report->history.n_attempts,
                             report->history.now, times)
               < 0) {
        free (times);
        out->failed = true;
        return;
    }
    for (uint32_t s = 0; s < graph->n_sets; s++)
        if (graph->sets[s].service && columns (graph->sets[s].name) > width)
            width = name_width (columns (graph->sets[s].name));
    aw_textbuf_puts (out, "\n");
    aw_textbuf_cell (out, "Services", width + 2);
    aw_textbuf_printf (out, " %8s %12s %9s %9s\n", "starts", "ready after", "served", "idle");
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        const struct aw_service_times *t = &times[s];

        if (!graph->sets[s].service)
            continue;
        aw_textbuf_puts (out, "  ");
        aw_textbuf_cell (out, graph->sets[s].name, width);
        aw_textbuf_printf (out, " %8u %12s %9s %9s\n", t->n_starts,
                           aw_report_seconds (startup, t->n_ready ? t->startup / t->n_ready : NAN),
                           aw_report_seconds (served, t->served),
                           aw_report_seconds (idle, t->idle));
    }
    free (times);
}

/* A section with a row for each set that has something to tell there. */
struct section {
    const struct aw_report *report;
    bool (*has) (const struct aw_set_summary *sum);
    struct aw_textbuf *out;
    uint32_t n; /* sets that are shown */
    int width; /* of names */
};

/* Prints TITLE. False: no set has anything. */
static bool begin_section (struct section *section, const char *title)
{
    const struct aw_report *report = section->report;

    section->n = report->n_shown > MAX_SETS ? MAX_SETS : report->n_shown;
    for (uint32_t i = 0; i < section->n; i++) {
        int n = columns (aw_graph_label (report->workflow->graph, report->shown[i]));

        if (section->has (&report->sets[report->shown[i]]) && n > section->width)
            section->width = n;
    }
    if (section->width == 0)
        return false;
    section->width = name_width (section->width);
    aw_textbuf_puts (section->out, "\n");
    aw_textbuf_cell (section->out, title, section->width + 2);
    return true;
}

/* Begins the row of the set number I of those that are shown. NULL: it has none. */
static const struct aw_set_summary *begin_row (const struct section *section, uint32_t i)
{
    const struct aw_report *report = section->report;
    const struct aw_set_summary *sum = &report->sets[report->shown[i]];

    if (!section->has (sum))
        return NULL;
    aw_textbuf_puts (section->out, "  ");
    aw_textbuf_cell (section->out, aw_graph_label (report->workflow->graph, report->shown[i]),
                     section->width);
    return sum;
}

static bool has_workers (const struct aw_set_summary *sum)
{
    return sum->first_calls > 0;
}

/* What the starts of workers have cost. */
static void put_workers (const struct aw_report *report, struct aw_textbuf *out)
{
    struct section section = { report, has_workers, out, 0, 0 };
    const struct aw_set_summary *sum;
    char first[32], other[32];

    if (!begin_section (&section, "Workers"))
        return;
    aw_textbuf_printf (out, " %8s %12s %12s\n", "starts", "first call", "other calls");
    for (uint32_t i = 0; i < section.n; i++)
        if ((sum = begin_row (&section, i)))
            aw_textbuf_printf (out, " %8u %12s %12s\n", sum->first_calls,
                               aw_report_seconds (first, sum->first_call_mean),
                               aw_report_seconds (other, sum->call_mean));
}

static bool has_staging (const struct aw_set_summary *sum)
{
    return sum->staging.brought > 0 || sum->staging.left > 0;
}

/* Data staged while the tasks held no CPUs or GPUs. Means are of one attempt. */
static void put_staging (const struct aw_report *report, struct aw_textbuf *out)
{
    struct section section = { report, has_staging, out, 0, 0 };
    const struct aw_set_summary *sum;
    uint64_t bytes = 0, from_nodes = 0;
    char size[32], a[32], b[32], c[32];

    if (!begin_section (&section, "Staged data"))
        return;
    aw_textbuf_printf (out, " %8s %8s %9s %9s %9s %8s %9s\n", "copied", "shared", "bytes",
                       "stage in", "waiting", "results", "stage out");
    for (uint32_t i = 0; i < section.n; i++) {
        if (!(sum = begin_row (&section, i)))
            continue;
        aw_textbuf_printf (
            out, " %8u %8u %9s %9s %9s %8u %9s\n", sum->staging.brought - sum->staging.shared,
            sum->staging.shared, aw_format_bytes (size, sizeof (size), sum->staging.bytes),
            aw_report_seconds (a, sum->staging.coming), aw_report_seconds (b, sum->staging.waiting),
            sum->staging.left, aw_report_seconds (c, sum->staging.leaving));
        bytes += sum->staging.bytes;
        from_nodes += sum->staging.from_nodes;
    }
    if (from_nodes > 0)
        aw_textbuf_printf (out, "  %s from the file system, %s from other nodes\n",
                           aw_format_bytes (size, sizeof (size), bytes - from_nodes),
                           aw_format_bytes (a, sizeof (a), from_nodes));
}

static bool has_gpu_use (const struct aw_set_summary *sum)
{
    return sum->gpu_mem > 0 || !isnan (sum->gpu_util);
}

/* Use of GPUs by set, if the nodes measured it. */
static void put_gpus (const struct aw_report *report, struct aw_textbuf *out)
{
    struct section section = { report, has_gpu_use, out, 0, 0 };
    const struct aw_set_summary *sum;

    if (!begin_section (&section, "GPUs"))
        return;
    aw_textbuf_printf (out, " %10s %11s\n", "computing", "memory");
    for (uint32_t i = 0; i < section.n; i++) {
        char share[16] = "-", size[32];

        if (!(sum = begin_row (&section, i)))
            continue;
        if (!isnan (sum->gpu_util))
            snprintf (share, sizeof (share), "%.1f %%", 100 * sum->gpu_util);
        aw_textbuf_printf (out, " %10s %11s\n", share,
                           aw_format_bytes (size, sizeof (size), sum->gpu_mem));
    }
}

/* How long it waited: from the end of the link before it, else from when it was ready. */
static double wait_of (const struct aw_attempt *before, const struct aw_attempt *a)
{
    return aw_attempt_began (a) - (before ? aw_attempt_let_go (before) : a->ready);
}

/* Its node, "n1+3" where it ran on three more. */
static const char *node_text (char *buf,
                              size_t size,
                              const struct aw_history *history,
                              const struct aw_attempt *a)
{
    const char *name = history->nodes[a->node].name;

    if (a->n_more == 0)
        return name;
    snprintf (buf, size, "%s+%u", name, a->n_more);
    return buf;
}

static void put_link (const struct aw_report *report, size_t i, int width, struct aw_textbuf *out)
{
    const struct aw_history *history = &report->history;
    const struct aw_attempt *a = &history->attempts[report->chain[i]];
    const struct aw_attempt *before = i ? &history->attempts[report->chain[i - 1]] : NULL;
    char name[NAME], node[NAME], x[32], y[32];

    aw_task_label (report->workflow, a->task, name, sizeof (name));
    aw_textbuf_puts (out, "  ");
    aw_textbuf_cell (out, name, width);
    aw_textbuf_puts (out, " ");
    aw_textbuf_cell (out, node_text (node, sizeof (node), history, a), MIN_WIDTH);
    aw_textbuf_printf (out, " %9s %9s%s\n", aw_report_seconds (x, wait_of (before, a)),
                       aw_report_seconds (y, aw_attempt_let_go (a) - aw_attempt_began (a)),
                       a->status == AW_STATUS_COMPLETED   ? ""
                       : a->status == AW_STATUS_CANCELLED ? "  cancelled"
                       : a->status == AW_STATUS_NODE_FAIL ? "  lost"
                                                          : "  failed");
}

static void put_chain (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_history *history = &report->history;
    size_t n = report->n_chain;
    double waited = 0, ran = 0;
    char name[NAME], a[32], b[32];
    int width = 0;

    if (!n)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct aw_attempt *at = &history->attempts[report->chain[i]];
        const struct aw_attempt *before = i ? &history->attempts[report->chain[i - 1]] : NULL;
        double wait = wait_of (before, at);
        waited += isnan (wait) ? 0 : wait;
        ran += aw_attempt_let_go (at) - aw_attempt_began (at);
        aw_task_label (report->workflow, at->task, name, sizeof (name));
        if (columns (name) > width)
            width = columns (name);
    }
    width = name_width (width);
    aw_textbuf_puts (out, "\n");
    aw_textbuf_cell (out, "Longest chain", width + 2);
    aw_textbuf_putc (out, ' ');
    aw_textbuf_cell (out, "node", MIN_WIDTH);
    aw_textbuf_printf (out, " %9s %9s\n", "waited", "ran");
    for (size_t i = 0; i < n; i++) {
        if (n > MAX_LINKS && i == MAX_LINKS / 2) {
            aw_textbuf_printf (out, "  ... %zu more ...\n", n - MAX_LINKS);
            i = n - MAX_LINKS / 2;
        }
        put_link (report, i, width, out);
    }
    aw_textbuf_puts (out, "  ");
    snprintf (name, sizeof (name), "%zu link%s", n, n == 1 ? "" : "s");
    aw_textbuf_cell (out, name, width);
    aw_textbuf_printf (out, " %*s %9s %9s\n", MIN_WIDTH, "", aw_report_seconds (a, waited),
                       aw_report_seconds (b, ran));
}

/* Each line of TEXT with a bar before it. */
static void put_quoted (struct aw_textbuf *out, const char *text)
{
    while (text && *text) {
        const char *end = strchr (text, '\n');
        size_t len = end ? (size_t)(end - text) : strlen (text);

        aw_textbuf_puts (out, "    | ");
        aw_textbuf_put (out, text, len);
        aw_textbuf_putc (out, '\n');
        text += len + (end ? 1 : 0);
    }
}

static void put_failure (const struct aw_report *report, uint32_t index, struct aw_textbuf *out)
{
    const struct aw_attempt *a = &report->history.attempts[index];
    struct aw_tail tail;
    const char *where;
    char name[NAME], more[NAME], how[256], time[32];
    const char *node = node_text (more, sizeof (more), &report->history, a);

    aw_task_label (report->workflow, a->task, name, sizeof (name));
    aw_failure_text (how, sizeof (how), a->status, a->code, a->signal, a->reason);
    aw_textbuf_puts (out, "\n  ");
    aw_textbuf_plain (out, name, strlen (name));
    aw_textbuf_puts (out, ": ");
    aw_textbuf_plain (out, how, strlen (how));
    aw_textbuf_printf (out, " after %s on ", aw_report_seconds (time, a->seconds));
    aw_textbuf_plain (out, node, strlen (node));
    if (a->attempt)
        aw_textbuf_printf (out, ", attempt %u", a->attempt + 1);
    aw_textbuf_putc (out, '\n');
    aw_tail_load (report, a, AW_TAIL_LINES, &tail);
    where = tail.path ? tail.path : tail.command;
    put_quoted (out, tail.text);
    if (where) {
        aw_textbuf_puts (out, tail.text ? tail.cut ? "    full text: " : "    from "
                                        : "    stderr is empty or missing: ");
        aw_textbuf_plain (out, where, strlen (where));
        aw_textbuf_putc (out, '\n');
    }
    aw_tail_finish (&tail);
}

static void put_failures (const struct aw_report *report, struct aw_textbuf *out)
{
    uint32_t attempts[MAX_FAILURES];
    size_t n = aw_report_failures (report, attempts, MAX_FAILURES);

    if (!n)
        return;
    aw_textbuf_puts (out, "\nFailed tasks\n");
    for (size_t i = 0; i < n && i < MAX_FAILURES; i++)
        put_failure (report, attempts[i], out);
    if (n > MAX_FAILURES) {
        aw_textbuf_printf (out, "\n  and %zu more: async-workflow report --format json ",
                           n - MAX_FAILURES);
        aw_shell_quote_shown (out, report->dir);
        aw_textbuf_puts (out, "\n");
    }
}

/* Is NAME, in the directory FD, a file without content? The agent removes it in a moment. */
static bool is_empty_file (int fd, const char *name)
{
    struct stat st;

    return fstatat (fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (st.st_mode)
           && st.st_size == 0;
}

/* Is there no file with content in the run's directory of logs? Not if it cannot be read. */
static bool has_no_logs (const char *dir)
{
    char *path = aw_run_dir_path (dir, AW_RUN_LOGS);
    DIR *logs = path ? opendir (path) : NULL;
    const struct dirent *entry = NULL;
    bool empty;

    free (path);
    if (!logs)
        return false;
    errno = 0;
    while ((entry = readdir (logs))
           && (*entry->d_name == '.' || is_empty_file (dirfd (logs), entry->d_name)))
        errno = 0;
    empty = !entry && errno == 0;
    closedir (logs);
    return empty;
}

static void put_logs (const struct aw_report *report, struct aw_textbuf *out)
{
    bool store = report->store || report->workflow->graph->workers;
    bool none = !store && has_no_logs (report->dir);

    aw_textbuf_puts (out, store  ? "\nOutput of a task: async-workflow logs "
                          : none ? "\nNo task has written to "
                                 : "\nLogs are in ");
    if (store)
        aw_shell_quote_shown (out, report->dir);
    else
        aw_textbuf_plain (out, report->dir, strlen (report->dir));
    aw_textbuf_puts (out, store ? " TASK\n" : "/" AW_RUN_LOGS "\n");
}

void aw_report_text (const struct aw_report *report, struct aw_textbuf *out)
{
    aw_report_verdict (report, out);
    aw_textbuf_puts (out, "\n\n");
    aw_report_figures (report, put_figure, out);
    put_sets (report, out);
    put_services (report, out);
    put_workers (report, out);
    put_gpus (report, out);
    put_staging (report, out);
    put_chain (report, out);
    put_failures (report, out);
    put_logs (report, out);
}
