/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tasks of this node connect to exchange messages: a Unix socket (0600) in a directory of
 * its own (0700), which lets processes of the same user in (SO_PEERCRED) that know the token which
 * stands in the environment of tasks; or one of their own, where the coordinator admits them: ranks
 * of a job step, which this agent has not started. What they say goes on to the coordinator, what
 * it answers back (util/packet.h). Without a connection it costs nothing.
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
    /* What is taken from a connection before the coordinator has accepted it; then its task's sends
     * block, when the socket is full too. */
    AW_MESSAGES_WINDOW = 1024,
    AW_MESSAGES_WINDOW_BYTES = 1 << 20,
    AW_MESSAGES_CONNECTIONS = 4096,
};

struct aw_messages_callbacks {
    /* PACKET, with conn, task and attempt, goes to the coordinator. */
    void (*forward) (void *arg, const struct aw_packet *packet);
    /* Does this attempt run here? */
    bool (*runs) (void *arg, uint32_t task, uint32_t attempt);
    void *arg;
};

/* NULL with text: tasks will run without. destroy takes NULL, keeps errno, removes the socket. */
struct aw_messages *aw_messages_create (struct event_base *base,
                                        const struct aw_messages_callbacks *callbacks,
                                        struct aw_error *err);
void aw_messages_destroy (struct aw_messages *messages);

/* For the environment of tasks. */
const char *aw_messages_socket (const struct aw_messages *messages);
const char *aw_messages_token (const struct aw_messages *messages);

/* What the coordinator sent, data escaped. */
void aw_messages_take (struct aw_messages *messages, const struct aw_packet *packet);

/* An attempt is over: all that it has sent is passed on before this returns, and its connections
 * are closed. */
void aw_messages_task_ended (struct aw_messages *messages, uint32_t task, uint32_t attempt);

/* The directory of its socket is TMPDIR or /tmp, this, the agent's number and a random part. */
#define AW_MESSAGES_PREFIX "async-workflow."

/* Removes what an agent of number PID, which was killed, has left there. */
void aw_messages_clean (pid_t pid);

#endif /* AW_AGENT_MESSAGES_MESSAGES_H */
