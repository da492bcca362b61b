/* SPDX-License-Identifier: Apache-2.0 */
/* The cost of staging, and the part of it that asynchronous staging hides: one workflow is
 * simulated with asynchronous copies, with synchronous copies, and with none.
 */
#ifndef AW_MODEL_STAGING_H
#define AW_MODEL_STAGING_H

#include <stdbool.h>

#include "model/trial.h"

struct aw_staging_gain {
    bool known; /* false: no copy has a duration, or the time for the search was over */
    double async, sync, none; /* makespans, seconds */
    double hidden; /* (sync - async) / (sync - none): the hidden part of the time that synchronous
                      copies add; NAN: they add none */
};

/* GRAPH is finalized and knows all durations; it runs in the order of CONFIG. GAIN stays not known
 * if CONDITIONS' go_on stops the simulation. CONDITIONS may be NULL. 0, or -1 with text.
 */
int aw_staging_gain (const struct aw_graph *graph,
                     const struct aw_allocation *allocation,
                     const struct aw_sched_config *config,
                     const struct aw_conditions *conditions,
                     struct aw_staging_gain *gain,
                     struct aw_error *err);

#endif /* AW_MODEL_STAGING_H */
