/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/end_summary.h"

#include <math.h>
#include <stdlib.h>

#include "io/workflow/shell_quote.h"
#include "util/units.h"

enum { MAX_SETS = 8 }; /* named one by one */

static uint32_t count_left (struct aw_counts counts)
{
    return counts.waiting + counts.ready + counts.running + counts.failed + counts.skipped;
}

/* What aw_sched_counts does not tell of a set. */
struct more {
    uint32_t unwanted; /* tasks that were cancelled before they ran */
    uint32_t unfinished; /* tasks that were started, and have not ended for good */
};

/* "train: 1 failed, 2 not finished, 3 not run" */
static void put_set (struct aw_textbuf *text,
                     const char *name,
                     struct aw_counts counts,
                     const struct more *more)
{
    const struct {
        uint32_t n;
        const char *what;
    } parts[] = {
        { counts.failed, "failed" },
        { counts.skipped, "skipped" },
        { more->unfinished, "not finished" },
        { counts.waiting + counts.ready + counts.running - more->unfinished, "not run" },
    };
    const char *before = ": ";

    aw_textbuf_puts (text, name);
    for (int i = 0; i < 4; i++) {
        if (parts[i].n == 0)
            continue;
        aw_textbuf_printf (text, "%s%u %s", before, parts[i].n, parts[i].what);
        before = ", ";
    }
}

/* By set; SUM: of all. Caller frees; NULL: out of memory. */
static struct more *count_more (const struct aw_sched *sched, struct more *sum)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    struct more *more = calloc ((size_t)graph->n_sets + 1, sizeof (*more));

    *sum = (struct more){ 0 };
    for (uint32_t t = 0; more && t < graph->n_tasks; t++) {
        struct more *set = &more[graph->sets[aw_graph_task (graph, t).set].group];
        bool unwanted = aw_sched_unwanted (sched, t), unfinished = aw_sched_unfinished (sched, t);

        set->unwanted += unwanted;
        set->unfinished += unfinished;
        sum->unwanted += unwanted;
        sum->unfinished += unfinished;
    }
    return more;
}

static void put_sets (struct aw_textbuf *text,
                      const struct aw_sched *sched,
                      const struct more *more)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    struct aw_counts *all = calloc ((size_t)graph->n_sets + 1, sizeof (*all));
    uint32_t told = 0, others = 0;

    if (all)
        aw_sched_group_counts (sched, all);
    else
        text->failed = true;
    for (uint32_t s = 0; all && s < graph->n_sets; s++) {
        struct aw_counts counts = all[s];

        counts.skipped -= more[s].unwanted;
        if (count_left (counts) == 0)
            continue;
        if (told == MAX_SETS) {
            others++;
            continue;
        }
        aw_textbuf_puts (text, told++ ? "; " : " (");
        put_set (text, aw_graph_label (graph, s), counts, &more[s]);
    }
    free (all);
    if (others)
        aw_textbuf_printf (text, "; and %u more sets", others);
    aw_textbuf_puts (text, ")\n");
}

static const char *why (const struct aw_set *set, double needs)
{
    if (set->checkpoint_signal)
        return needs < 2 * set->checkpoint_seconds ? " (with the notice of its checkpoint_signal)"
                                                   : " (twice the notice of its checkpoint_signal)";
    return isfinite (set->time_limit) ? " (its time_limit)" : "";
}

/* Sets of which tasks did not start because the job ends too soon. */
static void put_late (struct aw_textbuf *text,
                      const struct aw_sched *sched,
                      const struct more *more,
                      double left)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    char needs_text[32], left_text[32];
    double needs;
    uint32_t told = 0;

    for (uint32_t s = 0; s < graph->n_sets && told < MAX_SETS; s++) {
        uint32_t ready = aw_graph_is_shown (graph, s) ? aw_sched_counts (sched, s).ready : 0;

        if (ready == 0 || !aw_sched_too_late (sched, s, &needs) || !(needs > 0))
            continue;
        if (left <= 0 && ready <= more[s].unfinished)
            continue; /* they ran until the end */
        told++;
        aw_textbuf_printf (text, "async-workflow: a task of %s needs %s%s, and ",
                           graph->sets[s].name,
                           aw_format_seconds (needs_text, sizeof (needs_text), needs),
                           why (&graph->sets[s], needs));
        if (left > 0)
            aw_textbuf_printf (text, "the job ends in %s\n",
                               aw_format_seconds (left_text, sizeof (left_text), left));
        else
            aw_textbuf_puts (text, "less was left of the job\n");
    }
}

void aw_end_summary (struct aw_textbuf *text,
                     const struct aw_sched *sched,
                     int code,
                     double left,
                     const char *run_dir)
{
    struct aw_counts all = aw_sched_counts (sched, AW_NONE);
    uint32_t n = count_left (all);
    struct more sum, *more;

    if (n == 0 || code == 0)
        return;
    more = count_more (sched, &sum);
    if (!more) {
        text->failed = true;
        return;
    }
    if (isfinite (left))
        put_late (text, sched, more, left);
    if (n > sum.unwanted) {
        aw_textbuf_printf (text, "async-workflow: not done: %u of %u task%s", n - sum.unwanted,
                           n + all.done + all.ignored, aw_plural (n + all.done + all.ignored));
        put_sets (text, sched, more);
    }
    free (more);
    if (!run_dir)
        return;
    aw_textbuf_puts (text, "async-workflow: continue with --resume=");
    aw_shell_quote_shown (text, run_dir);
    aw_textbuf_puts (text, " (srun: --async-workflow-resume)\n");
}
