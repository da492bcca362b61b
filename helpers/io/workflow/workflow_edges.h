/* SPDX-License-Identifier: Apache-2.0 */
/* Reading "after", once all sets are known. Private to the workflow's reader. */
#ifndef AW_IO_WORKFLOW_WORKFLOW_EDGES_H
#define AW_IO_WORKFLOW_WORKFLOW_EDGES_H

#include "io/workflow/reader.h"
#include "io/workflow/workflow_task.h"

/* Adds to WORKFLOW's graph the edges that SPECS ask for: those of its sets from FIRST on, in their
 * order. Where FIRST is not 0 these are added to a workflow that runs. */
void aw_workflow_read_edges (struct aw_reader *reader,
                             const struct aw_task_spec *specs,
                             const struct aw_workflow *workflow,
                             uint32_t first);

/* GRAPH has no set of that NAME: reported, with the nearest one. */
void aw_workflow_unknown_set (struct aw_reader *reader,
                              const struct aw_graph *graph,
                              const char *name);

#endif /* AW_IO_WORKFLOW_WORKFLOW_EDGES_H */
