/* SPDX-License-Identifier: Apache-2.0 */
/* Becoming another program, without what srun and its plugins have done to the process. */
#ifndef AW_PLUGIN_PROCESS_H
#define AW_PLUGIN_PROCESS_H

struct aw_error;
struct aw_strings;

/* Appends the words of a file of NUL-separated words, such as /proc/self/cmdline: what srun was
 * started with, before srun or another plugin changed it. Empty words are words too. Returns -1
 * with errno and text in err.
 */
int aw_process_read (struct aw_strings *words, const char *path, struct aw_error *err);

/* The environment that srun was started with, less the variables by which SPANK passes our
 * options on and less our guard. Returns -1 with text in err.
 */
int aw_process_environment (struct aw_strings *environment, struct aw_error *err);

/* Takes the variables by which SPANK would pass our options out of the present environment. */
void aw_process_forget_options (void);

/* exec with no signal blocked, all dispositions the default ones but for an ignored SIGHUP
 * (nohup), and no descriptor beyond stderr. Returns, -1 with text in err, only on failure.
 */
int aw_process_become (const char *path,
                       const struct aw_strings *line,
                       const struct aw_strings *environment,
                       struct aw_error *err);

/* The variable that marks the srun that was started again. Its value is the process id, which
 * exec keeps.
 */
#define AW_PROCESS_GUARD "ASYNC_WORKFLOW_RESTARTED="

#endif /* AW_PLUGIN_PROCESS_H */
