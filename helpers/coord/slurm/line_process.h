/* SPDX-License-Identifier: Apache-2.0 */
/* A child whose output comes line by line: an srun of ours, a question to scontrol, the planner. It
 * is in its own process group (Ctrl-C must not reach it).
 *
 *     running -> ended (callback `ended`, once, after the last line)
 */
#ifndef AW_COORD_SLURM_LINE_PROCESS_H
#define AW_COORD_SLURM_LINE_PROCESS_H

#include "util/error.h"

struct event_base;

struct aw_line_process_callbacks {
    /* A line that it printed, without newline, control characters replaced. Borrowed for the call.
     */
    void (*line) (void *arg, const char *text);
    /* It has ended; STATUS as of waitpid. It may be destroyed in here. */
    void (*ended) (void *arg, int status);
    void *arg;
};

struct aw_line_process;

/* Starts ARGV with environment ENV; callbacks come from BASE's loop (borrowed), never from inside
 * create. NULL with text.
 */
struct aw_line_process *aw_line_process_create (struct event_base *base,
                                                char *const argv[],
                                                char *const env[],
                                                const struct aw_line_process_callbacks *callbacks,
                                                struct aw_error *err);

/* Sends SIG to its process group. 0, or -1 with errno (ESRCH: it has ended). */
int aw_line_process_signal (struct aw_line_process *process, int sig);

/* Kills what still runs, reaps it, frees. No callback comes from here. Takes NULL, keeps errno. */
void aw_line_process_destroy (struct aw_line_process *process);

#endif /* AW_COORD_SLURM_LINE_PROCESS_H */
