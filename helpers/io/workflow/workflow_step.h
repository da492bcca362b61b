/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of tasks that are a job step of their own: ranks, nodes, ranks_per_node, launch, srun.
 * Private to the workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_WORKFLOW_STEP_H
#define AW_IO_WORKFLOW_WORKFLOW_STEP_H

#include "io/workflow/workflow_task.h"

/* The options of "srun", each in its long form and none that would break the plan; replaces those
 * that RECIPE had. */
void aw_read_srun (struct aw_reader *reader, struct json_object *value, struct aw_recipe *recipe);

/* May OPTION ("--mpi=pmix") be given? NULL, or why not ("the scheduler decides it: ..."). */
const char *aw_srun_refusal (const char *option);

/* When all keys of a set are read: fills nodes, ranks_per_node and step of SPEC->set by what was
 * given. */
void aw_settle_step (struct aw_reader *reader, struct aw_task_spec *spec);

#endif /* AW_IO_WORKFLOW_WORKFLOW_STEP_H */
