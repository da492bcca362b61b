/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/steps/token_grants.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/token.h"

int aw_token_grants_init (struct aw_token_grants *guests,
                          const struct aw_launch *launch,
                          struct aw_error *err)
{
    const struct aw_step_plan *step = launch->step;

    *guests = (struct aw_token_grants){ .task = launch->task, .attempt = launch->attempt };
    guests->nodes = calloc (step->n_parts, sizeof (*guests->nodes));
    guests->waits = calloc (step->n_parts, sizeof (*guests->waits));
    if (!guests->nodes || !guests->waits) {
        aw_token_grants_finish (guests);
        return aw_error_set (err, "out of memory");
    }
    for (uint32_t i = 0; i < step->n_parts; i++)
        if (step->parts[i].socket)
            guests->nodes[guests->n_nodes++] = step->parts[i].number;
    return aw_token_make (guests->token, err);
}

void aw_token_grants_finish (struct aw_token_grants *guests)
{
    free (guests->nodes);
    free (guests->waits);
    *guests = (struct aw_token_grants){ 0 };
}

void aw_token_grants_env (const struct aw_token_grants *guests, struct aw_strings *env)
{
    char launch[32];

    if (guests->n_nodes == 0)
        return;
    snprintf (launch, sizeof (launch), "%" PRIu32 ".%" PRIu32, guests->task, guests->attempt);
    aw_strings_setenv (env, AW_PACKET_LAUNCH, launch);
    aw_strings_setenv (env, AW_PACKET_TOKEN, guests->token);
}

void aw_token_grants_tell (struct aw_token_grants *guests,
                           struct aw_exec *pool,
                           enum aw_packet_kind kind)
{
    struct aw_packet packet = { .kind = kind, .task = guests->task, .attempt = guests->attempt };

    if (kind == AW_PACKET_ADMIT)
        packet.data = aw_piece_of (guests->token);
    for (uint32_t i = 0; i < guests->n_nodes; i++) {
        guests->n_waits += !guests->waits[i];
        guests->waits[i] = true;
        pool->ops->message (pool, guests->nodes[i], &packet, NULL, 0);
    }
}

static bool settle (struct aw_token_grants *guests, uint32_t i)
{
    if (!guests->waits[i])
        return false;
    guests->waits[i] = false;
    return --guests->n_waits == 0;
}

bool aw_token_grants_answered (struct aw_token_grants *guests, uint32_t node)
{
    for (uint32_t i = 0; i < guests->n_nodes; i++)
        if (guests->nodes[i] == node)
            return settle (guests, i);
    return false;
}

bool aw_token_grants_lost (struct aw_token_grants *guests, uint32_t node)
{
    for (uint32_t i = 0; i < guests->n_nodes; i++) {
        bool last;

        if (guests->nodes[i] != node)
            continue;
        last = settle (guests, i);
        guests->n_nodes--;
        guests->nodes[i] = guests->nodes[guests->n_nodes];
        guests->waits[i] = guests->waits[guests->n_nodes];
        return last;
    }
    return false;
}
