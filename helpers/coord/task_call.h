/* SPDX-License-Identifier: Apache-2.0 */
/* The call to a worker that one attempt of a task is: a JSON object on one line, which the agent
 * passes on as it is.
 */
#ifndef AW_COORD_TASK_CALL_H
#define AW_COORD_TASK_CALL_H

#include "core/event.h"
#include "io/workflow/workflow.h"

/* A service that is ready, as a task that uses it sees it. Borrowed. */
struct aw_task_service {
    const char *set; /* its name */
    const char *host;
    uint32_t port; /* 0: not known */
};

/* The call for START, with the names of its task, its values, its input, and the N_SERVICES that it
 * uses; SCRATCH is that of its node. Returns a string for the caller to free, or NULL with ENOMEM.
 */
char *aw_task_call (const struct aw_workflow *workflow,
                    const struct aw_event *start,
                    const char *run_dir,
                    const char *scratch,
                    const struct aw_task_service *services,
                    uint32_t n_services);

#endif /* AW_COORD_TASK_CALL_H */
