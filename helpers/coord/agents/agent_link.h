/* SPDX-License-Identifier: Apache-2.0 */
/* One connected agent: frames on its link become calls. It has sent its hello or not; the owner
 * knows which node it is. */
#ifndef AW_COORD_AGENTS_AGENT_LINK_H
#define AW_COORD_AGENTS_AGENT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "io/wire/frame.h"
#include "io/wire/launch.h"
#include "util/error.h"
#include "util/packet.h"

struct event_base;
struct aw_agent_link;

struct aw_agent_callbacks {
    void (*hello) (void *arg, struct aw_agent_link *agent); /* its node is known now */
    void (*finish) (
        void *arg,
        struct aw_agent_link *agent,
        struct aw_event *ev); /* all but the node's number; STAGED, SERVING or RELEASE, too */
    /* It got SIGTERM: its tasks are ending, then it ends. May be NULL. */
    void (*leaves) (void *arg, struct aw_agent_link *agent, const char *why);
    /* A task's message (io/message_frame.h), borrowed. May be NULL. */
    void (*message) (void *arg, struct aw_agent_link *agent, const struct aw_packet *packet);
    /* The connection ended for the reason WHY. This is the last call; the callee destroys the
     * agent. */
    void (*lost) (void *arg, struct aw_agent_link *agent, const char *why);
    void *arg;
};

/* Owns FD from now on, also on failure. READER may serve many agents and is borrowed. NULL with
 * text. */
struct aw_agent_link *aw_agent_link_create (struct event_base *base,
                                            int fd,
                                            struct aw_frame_reader *reader,
                                            const struct aw_agent_callbacks *callbacks,
                                            struct aw_error *err);

/* Its node as its hello describes it: a NODE event without number, all borrowed; `reason` is its
 * note. name is NULL before hello. */
const struct aw_event *aw_agent_link_node (const struct aw_agent_link *agent);

/* The number that the owner gave it; AW_AGENT_UNNUMBERED before. */
#define AW_AGENT_UNNUMBERED UINT32_MAX
uint32_t aw_agent_link_number (const struct aw_agent_link *agent);
void aw_agent_link_set_number (struct aw_agent_link *agent, uint32_t number);

/* Without argv: its data is brought alone. */
int aw_agent_link_start (struct aw_agent_link *agent,
                         const struct aw_launch *launch,
                         struct aw_error *err);
void aw_agent_link_kill (struct aw_agent_link *agent,
                         uint32_t task,
                         uint32_t attempt,
                         double grace);
void aw_agent_link_unassign (struct aw_agent_link *agent, uint32_t task, uint32_t attempt);
/* Another SECONDS have passed: asks for a sign of life, wanted within TIMEOUT. Returns the seconds,
 * so counted, since anything was heard of it.
 */
double aw_agent_link_beat (struct aw_agent_link *agent, double seconds, double timeout);
double aw_agent_link_silence (const struct aw_agent_link *agent); /* the same, without asking */
/* A message for a task of its node: data escaped, or where REST is not NULL, with that object's
 * members (io/message_frame.h). */
void aw_agent_link_message (struct aw_agent_link *agent,
                            const struct aw_packet *packet,
                            const char *rest,
                            size_t size);
void aw_agent_link_quit (struct aw_agent_link *agent, bool now);

/* Sends what it can without waiting, closes. Takes NULL, keeps errno. */
void aw_agent_link_destroy (struct aw_agent_link *agent);

#endif /* AW_COORD_AGENTS_AGENT_LINK_H */
