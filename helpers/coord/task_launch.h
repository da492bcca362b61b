/* SPDX-License-Identifier: Apache-2.0 */
/* From a recipe of the workflow file to one attempt ready to be sent: placeholders filled in, paths
 * made absolute, the task's own environment added.
 */
#ifndef AW_COORD_TASK_LAUNCH_H
#define AW_COORD_TASK_LAUNCH_H

#include "coord/task_call.h"
#include "core/event.h"
#include "io/wire/launch.h"
#include "io/workflow/workflow.h"
#include "util/error.h"

/* Directories that a task's texts refer to, all absolute. Borrowed. */
struct aw_task_places {
    const char *run_dir;
    bool store; /* output goes to the log store, but for steps of their own */
    bool durable; /* and is there on disk before the task's end is reported */
    const char *start_dir; /* where the user started the run: relative directories are there */
    const char *scratch; /* scratch/node is the node's scratch directory; NULL: it has none */
    const char *node; /* the task's, by name */
    uint32_t port; /* of a service; 0: none */
    const struct aw_task_service *services; /* that the task uses */
    uint32_t n_services;
};

/* Times of the run, in seconds. */
struct aw_task_times {
    double left; /* to the end of the job; INFINITY: it has none */
    double grace; /* between SIGTERM and SIGKILL */
};

/* Fills LAUNCH (initialised here, finished by the caller in any case) for the START or STAGE
 * action; for the latter argv stays NULL. Relative stdout and stderr refer to the task's directory.
 * 0, or -1 with text.
 */
int aw_task_launch (struct aw_launch *launch,
                    const struct aw_workflow *workflow,
                    const struct aw_event *start,
                    const struct aw_task_places *places,
                    const struct aw_task_times *times,
                    struct aw_error *err);

#endif /* AW_COORD_TASK_LAUNCH_H */
