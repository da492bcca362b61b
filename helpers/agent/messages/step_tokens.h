/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of attempts whose processes on this node the agent did not start: ranks of a job step. By
 * their attempt's token they may exchange messages through the agent.
 */
#ifndef AW_AGENT_MESSAGES_STEP_TOKENS_H
#define AW_AGENT_MESSAGES_STEP_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "util/packet.h"
#include "util/table.h"

struct aw_step_tokens {
    struct aw_table table; /* by task and attempt; private. {0} is empty */
};

/* Sets the TOKEN of an attempt, in place of an earlier one. A token that has not
 * AW_PACKET_TOKEN_SIZE characters cannot be right: then the attempt has none. 0, or -1 with ENOMEM.
 */
int aw_step_tokens_admit (struct aw_step_tokens *tokens,
                          uint32_t task,
                          uint32_t attempt,
                          const struct aw_piece *token);

/* The attempt has ended: forgets its token, and kills all processes that have it in their
 * environment.
 */
void aw_step_tokens_dismiss (struct aw_step_tokens *tokens, uint32_t task, uint32_t attempt);

/* The token of an attempt, a string; NULL: it has none. */
const char *aw_step_tokens_token (const struct aw_step_tokens *tokens,
                                  uint32_t task,
                                  uint32_t attempt);

/* Walks over the attempts that have a token, from *CURSOR 0 on: the mark of their processes
 * (util/processes.h); 0: no more. */
uint64_t aw_step_tokens_next (const struct aw_step_tokens *tokens, size_t *cursor);

/* Dismisses all attempts. */
void aw_step_tokens_finish (struct aw_step_tokens *tokens);

#endif /* AW_AGENT_MESSAGES_STEP_TOKENS_H */
