/* SPDX-License-Identifier: Apache-2.0 */
/* The right of a job step's ranks to exchange messages: each rank does so through the agent of its
 * node, which has not started it. Before the step begins the agents get a token, with which
 * processes speak for this attempt. After its end they withdraw it; the end of the task is reported
 * when all messages of its ranks have come.
 */
#ifndef AW_COORD_STEPS_TOKEN_GRANTS_H
#define AW_COORD_STEPS_TOKEN_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "coord/exec.h"
#include "io/wire/launch.h"
#include "util/error.h"
#include "util/packet.h"
#include "util/strings.h"

struct aw_token_grants {
    uint32_t task, attempt;
    uint32_t *nodes; /* whose agents have the token; owned */
    bool *waits; /* by them: an answer is due; owned */
    uint32_t n_nodes;
    uint32_t n_waits;
    char token[AW_PACKET_TOKEN_SIZE + 1];
};

/* For LAUNCH, which has a step: those of its nodes that have a socket, with a new token of 128
 * random bits. finish takes a zeroed value. 0, or -1 with text.
 */
int aw_token_grants_init (struct aw_token_grants *guests,
                          const struct aw_launch *launch,
                          struct aw_error *err);
void aw_token_grants_finish (struct aw_token_grants *guests);

/* Appends to ENV the token that the ranks show; nothing if there is no socket. */
void aw_token_grants_env (const struct aw_token_grants *guests, struct aw_strings *env);

/* Sends KIND, ADMIT or DISMISS, to the agents of POOL; n_waits answers are due then. */
void aw_token_grants_tell (struct aw_token_grants *guests,
                           struct aw_exec *pool,
                           enum aw_packet_kind kind);

/* NODE has answered, or is lost. Was this the last answer that is due? */
bool aw_token_grants_answered (struct aw_token_grants *guests, uint32_t node);
bool aw_token_grants_lost (struct aw_token_grants *guests, uint32_t node);

#endif /* AW_COORD_STEPS_TOKEN_GRANTS_H */
