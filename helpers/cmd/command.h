/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of async-workflow: one file for each, which ends in its entry of this type. */
#ifndef AW_CMD_COMMAND_H
#define AW_CMD_COMMAND_H

#include "util/exit_status.h"

struct aw_command {
    const char *name;
    const char *summary; /* one line for the list of commands; NULL: it is not for people */
    /* argv[0] is "async-workflow NAME". Returns an enum aw_exit. Options are parsed by argp. */
    int (*run) (int argc, char **argv);
};

/* What every program of commands does first: opens the standard descriptors, ignores SIGXFSZ, does
 * not ignore SIGCHLD, and lets exit close stdout (aw_stdout_check_at_exit). 0, or -1: nothing can
 * be read or printed.
 */
int aw_command_begin (void);

/* Runs COMMAND with the arguments of main, whose argv[1] is its name. Its exit status. */
int aw_command_call (const struct aw_command *command, int argc, char **argv);

extern const struct aw_command aw_command_check;
extern const struct aw_command aw_command_model;
extern const struct aw_command aw_command_advise;
extern const struct aw_command aw_command_run;
extern const struct aw_command aw_command_status;
extern const struct aw_command aw_command_report;
extern const struct aw_command aw_command_import;
extern const struct aw_command aw_command_watch;
extern const struct aw_command aw_command_explain;
extern const struct aw_command aw_command_logs;
extern const struct aw_command aw_command_add;
extern const struct aw_command aw_command_cancel;
extern const struct aw_command aw_command_submit;
extern const struct aw_command aw_command_wait;
extern const struct aw_command aw_command_send;
extern const struct aw_command aw_command_recv;
extern const struct aw_command aw_command_replan;

#endif /* AW_CMD_COMMAND_H */
