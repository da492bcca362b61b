/* SPDX-License-Identifier: Apache-2.0 */
#include "model/staging.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Does any copy of GRAPH have a duration? */
static bool is_timed (const struct aw_graph *graph)
{
    for (uint32_t s = 0; s < graph->n_sets; s++)
        if ((graph->sets[s].stage_in != AW_STAGING_NONE && graph->sets[s].stage_in_seconds > 0)
            || (graph->sets[s].stage_out != AW_STAGING_NONE
                && graph->sets[s].stage_out_seconds > 0))
            return true;
    return false;
}

/* SETS become those of GRAPH with all their copies in MODE. */
static void force (const struct aw_graph *graph, enum aw_staging_mode mode, struct aw_set *sets)
{
    memcpy (sets, graph->sets, graph->n_sets * sizeof (*sets));
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        if (sets[s].stage_in != AW_STAGING_NONE)
            sets[s].stage_in = mode;
        if (sets[s].stage_out != AW_STAGING_NONE)
            sets[s].stage_out = mode;
    }
}

int aw_staging_gain (const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_sched_config *config,
                     const struct aw_conditions *conditions,
                     struct aw_staging_gain *gain,
                     struct aw_error *err)
{
    const enum aw_staging_mode modes[] = { AW_STAGING_ASYNC, AW_STAGING_SYNC, AW_STAGING_NONE };
    double *const times[] = { &gain->async, &gain->sync, &gain->none };
    struct aw_graph forced = *graph; /* all but the sets belongs to the graph */
    int rc = 0;

    memset (gain, 0, sizeof (*gain));
    if (!is_timed (graph))
        return 0;
    forced.sets = malloc (graph->n_sets * sizeof (*forced.sets));
    if (!forced.sets)
        return aw_error_set (err, "out of memory for %u task sets", graph->n_sets);
    gain->known = true;
    for (int i = 0; i < 3 && rc == 0 && gain->known; i++) {
        struct aw_trial trial;

        force (graph, modes[i], forced.sets);
        errno = 0;
        rc = aw_trial_run (&forced, allocation, config, conditions, &trial, err);
        *times[i] = trial.t;
        if (rc < 0 && errno == ECANCELED) {
            rc = 0;
            gain->known = false;
        }
    }
    free (forced.sets);
    gain->hidden = gain->sync > gain->none * (1 + 1e-9)
                       ? (gain->sync - gain->async) / (gain->sync - gain->none)
                       : NAN;
    return rc;
}
