/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/messages/step_tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/processes.h"

static uint64_t key_of (uint32_t task, uint32_t attempt)
{
    return (uint64_t)task << 32 | attempt;
}

static void forget (struct aw_step_tokens *tokens, uint32_t task, uint32_t attempt)
{
    free (aw_table_remove (&tokens->table, key_of (task, attempt)));
}

/* Slurm may have missed some processes: it knows those in a cgroup, or else a rank's descendants.
 */
static void kill_holders (const char *token)
{
    char variable[sizeof (AW_PACKET_TOKEN) + AW_PACKET_TOKEN_SIZE + 1];

    snprintf (variable, sizeof (variable), AW_PACKET_TOKEN "=%s", token);
    aw_processes_kill_holders (variable, aw_process_mark_for (token));
}

int aw_step_tokens_admit (struct aw_step_tokens *tokens,
                          uint32_t task,
                          uint32_t attempt,
                          const struct aw_piece *token)
{
    char *mine;

    if (token->size != AW_PACKET_TOKEN_SIZE) {
        forget (tokens, task, attempt);
        return 0;
    }
    mine = strndup (token->text, token->size);
    if (!mine)
        return -1;
    forget (tokens, task, attempt);
    if (aw_table_set (&tokens->table, key_of (task, attempt), mine) == 0)
        return 0;
    free (mine);
    errno = ENOMEM;
    return -1;
}

void aw_step_tokens_dismiss (struct aw_step_tokens *tokens, uint32_t task, uint32_t attempt)
{
    const char *token = aw_step_tokens_token (tokens, task, attempt);

    if (token)
        kill_holders (token);
    forget (tokens, task, attempt);
}

const char *aw_step_tokens_token (const struct aw_step_tokens *tokens,
                                  uint32_t task,
                                  uint32_t attempt)
{
    return aw_table_get (&tokens->table, key_of (task, attempt));
}

uint64_t aw_step_tokens_next (const struct aw_step_tokens *tokens, size_t *cursor)
{
    const char *token = aw_table_next (&tokens->table, cursor);

    return token ? aw_process_mark_for (token) : 0;
}

void aw_step_tokens_finish (struct aw_step_tokens *tokens)
{
    size_t cursor = 0;
    void *token;

    while ((token = aw_table_next (&tokens->table, &cursor))) {
        kill_holders (token);
        free (token);
    }
    aw_table_finish (&tokens->table);
}
