/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "coord/agents/broadcast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"

static void forget (struct aw_broadcast *broadcast, struct aw_broadcast_tree *tree)
{
    if (tree->name)
        aw_names_remove (&broadcast->names, tree->name);
    free (tree->name);
    free (tree->order);
    free (tree->places);
    memset (tree, 0, sizeof (*tree));
}

void aw_broadcast_finish (struct aw_broadcast *broadcast)
{
    for (uint32_t i = 0; i < AW_BROADCASTS; i++)
        forget (broadcast, &broadcast->trees[i]);
    aw_names_finish (&broadcast->names);
}

/* A new tree of NAME, in place of the oldest. NULL with ENOMEM. */
static struct aw_broadcast_tree *plant (struct aw_broadcast *broadcast, const char *name)
{
    uint32_t place = broadcast->next;
    struct aw_broadcast_tree *tree = &broadcast->trees[place];

    broadcast->next = (place + 1) % AW_BROADCASTS;
    forget (broadcast, tree);
    tree->name = strdup (name);
    tree->order = calloc (broadcast->n_nodes, sizeof (*tree->order));
    tree->places = calloc (broadcast->n_nodes, sizeof (*tree->places));
    if (tree->name && tree->order && tree->places
        && aw_names_set (&broadcast->names, name, place) == 0)
        return tree;
    forget (broadcast, tree);
    return NULL;
}

static struct aw_broadcast_tree *find (struct aw_broadcast *broadcast,
                                       uint32_t instance,
                                       const char *from)
{
    struct aw_broadcast_tree *tree;
    uint32_t place;
    char *name;

    if (asprintf (&name, "%u %s", instance, from) < 0)
        return NULL;
    place = aw_names_get (&broadcast->names, name, strlen (name));
    tree = place != AW_NAMES_NONE ? &broadcast->trees[place] : plant (broadcast, name);
    free (name);
    return tree;
}

uint32_t aw_broadcast_peer (struct aw_broadcast *broadcast,
                            uint32_t instance,
                            const char *from,
                            uint32_t node)
{
    struct aw_broadcast_tree *tree = find (broadcast, instance, from);
    uint32_t place;

    if (!tree || node >= broadcast->n_nodes)
        return AW_NONE;
    if (tree->places[node] == 0) {
        tree->order[tree->n] = node;
        tree->places[node] = ++tree->n;
    }
    place = tree->places[node] - 1;
    return place > 0 ? tree->order[(place - 1) / AW_BROADCAST_CHILDREN] : AW_NONE;
}

/* Adds HOST:PORT of the agent that gives this copy, or AW_PEER_ANY where none does: others may take
 * it from this node.
 */
static void add_peer (struct aw_strings *texts, const struct aw_agent_link *agent)
{
    const struct aw_event *hello = agent ? aw_agent_link_node (agent) : NULL;

    if (hello && hello->host && hello->port > 0)
        aw_strings_addf (texts, "%s:%u", hello->host, hello->port);
    else
        aw_strings_add (texts, AW_PEER_ANY);
}

char **aw_broadcast_peers (struct aw_broadcast *broadcast,
                           struct aw_agent_link *const *agents,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_strings *texts)
{
    bool some = false;

    for (size_t i = 0; launch->peers && broadcast->n_nodes > 1 && launch->peers[i]; i++) {
        bool shared = strcmp (launch->peers[i], AW_PEER_ANY) == 0;
        uint32_t peer =
            shared ? aw_broadcast_peer (broadcast, launch->instance, launch->stage_in[3 * i], node)
                   : AW_NONE;

        some |= shared;
        if (shared)
            add_peer (texts, peer != AW_NONE ? agents[peer] : NULL);
        else
            aw_strings_add (texts, "");
    }
    return some && !texts->failed ? texts->v : NULL;
}
