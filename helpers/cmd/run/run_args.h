/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `async-workflow run`, from the command line, else from ASYNC_WORKFLOW_* in the
 * environment. */
#ifndef AW_CMD_RUN_RUN_ARGS_H
#define AW_CMD_RUN_RUN_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "coord/coordinator.h"
#include "coord/display/display.h"
#include "core/sched/sched.h"
#include "util/error.h"

struct aw_run_args {
    const char *file; /* borrowed from argv, as all texts here; may be NULL with resume */
    bool local;
    bool test_only;
    bool from_srun; /* a "--" was there: what follows are srun's options, and an allocation may be
                       made */
    uint32_t cpus; /* of local mode; 0: this process's */
    uint32_t gpus;
    const char *resume; /* run directory of the run that goes on; NULL: one begins */
    const char *dir; /* NULL: by the workflow's name and the job */
    struct aw_sched_config sched; /* as far as given, else the defaults */
    bool mode_given;
    bool policy_given; /* else, and for "auto", the model chooses */
    enum aw_display_mode display;
    enum aw_durability durability;
    double grace; /* seconds */
    double time_limit; /* seconds that the run may take; INFINITY: what the job has */
    uint32_t max_steps; /* sruns at once for steps of their own */
    double node_timeout; /* seconds; 0: none */
    const char *scratch; /* above the scratch directories; NULL: by the environment */
    uint64_t scratch_size; /* bytes; 0: by what is free */
    uint32_t streams; /* 0: the agent's default */
    char **own; /* the words before "--", from argv[1] on, for running anew under salloc;
                   NULL-terminated, owned */
    char *const *srun_options; /* those after it; NULL-terminated */
};

/* Parses argv (argv[0] is "async-workflow run"). --help prints and exits with 0, wrong usage prints
 * and exits with 2, as argp does. 0, or -1 with text. finish in any case.
 */
int aw_run_args_parse (struct aw_run_args *args, int argc, char **argv, struct aw_error *err);
void aw_run_args_finish (struct aw_run_args *args);

#endif /* AW_CMD_RUN_RUN_ARGS_H */
