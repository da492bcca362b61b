/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: one srun that starts an agent on every node of the job and gives it all that the job
 * holds there. The srun is a child in its own process group (Ctrl-C must not reach it), its output
 * comes line by line.
 *
 *     running -> ended (callback `ended`, once, after the last line)
 */
#ifndef AW_COORD_POOL_STEP_H
#define AW_COORD_POOL_STEP_H

#include <stdint.h>

#include "coord/slurm_job.h"
#include "util/error.h"
#include "util/strings.h"

struct event_base;

struct aw_pool_step_callbacks {
    /* A line that srun or an agent printed, without newline, control characters replaced. Borrowed
     * for the call.
     */
    void (*line) (void *arg, const char *text);
    /* The step is over; STATUS as of waitpid. The step may be destroyed in here. */
    void (*ended) (void *arg, int status);
    void *arg;
};

struct aw_pool_step_config {
    const struct aw_slurm_job *job; /* all its nodes take part; borrowed for the call */
    const char *agent; /* path of async-workflow-agent; NULL: aw_pool_step_agent */
    const char *hosts; /* where agents find the coordinator, with commas; NULL: aw_hosts_of_this */
    uint16_t port;
    const char *munge_socket; /* for the agents; NULL: they know */
    char *const *options; /* of the user, for the step; NULL-terminated or NULL */
};

struct aw_pool_step;

/* Starts it; callbacks come from BASE's loop (borrowed), never from inside create. NULL with text.
 */
struct aw_pool_step *aw_pool_step_create (struct event_base *base,
                                          const struct aw_pool_step_config *config,
                                          const struct aw_pool_step_callbacks *callbacks,
                                          struct aw_error *err);

/* Sends SIG to srun's process group. 0, or -1 with errno (ESRCH: it has ended). */
int aw_pool_step_signal (struct aw_pool_step *step, int sig);

/* Kills what still runs, reaps it, frees. No callback comes from here. Takes NULL, keeps errno. */
void aw_pool_step_destroy (struct aw_pool_step *step);

/* The line of that srun. 0, or -1 with text. */
int aw_pool_step_line (struct aw_strings *line,
                       const struct aw_pool_step_config *config,
                       struct aw_error *err);

/* The agent's path: beside the running program where there is one (a build tree), else where it was
 * installed. NULL with text where it is in neither place. Free it.
 */
char *aw_pool_step_agent (struct aw_error *err);

#endif /* AW_COORD_POOL_STEP_H */
