/* SPDX-License-Identifier: Apache-2.0 */
#include "model/branches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int aw_branches_init (struct aw_branches *b, const struct aw_graph *g)
{
    b->n = 0;
    b->nearest = malloc (((size_t)g->n_sets + 1) * sizeof (*b->nearest));
    if (!b->nearest) {
        errno = ENOMEM;
        return -1;
    }
    memset (b->nearest, 0xff, ((size_t)g->n_sets + 1) * sizeof (*b->nearest));
    for (uint32_t s = 0; s < g->n_sets; s++) {
        for (uint32_t e = 0; e < g->sets[s].n_after; e++) {
            const struct aw_edge *edge = &g->sets[s].after[e];

            if (edge->back < b->nearest[edge->set])
                b->nearest[edge->set] = edge->back;
        }
    }
    for (uint32_t s = 0; s < g->n_sets; s++) /* the last iterations have no successor ahead */
        b->n +=
            b->nearest[s] < aw_graph_iterations (g, s) ? b->nearest[s] : aw_graph_iterations (g, s);
    return 0;
}

void aw_branches_finish (struct aw_branches *b)
{
    int saved = errno;

    free (b->nearest);
    memset (b, 0, sizeof (*b));
    errno = saved;
}

bool aw_branches_is_end (const struct aw_branches *b,
                         const struct aw_graph *g,
                         uint32_t iteration,
                         uint32_t set)
{
    return (uint64_t)iteration + b->nearest[set] >= aw_graph_iterations (g, set);
}
