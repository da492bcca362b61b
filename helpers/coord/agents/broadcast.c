/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "coord/agents/broadcast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"

enum { NAMED = 2 }; /* givers of a copy in a launch */

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

uint32_t aw_broadcast_givers (struct aw_broadcast *broadcast,
                              uint32_t instance,
                              const char *from,
                              uint32_t node,
                              uint32_t givers[AW_BROADCAST_GIVERS])
{
    struct aw_broadcast_tree *tree = find (broadcast, instance, from);
    uint32_t place, n = 0;

    if (!tree || node >= broadcast->n_nodes)
        return 0;
    if (tree->places[node] == 0) {
        tree->order[tree->n] = node;
        tree->places[node] = ++tree->n;
    }
    place = tree->places[node] - 1;
    for (uint32_t above = place; above > 0;) {
        above = (above - 1) / AW_BROADCAST_CHILDREN;
        givers[n++] = tree->order[above];
    }
    if (place >= AW_BROADCAST_CHILDREN)
        givers[n++] = tree->order[place - 1];
    return n;
}

/* Adds HOST:PORT of the first of GIVERS whose agents give the copy, or AW_PEER_ANY where none does:
 * others may take it from this node.
 */
static void add_peers (struct aw_strings *texts,
                       struct aw_agent_link *const *agents,
                       const uint32_t *givers,
                       uint32_t n_givers)
{
    const struct aw_event *named[NAMED];
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_givers && n < NAMED; i++) {
        const struct aw_agent_link *agent = agents[givers[i]];
        const struct aw_event *hello = agent ? aw_agent_link_node (agent) : NULL;

        if (hello && hello->host && hello->port > 0)
            named[n++] = hello;
    }
    if (n == 0)
        aw_strings_add (texts, AW_PEER_ANY);
    else if (n == 1)
        aw_strings_addf (texts, "%s:%u", named[0]->host, named[0]->port);
    else
        aw_strings_addf (texts, "%s:%u %s:%u", named[0]->host, named[0]->port, named[1]->host,
                         named[1]->port);
}

char **aw_broadcast_peers (struct aw_broadcast *broadcast,
                           struct aw_agent_link *const *agents,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_strings *texts)
{
    bool some = false;

    for (size_t i = 0; launch->peers && broadcast->n_nodes > 1 && launch->peers[i]; i++) {
        uint32_t givers[AW_BROADCAST_GIVERS];

        if (strcmp (launch->peers[i], AW_PEER_ANY) != 0) {
            aw_strings_add (texts, "");
            continue;
        }
        some = true;
        add_peers (texts, agents, givers,
                   aw_broadcast_givers (broadcast, launch->instance, launch->stage_in[3 * i], node,
                                        givers));
    }
    return some && !texts->failed ? texts->v : NULL;
}
