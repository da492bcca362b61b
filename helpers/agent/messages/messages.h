/* SPDX-License-Identifier: Apache-2.0 */
/* The socket to which tasks of this node connect to exchange messages: a Unix socket (0600) in a
 * directory of its own (0700). It accepts processes of the same user (SO_PEERCRED) that know the
 * token in the environment of the agent's tasks. Ranks of a job step, which the agent does not
 * start, have a token of their own, which the coordinator sends. The agent passes their packets on
 * to the coordinator and its answers back (util/packet.h). Without connections it costs nothing.
 */
#ifndef AW_AGENT_MESSAGES_MESSAGES_H
#define AW_AGENT_MESSAGES_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"
#include "util/packet.h"

struct event_base;
struct aw_messages;

enum {
    /* Messages of a connection that the coordinator has not accepted yet, at most. Then the agent
     * reads no more of them, and the task waits when the socket is full too.
     */
    AW_MESSAGES_WINDOW = 1024,
    AW_MESSAGES_WINDOW_BYTES = 1 << 20,
    AW_MESSAGES_CONNECTIONS = 4096,
};

struct aw_messages_callbacks {
    /* Sends PACKET, with conn, task and attempt, to the coordinator. */
    void (*forward) (void *arg, const struct aw_packet *packet);
    /* Has this attempt a running process here? */
    bool (*runs) (void *arg, uint32_t task, uint32_t attempt);
    /* Do all processes of tasks and ranks here only wait? */
    bool (*only_wait) (void *arg);
    void *arg;
};

/* NULL with text: tasks can run without messages. destroy takes NULL, keeps errno, removes the
 * socket.
 */
struct aw_messages *aw_messages_create (struct event_base *base,
                                        const struct aw_messages_callbacks *callbacks,
                                        struct aw_error *err);
void aw_messages_destroy (struct aw_messages *messages);

/* For the environment of tasks. */
const char *aw_messages_socket (const struct aw_messages *messages);
const char *aw_messages_token (const struct aw_messages *messages);

/* Handles a PACKET of the coordinator, whose data is escaped. */
void aw_messages_take (struct aw_messages *messages, const struct aw_packet *packet);

/* How many connections of process PID wait without a time limit, as its last packets say. */
unsigned aw_messages_waiting (const struct aw_messages *messages, pid_t pid);

/* Walks over the job steps whose ranks have a token, from *CURSOR 0 on: the mark of their processes
 * (util/processes.h); 0: no more. */
uint64_t aw_messages_next_step (const struct aw_messages *messages, size_t *cursor);

/* An attempt has ended: passes on all that it has sent, and closes its connections. MESSAGES may be
 * NULL.
 */
void aw_messages_task_ended (struct aw_messages *messages, uint32_t task, uint32_t attempt);

/* The socket's directory: in TMPDIR or /tmp, named by this prefix, the agent's process id and a
 * random part.
 */
#define AW_MESSAGES_PREFIX "async-workflow."

/* Removes the directory of an agent with process id PID that was killed; 0: of all agents of this
 * user to whose socket nobody listens any more.
 */
void aw_messages_clean (pid_t pid);

#endif /* AW_AGENT_MESSAGES_MESSAGES_H */
