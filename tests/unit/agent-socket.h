/* SPDX-License-Identifier: Apache-2.0 */
/* An agent's socket, children that are its tasks, and a record of what would go to the coordinator.
 */
#ifndef AW_TESTS_AGENT_SOCKET_H
#define AW_TESTS_AGENT_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <event2/event.h>
#include <stdbool.h>

#include "agent/messages/messages.h"
#include "io/json_string.h"
#include "io/message_frame.h"
#include "io/textbuf.h"
#include "util/processes.h"

extern struct event_base *agent_socket_base;
extern struct aw_messages *agent_socket_messages;
extern struct aw_textbuf agent_socket_heard; /* what came for the coordinator, a frame a line */
extern uint32_t agent_socket_conn; /* of the last frame */
extern size_t agent_socket_n_heard;
extern bool agent_socket_only_wait; /* what the agent says of its tasks */

/* Of cmocka. */
int agent_socket_set_up (void **state);
int agent_socket_tear_down (void **state);

/* BODY runs as the task; it returns 0 if all is as it should be. */
pid_t agent_socket_start (int (*body) (void));

/* Has the task ended? STATUS: as of waitpid. */
bool agent_socket_has_ended (pid_t pid, int *status);

/* Runs the loop until the task has ended well. */
void agent_socket_until_ended (pid_t pid);

/* Runs the loop until N frames have come for the coordinator. */
void agent_socket_until_heard (size_t n);

/* What a task does: it sends messages and ends. */
int agent_socket_send (void);

#endif /* AW_TESTS_AGENT_SOCKET_H */
