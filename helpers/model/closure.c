/* SPDX-License-Identifier: Apache-2.0 */
#include "model/closure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *row (const struct aw_closure *c, uint32_t i)
{
    return c->bits + (size_t)i * c->n_words;
}

/* The instances after I, and I itself, come after the predecessors of I too. */
static void hand_back (struct aw_closure *c,
                       const struct aw_graph *g,
                       uint32_t iteration,
                       uint32_t set)
{
    uint32_t me = iteration * g->n_sets + set;

    for (uint32_t e = 0; e < g->sets[set].n_after; e++) {
        const struct aw_edge *edge = &g->sets[set].after[e];
        uint64_t *before;

        if (edge->back > iteration)
            continue;
        before = row (c, (iteration - edge->back) * g->n_sets + edge->set);
        for (size_t w = 0; w < c->n_words; w++)
            before[w] |= row (c, me)[w];
        before[me / 64] |= UINT64_C (1) << (me % 64);
    }
}

int aw_closure_init (struct aw_closure *c, const struct aw_graph *g)
{
    uint64_t n = (uint64_t)g->iterations * g->n_sets;

    memset (c, 0, sizeof (*c));
    if (n > AW_CLOSURE_MAX) {
        errno = E2BIG;
        return -1;
    }
    c->n = (uint32_t)n;
    c->n_words = ((size_t)n + 63) / 64;
    c->bits = calloc (n * c->n_words + 1, sizeof (*c->bits));
    if (!c->bits) {
        errno = ENOMEM;
        return -1;
    }
    /* Backwards, a row is complete when it is reached: successors are later in the order or in a
     * later iteration. */
    for (uint32_t it = g->iterations; it-- > 0;)
        for (uint32_t o = g->n_sets; o-- > 0;)
            hand_back (c, g, it, g->order[o]);
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
