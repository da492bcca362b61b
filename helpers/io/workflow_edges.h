/* SPDX-License-Identifier: Apache-2.0 */
/* Reading "after", once all sets are known. Private to the workflow's reader. */
#ifndef AW_IO_WORKFLOW_EDGES_H
#define AW_IO_WORKFLOW_EDGES_H

#include "io/reader.h"
#include "io/workflow_task.h"

/* Adds to GRAPH the edges that the N_SETS specs, in the order of its sets, ask for. */
void aw_workflow_read_edges (struct aw_reader *reader,
                             const struct aw_task_spec *specs,
                             struct aw_graph *graph);

#endif /* AW_IO_WORKFLOW_EDGES_H */
