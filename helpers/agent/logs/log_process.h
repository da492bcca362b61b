/* SPDX-License-Identifier: Apache-2.0 */
/* The process that writes the log store: it reads the pipes of tasks and writes the agent's pair of
 * files. Over a socket of packets it gets requests and sends an answer to each END. A file system
 * that hangs holds up this process, not the agent.
 *
 * When the agent's end of the socket is closed, the process reads what still comes for half a
 * second, writes it, and ends.
 */
#ifndef AW_AGENT_LOGS_LOG_PROCESS_H
#define AW_AGENT_LOGS_LOG_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/logs/log_record.h"
#include "util/error.h"

enum { AW_LOG_STREAMS = 2 }; /* stdout, stderr */

struct aw_log_request {
    bool begins; /* BEGIN */
    bool ended; /* END: the task's first process has ended. Both: the attempt was short */
    bool streams[AW_LOG_STREAMS]; /* BEGIN: the packet has the reading end of a pipe for these */
    bool durable; /* BEGIN: the answer waits until all is on disk */
    uint32_t task, attempt;
    char name[AW_LOG_NAME_MAX]; /* BEGIN: of the task */
};

/* All that stood in the pipes of the attempt at its END is written (on disk, if it is durable),
 * unless WHY says otherwise.
 */
struct aw_log_answer {
    uint32_t task, attempt;
    struct aw_error why; /* "": all is written */
};

/* Serves the socket FD until it is closed; the files are those of NODE in the directory DIR. To be
 * called in a process of its own, just forked: it closes all other descriptors and blocks signals.
 */
void aw_log_process_serve (int fd, const char *dir, const char *node);

#endif /* AW_AGENT_LOGS_LOG_PROCESS_H */
