/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/guests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t key_of (uint32_t task, uint32_t attempt)
{
    return (uint64_t)task << 32 | attempt;
}

int aw_guests_admit (struct aw_guests *guests,
                     uint32_t task,
                     uint32_t attempt,
                     const struct aw_piece *token)
{
    char *mine;

    if (token->size != AW_PACKET_TOKEN_SIZE) {
        aw_guests_dismiss (guests, task, attempt);
        return 0;
    }
    mine = strndup (token->text, token->size);
    if (!mine)
        return -1;
    aw_guests_dismiss (guests, task, attempt);
    if (aw_table_set (&guests->tokens, key_of (task, attempt), mine) == 0)
        return 0;
    free (mine);
    errno = ENOMEM;
    return -1;
}

void aw_guests_dismiss (struct aw_guests *guests, uint32_t task, uint32_t attempt)
{
    free (aw_table_remove (&guests->tokens, key_of (task, attempt)));
}

const char *aw_guests_token (const struct aw_guests *guests, uint32_t task, uint32_t attempt)
{
    return aw_table_get (&guests->tokens, key_of (task, attempt));
}

void aw_guests_finish (struct aw_guests *guests)
{
    size_t cursor = 0;
    void *token;

    while ((token = aw_table_next (&guests->tokens, &cursor)))
        free (token);
    aw_table_finish (&guests->tokens);
}
