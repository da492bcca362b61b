/* SPDX-License-Identifier: Apache-2.0 */
/* What staging costs, and what asynchronous staging hides of that: one workflow simulated with all
 * of its copies made asynchronously, synchronously, and not at all.
 */
#ifndef AW_MODEL_STAGING_H
#define AW_MODEL_STAGING_H

#include <stdbool.h>

#include "model/trial.h"

struct aw_staging_gain {
    bool known; /* false: no copy is said to take time, or there was no time to simulate */
    double async, sync, none; /* makespans, seconds */
    double hidden; /* (sync - async) / (sync - none): of the time that synchronous copies add; NAN
                      where they add none */
};

/* Does GRAPH say how long any of its copies takes? */
bool aw_staging_is_timed (const struct aw_graph *graph);

/* GRAPH is finalized and knows all durations; it is run in the order of CONFIG. What is not known
 * is left so where CONDITIONS' go_on ends it. CONDITIONS may be NULL. 0, or -1 with text.
 */
int aw_staging_gain (const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_sched_config *config,
                     const struct aw_conditions *conditions,
                     struct aw_staging_gain *gain,
                     struct aw_error *err);

#endif /* AW_MODEL_STAGING_H */
