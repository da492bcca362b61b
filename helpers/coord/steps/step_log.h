/* SPDX-License-Identifier: Apache-2.0 */
/* The files to which srun writes what the ranks of a step print.
 *
 * srun's names of files cannot have a backslash: it ends placeholders, and srun removes it. Such a
 * file is opened here, and srun gets the name of the descriptor.
 */
#ifndef AW_COORD_STEPS_STEP_LOG_H
#define AW_COORD_STEPS_STEP_LOG_H

#include "io/wire/launch.h"
#include "util/error.h"
#include "util/strings.h"

struct aw_step_log {
    char *err; /* path of standard error, owned */
    char *tidy[2]; /* files that are removed if they are empty; owned, or NULL */
    int fds[2]; /* of output and error; -1: srun opens it by its name */
    char names[2][48]; /* "/proc/PID/fd/N" of these */
};

/* Opens what has to be opened for LAUNCH, and puts the names for srun into LINE, a shallow copy of
 * it. They are valid until finish. 0, or -1 with text; finish it in either case.
 */
int aw_step_log_init (struct aw_step_log *log,
                      const struct aw_launch *launch,
                      struct aw_launch *line,
                      struct aw_error *err);
void aw_step_log_finish (struct aw_step_log *log); /* the step has ended; keeps errno */

/* Appends LINES, what srun itself printed, to the file of standard error. As far as it can be. */
void aw_step_log_append (const struct aw_step_log *log, const struct aw_strings *lines);

#endif /* AW_COORD_STEPS_STEP_LOG_H */
