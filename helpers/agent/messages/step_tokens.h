/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that have processes on this node which the agent did not start, and which may exchange
 * messages through it all the same: ranks of a job step. Each has a token of its own.
 */
#ifndef AW_AGENT_MESSAGES_STEP_TOKENS_H
#define AW_AGENT_MESSAGES_STEP_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "util/packet.h"
#include "util/table.h"

struct aw_step_tokens {
    struct aw_table tokens; /* by task and attempt; private. {0} is empty */
};

/* Lets an attempt in, by TOKEN (as it is, AW_PACKET_TOKEN_SIZE characters; any other size is none
 * that could be right) instead of an earlier one. 0, or -1 with ENOMEM. */
int aw_step_tokens_admit (struct aw_step_tokens *guests,
                          uint32_t task,
                          uint32_t attempt,
                          const struct aw_piece *token);

/* No longer: the attempt has ended, and what still has its token in its environment is killed. */
void aw_step_tokens_dismiss (struct aw_step_tokens *guests, uint32_t task, uint32_t attempt);

/* The token of an attempt, ended by a NUL; NULL: it is no guest. */
const char *aw_step_tokens_token (const struct aw_step_tokens *guests,
                                  uint32_t task,
                                  uint32_t attempt);

/* The same for all that are left. */
void aw_step_tokens_finish (struct aw_step_tokens *guests);

#endif /* AW_AGENT_MESSAGES_STEP_TOKENS_H */
