/* SPDX-License-Identifier: Apache-2.0 */
/* Where the nodes' scratch directories are, for coordinator and agents alike. */
#ifndef AW_CMD_RUN_RUN_SCRATCH_H
#define AW_CMD_RUN_RUN_SCRATCH_H

#include "cmd/run/run_args.h"
#include "io/workflow/workflow.h"
#include "util/error.h"

/* The directory of this run in which each node has one of its name, for the caller to free; *PATH
 * NULL where WORKFLOW needs none. It and what else agents must know is put into this process's
 * environment, which they inherit. 0, or -1 with text.
 */
int aw_run_scratch (const struct aw_run_args *args,
                    const struct aw_workflow *workflow,
                    const char *job,
                    char **path,
                    struct aw_error *err);

/* Tells the agents of several nodes, in the same way, to give copies to each other on a port of
 * FIRST..LAST (0, 0: any), if tasks of WORKFLOW stage in the same data. 0, or -1 with text.
 */
int aw_run_scratch_ports (const struct aw_workflow *workflow,
                          uint32_t n_nodes,
                          uint16_t first,
                          uint16_t last,
                          struct aw_error *err);

#endif /* AW_CMD_RUN_RUN_SCRATCH_H */
