/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_durations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/model/model.h"
#include "cmd/run/run_salloc.h"
#include "model/spread.h"

/* "a, b"; NULL without memory. Caller frees. */
static char *names_of (const struct aw_strings *dirs)
{
    struct aw_textbuf names = { 0 };
    char *copy;

    aw_model_put_names (dirs, &names);
    copy = names.failed ? NULL : strndup (names.data, names.len);
    aw_textbuf_finish (&names);
    return copy;
}

/* What the earlier runs have changed of GRAPH, whose sets were as in OLD. 0, or -1 with ENOMEM. */
static int take (struct aw_journal_durations *known,
                 const struct aw_graph *graph,
                 const struct aw_set *old,
                 const struct aw_spread *spread)
{
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        const struct aw_set *set = &graph->sets[s];
        bool sampled = spread->sets[s].source == AW_SPREAD_SAMPLED;
        struct aw_journal_duration d = { set->name, set->duration,
                                         sampled
                                             ? fmin (aw_spread_variation (spread, s), AW_MAX_SPREAD)
                                             : NAN,
                                         set->startup == old[s].startup ? NAN : set->startup };

        if ((sampled || set->duration != old[s].duration || !isnan (d.startup))
            && !isnan (d.seconds) && aw_journal_durations_add (known, &d) < 0)
            return -1;
    }
    return 0;
}

int aw_run_durations_load (struct aw_run_durations *d,
                           const struct aw_run_args *args,
                           struct aw_workflow *workflow)
{
    const struct aw_strings *dirs = &args->value.durations;
    struct aw_graph *graph = workflow->graph;
    struct aw_spread spread = { 0 };
    struct aw_problems problems;
    struct aw_set *old;
    int rc;

    if (dirs->n == 0)
        return 0;
    aw_problems_init (&problems);
    old = malloc ((graph->n_sets + (size_t)1) * sizeof (*old));
    if (old)
        memcpy (old, graph->sets, graph->n_sets * sizeof (*old));
    rc = aw_model_durations (graph, dirs, &d->samples, &problems);
    if (rc == 0) {
        d->known.from = names_of (dirs);
        if (!old || !d->known.from || aw_spread_init (&spread, graph, &d->samples, NAN, NULL) < 0
            || take (&d->known, graph, old, &spread) < 0) {
            aw_problems_add (&problems, false, "--durations: out of memory");
            rc = -1;
        }
        aw_journal_durations_apply (&d->known, graph);
    }
    free (old);
    aw_spread_finish (&spread);
    aw_run_salloc_print (&problems);
    aw_problems_finish (&problems);
    return rc;
}

void aw_run_durations_finish (struct aw_run_durations *d)
{
    aw_samples_finish (&d->samples);
    aw_journal_durations_finish (&d->known);
}
