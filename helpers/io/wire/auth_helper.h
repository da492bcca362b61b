/* SPDX-License-Identifier: Apache-2.0 */
/* A child process that asks munged, for a coordinator or agent that listens. munge_decode blocks,
 * and a munged that hangs must not stop their loop. A process, not a thread: it can be killed, and
 * munge's locks are not copied by the forks of its parent. One is made for the first question,
 * another only after it has died.
 */
#ifndef AW_IO_WIRE_AUTH_HELPER_H
#define AW_IO_WIRE_AUTH_HELPER_H

#include <stdbool.h>

#include "io/wire/auth.h"
#include "util/error.h"

struct event_base;
struct aw_auth_helper;

/* The answer to an ask: our credential, or NULL and WHY. Both valid during the call. */
typedef void (*aw_auth_answer) (void *arg, const char *credential, const struct aw_error *why);

/* A helper for one JOB (borrowed). Its process ends by itself when the parent ends. NULL with text.
 */
struct aw_auth_helper *aw_auth_helper_create (struct event_base *base,
                                              const char *job,
                                              aw_auth_answer answer,
                                              struct aw_error *err);

/* Checks the agent's CREDENTIAL against PLACE and the nonces; where it holds, makes ours. Forks if
 * there is no process yet. One question at a time: the next only after the answer. 0, or -1 with
 * text; ARG goes to the answer.
 */
int aw_auth_helper_ask (struct aw_auth_helper *helper,
                        const char *credential,
                        const char *place,
                        const char *own_nonce,
                        const char *agent_nonce,
                        void *arg,
                        struct aw_error *err);

bool aw_auth_helper_busy (const struct aw_auth_helper *helper);

/* The question's ARG is no longer interested; the helper stays busy until munged has answered. */
void aw_auth_helper_forget (struct aw_auth_helper *helper, void *arg);

/* Ends the process. Takes NULL, keeps errno. */
void aw_auth_helper_destroy (struct aw_auth_helper *helper);

#endif /* AW_IO_WIRE_AUTH_HELPER_H */
