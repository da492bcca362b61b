/* SPDX-License-Identifier: Apache-2.0 */
/* What the model says of the remainder of a run that is resumed. */
#ifndef AW_CMD_RUN_RUN_REMAINDER_H
#define AW_CMD_RUN_RUN_REMAINDER_H

#include "cmd/run/run_predict.h"
#include "cmd/run/run_resume.h"

/* Prints to FD how long the remainder of the run of RESUME, which has begun, takes on ALLOCATION in
 * the order that it has, with the durations that it has shown so far; or why that is not known.
 * CONFIG, TERMS: as for a new run; samples are not used.
 */
void aw_run_remainder (const struct aw_run_resume *resume,
                       const struct aw_sched_config *config,
                       const struct aw_allocation *allocation,
                       const struct aw_run_terms *terms,
                       int fd);

#endif /* AW_CMD_RUN_RUN_REMAINDER_H */
