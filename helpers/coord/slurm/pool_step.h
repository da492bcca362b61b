/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: one srun that starts an agent on every node of the job and gives it all that the job
 * holds there.
 */
#ifndef AW_COORD_SLURM_POOL_STEP_H
#define AW_COORD_SLURM_POOL_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "coord/slurm/slurm_job.h"
#include "coord/slurm/line_process.h"
#include "util/error.h"
#include "util/strings.h"

struct aw_pool_step_config {
    const struct aw_slurm_job *job; /* all its nodes take part; borrowed for the call */
    const char *agent; /* path of async-workflow-agent; NULL: aw_libexec */
    const char *hosts; /* where agents find the coordinator, with commas; NULL: aw_hosts_of_this */
    uint16_t port;
    const char *munge_socket; /* for the agents; NULL: they know */
    bool overlap; /* another step holds the job: share it with that */
    char *const *options; /* of the user, for the step; NULL-terminated or NULL */
};

/* Starts it, as aw_line_process_create. */
struct aw_line_process *aw_pool_step_create (struct event_base *base,
                                             const struct aw_pool_step_config *config,
                                             const struct aw_line_process_callbacks *callbacks,
                                             struct aw_error *err);

/* The line of that srun. 0, or -1 with text. */
int aw_pool_step_line (struct aw_strings *line,
                       const struct aw_pool_step_config *config,
                       struct aw_error *err);

#endif /* AW_COORD_SLURM_POOL_STEP_H */
