/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/end_summary.h"

#include <math.h>
#include <stdlib.h>

#include "util/units.h"

enum { MAX_SETS = 8 }; /* named one by one */

static uint32_t count_left (struct aw_counts counts)
{
    return counts.waiting + counts.ready + counts.running + counts.failed + counts.skipped;
}

/* "train: 1 failed, 3 not run" */
static void put_set (struct aw_textbuf *text, const char *name, struct aw_counts counts)
{
    const struct {
        uint32_t n;
        const char *what;
    } parts[] = {
        { counts.failed, "failed" },
        { counts.skipped, "skipped" },
        { counts.waiting + counts.ready + counts.running, "not run" },
    };
    const char *before = ": ";

    aw_textbuf_puts (text, name);
    for (int i = 0; i < 3; i++) {
        if (parts[i].n == 0)
            continue;
        aw_textbuf_printf (text, "%s%u %s", before, parts[i].n, parts[i].what);
        before = ", ";
    }
}

/* How many tasks each set has that nobody wants any more. Caller frees; NULL: out of memory. */
static uint32_t *count_unwanted (const struct aw_sched *sched, uint32_t *sum)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    uint32_t *unwanted = calloc ((size_t)graph->n_sets + 1, sizeof (*unwanted));

    *sum = 0;
    for (uint32_t t = 0; unwanted && t < graph->n_tasks; t++)
        if (aw_sched_unwanted (sched, t)) {
            unwanted[aw_graph_task (graph, t).set]++;
            ++*sum;
        }
    return unwanted;
}

static void put_sets (struct aw_textbuf *text,
                      const struct aw_sched *sched,
                      const uint32_t *unwanted)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    uint32_t told = 0, more = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        struct aw_counts counts = aw_sched_counts (sched, s);

        counts.skipped -= unwanted[s];
        if (count_left (counts) == 0)
            continue;
        if (told == MAX_SETS) {
            more++;
            continue;
        }
        aw_textbuf_puts (text, told++ ? "; " : " (");
        put_set (text, graph->sets[s].name, counts);
    }
    if (more)
        aw_textbuf_printf (text, "; and %u more sets", more);
    aw_textbuf_puts (text, ")\n");
}

static const char *why (const struct aw_set *set, double needs)
{
    if (set->checkpoint_signal)
        return needs < 2 * set->checkpoint_seconds ? " (with the notice of its checkpoint_signal)"
                                                   : " (twice the notice of its checkpoint_signal)";
    return isfinite (set->time_limit) ? " (its time_limit)" : "";
}

/* Sets whose tasks were not started for the end of the job. */
static void put_late (struct aw_textbuf *text, const struct aw_sched *sched, double left)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    char needs_text[32], left_text[32];
    double needs;
    uint32_t told = 0;

    for (uint32_t s = 0; s < graph->n_sets && told < MAX_SETS; s++) {
        if (aw_sched_counts (sched, s).ready == 0 || !aw_sched_too_late (sched, s, &needs))
            continue;
        told++;
        aw_textbuf_printf (
            text, "async-workflow: a task of %s needs %s%s, and the job ends in %s\n",
            graph->sets[s].name, aw_format_seconds (needs_text, sizeof (needs_text), needs),
            why (&graph->sets[s], needs),
            aw_format_seconds (left_text, sizeof (left_text), fmax (left, 0)));
    }
}

void aw_end_summary (struct aw_textbuf *text,
                     const struct aw_sched *sched,
                     int code,
                     double left,
                     const char *run_dir)
{
    struct aw_counts all = aw_sched_counts (sched, AW_NONE);
    uint32_t n = count_left (all), n_unwanted, *unwanted;

    if (n == 0 || code == 0)
        return;
    unwanted = count_unwanted (sched, &n_unwanted);
    if (!unwanted) {
        text->failed = true;
        return;
    }
    if (isfinite (left))
        put_late (text, sched, left);
    if (n > n_unwanted) {
        aw_textbuf_printf (text, "async-workflow: not done: %u of %u tasks", n - n_unwanted,
                           n + all.done + all.ignored);
        put_sets (text, sched, unwanted);
    }
    free (unwanted);
    if (!run_dir)
        return;
    aw_textbuf_printf (text,
                       "async-workflow: continue with --resume=%s (srun: "
                       "--async-workflow-resume)\n",
                       run_dir);
}
