/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of `async-workflow run`. Values come from the command line, else from the
 * environment, else from the defaults of util/run_options.h.
 */
#ifndef AW_CMD_RUN_RUN_ARGS_H
#define AW_CMD_RUN_RUN_ARGS_H

#include <stdbool.h>

#include "coord/display/display.h"
#include "core/sched/sched.h"
#include "util/error.h"
#include "util/run_options.h"
#include "util/strings.h"

struct aw_run_args {
    struct aw_run_settings value;
    const char *given[AW_OPTION_COUNT]; /* what the command line has, "" for a flag; else NULL.
                                           Borrowed from argv, as all texts here */
    bool from_srun; /* a "--" was given: srun's options follow, and an allocation may be made */
    char *const *srun_options; /* those after "--"; NULL-terminated */
    struct aw_sched_config sched; /* by value, but for its backlog, which simulations do without */
    bool mode_given;
    bool policy_given; /* else, and for "auto", the model chooses */
    enum aw_display_mode display; /* by value */
};

/* Parses argv (argv[0] is "async-workflow run"). --help prints and exits with 0, wrong usage prints
 * and exits with 2, as argp does. 0, or -1 with text; finish in any case.
 */
int aw_run_args_parse (struct aw_run_args *args, int argc, char **argv, struct aw_error *err);
void aw_run_args_finish (struct aw_run_args *args);

/* Appends what the command line had before "--". A failure is remembered by LINE. */
void aw_run_args_line (const struct aw_run_args *args, struct aw_strings *line);

/* Seconds between SIGTERM and SIGKILL at the end of a run: at most half of its time limit. */
double aw_run_grace (const struct aw_run_args *args);

/* When a run must stop, so that all has ended when its job ends at END_OF_JOB; wall clock. */
double aw_run_end (const struct aw_run_args *args, double end_of_job);

#endif /* AW_CMD_RUN_RUN_ARGS_H */
