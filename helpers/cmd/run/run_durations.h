/* SPDX-License-Identifier: Apache-2.0 */
/* --durations: what earlier runs say of a run that begins. */
#ifndef AW_CMD_RUN_RUN_DURATIONS_H
#define AW_CMD_RUN_RUN_DURATIONS_H

#include "cmd/run/run_args.h"
#include "io/journal/journal.h"
#include "io/workflow/workflow.h"
#include "model/samples.h"

/* {0}: nothing is known. */
struct aw_run_durations {
    struct aw_samples samples; /* for the prediction */
    struct aw_journal_durations known; /* for the journal */
};

/* Loads the runs that ARGS name; WORKFLOW takes their durations, in place of what its file says. 0,
 * or -1 after printing what is wrong. The caller finishes DURATIONS in any case.
 */
int aw_run_durations_load (struct aw_run_durations *durations,
                           const struct aw_run_args *args,
                           struct aw_workflow *workflow);
void aw_run_durations_finish (struct aw_run_durations *durations);

#endif /* AW_CMD_RUN_RUN_DURATIONS_H */
