/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that do nothing but wait for a message or an answer, without a time limit. Their library
 * says so (AW_PACKET_WAIT). That may cross with what they wait for: then they do not wait.
 */
#include "coord/messages/message_state.h"
#include "core/graph/graph.h"

static const struct aw_hub_request *request_of (const struct aw_hub *hub,
                                                const struct aw_hub_connection *c)
{
    const struct aw_hub_request *request = aw_table_get (&hub->requests, c->request);

    return request && request->number == c->waits ? request : NULL;
}

/* The topic on which the connection waits; NULL: it does not wait. */
static const struct aw_topic *awaited (const struct aw_hub *hub, const struct aw_hub_connection *c)
{
    const struct aw_receiver *receiver = c->waits ? aw_hub_find_receiver (c, c->waits) : NULL;
    const struct aw_hub_request *request = c->waits ? request_of (hub, c) : NULL;

    if (receiver && receiver->n_acked + receiver->n_flight == c->waits_seq)
        return receiver->group->topic;
    return request ? request->topic : NULL;
}

static uint64_t attempt_of (const struct aw_hub_connection *c)
{
    return aw_hub_pair (c->task, c->attempt);
}

bool aw_hub_all_wait (const struct aw_hub *hub,
                      const struct aw_graph *graph,
                      struct aw_hub_waits *waits)
{
    struct aw_table attempts = { 0 };
    struct aw_hub_connection *c;
    size_t cursor = 0;
    bool all = true;

    *waits = (struct aw_hub_waits){ .task = UINT32_MAX };
    while (all && (c = aw_table_next (&hub->connections, &cursor))) {
        const struct aw_topic *topic = awaited (hub, c);

        if (topic && graph && graph->sets[aw_graph_task (graph, c->task).set].service)
            continue;
        all = topic && aw_table_set (&attempts, attempt_of (c), c) == 0;
        if (all && c->task < waits->task)
            *waits = (struct aw_hub_waits){ 0, c->task, c->attempt, topic->name };
    }
    waits->n = (uint32_t)attempts.n_used;
    aw_table_finish (&attempts);
    return all && waits->n > 0;
}

void aw_hub_end_waits (struct aw_hub *hub, const char *why)
{
    struct aw_hub_connection *c;
    size_t cursor = 0;

    while ((c = aw_table_next (&hub->connections, &cursor))) {
        if (awaited (hub, c))
            aw_hub_fail_request (hub, c->node, c->conn, c->waits, AW_PACKET_STUCK, why);
        c->waits = 0;
    }
}

uint64_t aw_hub_n_packets (const struct aw_hub *hub)
{
    return hub->n_packets;
}
