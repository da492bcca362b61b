/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_remainder.h"

#include <math.h>
#include <stdlib.h>

#include "cmd/report/report.h"
#include "model/ensemble.h"
#include "model/learn.h"
#include "model/replan.h"
#include "util/clock.h"
#include "util/units.h"

static bool in_time (void *arg)
{
    const double *deadline = arg;

    return aw_clock_monotonic () < *deadline;
}

/* The scheduler as it will be when all nodes have joined. NULL with text. */
static struct aw_sched *set_up (const struct aw_run_resume *resume,
                                const struct aw_sched_config *config,
                                const struct aw_allocation *allocation,
                                struct aw_error *err)
{
    struct aw_sched *sched = aw_sched_create (resume->workflow->graph, config, err);

    if (sched && aw_sched_resume (sched, &resume->state, err) == 0
        && aw_allocation_join (allocation, sched, err) == 0 && aw_sched_check (sched, err) == 0)
        return sched;
    aw_sched_destroy (sched);
    return NULL;
}

/* "model: the remainder takes 12 s (11 s to 14 s for 90% of runs)". */
static void put_remainder (double seconds,
                           const struct aw_ensemble *runs,
                           double available,
                           struct aw_textbuf *out)
{
    struct aw_interval i = aw_interval_of (runs->t, runs->n);
    char a[32], b[32];

    aw_textbuf_printf (out, "model: the remainder takes %s",
                       aw_format_seconds (a, sizeof (a), seconds));
    if (runs->n > 0)
        aw_textbuf_printf (out, " (%s to %s for 90%% of runs)",
                           aw_format_seconds (a, sizeof (a), i.low),
                           aw_format_seconds (b, sizeof (b), i.high));
    if (runs->n > 0 && isfinite (available))
        aw_textbuf_printf (out, "; it fits into the %s that it has with a probability of %.0f%%",
                           aw_format_seconds (a, sizeof (a), available),
                           100 * aw_ensemble_within (runs, available));
    aw_textbuf_putc (out, '\n');
}

/* Fills T with the remainders of N runs. How many there are. */
static uint32_t draw (double *t, uint32_t n, const struct aw_conditions *conditions)
{
    double now = aw_sched_now (conditions->from);
    struct aw_trial trial;
    uint32_t i = 0;

    for (; i < n; i++) {
        aw_spread_seed (conditions->spread, i);
        if (aw_trial_run (aw_sched_graph (conditions->from), NULL, NULL, conditions, &trial, NULL)
            < 0)
            break;
        t[i] = trial.t - now;
    }
    return i < n ? 0 : n;
}

static int predict (const struct aw_conditions *conditions,
                    const struct aw_run_terms *terms,
                    struct aw_textbuf *out,
                    struct aw_error *err)
{
    const struct aw_graph *graph = aw_sched_graph (conditions->from);
    struct aw_ensemble runs = { 0 };
    double end, seconds;

    if (aw_replan_look (&end, conditions, err) < 0)
        return -1;
    if (isnan (end)) {
        aw_textbuf_puts (out, "model: no prediction: the duration of a task set is not known\n");
        return 0;
    }
    seconds = end - aw_sched_now (conditions->from);
    runs.n = aw_ensemble_size (graph, seconds);
    runs.t = calloc (runs.n + (size_t)1, sizeof (*runs.t));
    if (!runs.t)
        return aw_error_set (err, "out of memory");
    runs.n = draw (runs.t, runs.n, conditions);
    put_remainder (seconds, &runs, terms->seconds, out);
    aw_ensemble_finish (&runs);
    return 0;
}

void aw_run_remainder (const struct aw_run_resume *resume,
                       const struct aw_sched_config *config,
                       const struct aw_allocation *allocation,
                       const struct aw_run_terms *terms,
                       int fd)
{
    const struct aw_graph *graph = resume->workflow->graph;
    double deadline = aw_clock_monotonic () + terms->budget;
    struct aw_samples samples = { 0 };
    struct aw_spread spread = { 0 };
    struct aw_error err = { "out of memory" };
    struct aw_textbuf out = { 0 };
    struct aw_sched *sched = set_up (resume, config, allocation, &err);
    struct aw_conditions conditions = {
        .spread = &spread, .from = sched, .go_on = in_time, .arg = &deadline
    };

    if (!sched || aw_learn_ends (&samples, graph, &resume->state) < 0
        || aw_spread_init (&spread, graph, &samples, NAN, &err) < 0
        || predict (&conditions, terms, &out, &err) < 0)
        aw_textbuf_printf (&out, "model: no prediction: %s\n", err.text);
    if (!out.failed)
        aw_report_write (&out, fd);
    aw_sched_destroy (sched);
    aw_spread_finish (&spread);
    aw_samples_finish (&samples);
    aw_textbuf_finish (&out);
}
