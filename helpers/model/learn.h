/* SPDX-License-Identifier: Apache-2.0 */
/* The durations that a run has shown so far. */
#ifndef AW_MODEL_LEARN_H
#define AW_MODEL_LEARN_H

#include "core/history/history.h"
#include "core/history/resume_state.h"
#include "model/samples.h"

/* Adds to SAMPLES the seconds of the completed tasks of HISTORY. A running task that has run longer
 * than others of its set counts with the time that it has run up to HISTORY->now, so that the short
 * ones, which end first, do not deceive. A declared duration counts as three tasks, unless the
 * completed ones took half or twice as long. Tasks of sets
 * that declare none count for their group. 0, or -1 with ENOMEM.
 */
int aw_learn (struct aw_samples *samples, const struct aw_history *history);

/* The same of the earlier parts of a run that is resumed, over GRAPH. */
int aw_learn_ends (struct aw_samples *samples,
                   const struct aw_graph *graph,
                   const struct aw_resume_state *state);

#endif /* AW_MODEL_LEARN_H */
