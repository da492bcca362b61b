/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's side of the log store: pipes for tasks, and the process that reads them
 * (log_process.h), which is started with the first task that needs it. If it dies, the output of
 * the tasks that run then is lost, so they fail; a new one is started for the next task.
 *
 * Nothing here waits for a file system.
 */
#ifndef AW_AGENT_LOGS_TASK_LOGS_H
#define AW_AGENT_LOGS_TASK_LOGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/logs/log_process.h"
#include "io/wire/launch.h"
#include "util/error.h"

struct event_base;
struct aw_task_logs;

/* Called from the event loop. */
struct aw_task_logs_callbacks {
    /* The output of an attempt is written, or cannot be (WHY, borrowed). After aw_task_logs_end. */
    void (*written) (void *arg, uint32_t task, uint32_t attempt, const char *why);
    /* The process has died. The attempts that were begun with it get no other call. */
    void (*died) (void *arg, const char *why);
    void *arg;
};

/* NODE names the files; borrowed. NULL with ENOMEM. destroy takes NULL, and waits until the process
 * has closed its files, for 5 s at most; the process ends by itself.
 */
struct aw_task_logs *aw_task_logs_create (struct event_base *base,
                                          const char *node,
                                          const struct aw_task_logs_callbacks *callbacks);
void aw_task_logs_destroy (struct aw_task_logs *logs);

/* Of the process; 0: none. */
pid_t aw_task_logs_pid (const struct aw_task_logs *logs);

/* The pipes of one task; -1: none for this stream. */
struct aw_log_pipes {
    int read[AW_LOG_STREAMS], write[AW_LOG_STREAMS];
};

/* Makes pipes for the streams that LAUNCH gives to the store, if any. 0, or -1 with text. */
int aw_task_logs_open (struct aw_task_logs *logs,
                       const struct aw_launch *launch,
                       struct aw_log_pipes *pipes,
                       struct aw_error *err);
void aw_log_pipes_close (struct aw_log_pipes *pipes); /* keeps errno */

/* The task has started with PIPES, which are given to the process, some milliseconds later, and
 * closed here. */
void aw_task_logs_begin (struct aw_task_logs *logs,
                         const struct aw_launch *launch,
                         struct aw_log_pipes *pipes);

/* Its first process has ended: `written` follows, or `died`. */
void aw_task_logs_end (struct aw_task_logs *logs, uint32_t task, uint32_t attempt);

#endif /* AW_AGENT_LOGS_TASK_LOGS_H */
