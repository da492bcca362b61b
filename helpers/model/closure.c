/* SPDX-License-Identifier: Apache-2.0 */
#include "model/closure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/peers.h"

static uint64_t *row (const struct aw_closure *c, uint32_t i)
{
    return c->bits + (size_t)i * c->n_words;
}

/* The instances after the one at AT, and it itself, come after its predecessors too. */
static void hand_back (struct aw_closure *c, const struct aw_graph *g, const struct aw_task *at)
{
    uint32_t me = aw_graph_instance (g, at->iteration, at->set);

    for (uint32_t e = 0; e < g->sets[at->set].n_after; e++) {
        const struct aw_edge *edge = &g->sets[at->set].after[e];
        struct aw_span span = aw_span_before (g, edge, at->set, at->iteration);

        for (uint32_t k = 0; k < span.n; k++) {
            uint64_t *before = row (c, aw_graph_instance (g, span.first + k, edge->set));

            for (size_t w = 0; w < c->n_words; w++)
                before[w] |= row (c, me)[w];
            before[me / 64] |= UINT64_C (1) << (me % 64);
        }
    }
}

int aw_closure_init (struct aw_closure *c, const struct aw_graph *g)
{
    size_t n = aw_graph_n_instances (g);

    memset (c, 0, sizeof (*c));
    if (n > AW_CLOSURE_MAX) {
        errno = E2BIG;
        return -1;
    }
    c->n = (uint32_t)n;
    c->n_words = (n + 63) / 64;
    c->bits = calloc (n * c->n_words + 1, sizeof (*c->bits));
    if (!c->bits) {
        errno = ENOMEM;
        return -1;
    }
    /* Backwards, a row is complete when it is reached: successors come later in the order. */
    while (n-- > 0) {
        struct aw_task at = aw_graph_ordered (g, (uint32_t)n);

        hand_back (c, g, &at);
    }
    return 0;
}

void aw_closure_finish (struct aw_closure *c)
{
    int saved = errno;

    free (c->bits);
    memset (c, 0, sizeof (*c));
    errno = saved;
}

const uint64_t *aw_closure_row (const struct aw_closure *c, uint32_t i)
{
    return row (c, i);
}

bool aw_closure_has (const struct aw_closure *c, uint32_t i, uint32_t j)
{
    return row (c, i)[j / 64] >> (j % 64) & 1;
}
