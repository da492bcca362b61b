/* SPDX-License-Identifier: Apache-2.0 */
/* The matching grows along augmenting paths, found breadth first from each instance without a
 * partner. Within a round no instance is visited twice, so a round costs one pass over the matrix;
 * rounds continue while one finds a path.
 */
#include "model/width.h"

#include <stdlib.h>
#include <string.h>

#include "core/graph/peers.h"

struct matching {
    const struct aw_closure *closure;
    uint32_t *next; /* by instance: its partner after it in the chain */
    uint32_t *previous; /* the reverse */
    uint32_t *found_from; /* by instance: the one from which the search came */
    uint32_t *queue;
    uint64_t *fresh; /* instances not visited in this round */
    uint32_t size;
};

/* Inverts the path that ends in J: each instance on it gets a partner. */
static void augment (struct matching *m, uint32_t j)
{
    while (j != AW_NONE) {
        uint32_t i = m->found_from[j], others = m->next[i];

        m->next[i] = j;
        m->previous[j] = i;
        j = others;
    }
    m->size++;
}

/* Looks for a path from START, which has no next. */
static bool search (struct matching *m, uint32_t start)
{
    uint32_t head = 0, tail = 0;

    m->queue[tail++] = start;
    while (head < tail) {
        uint32_t i = m->queue[head++];
        const uint64_t *after = aw_closure_row (m->closure, i);

        for (size_t w = 0; w < m->closure->n_words; w++) {
            for (uint64_t bits = after[w] & m->fresh[w]; bits; bits &= bits - 1) {
                uint32_t j = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll (bits);

                m->fresh[w] &= ~(UINT64_C (1) << (j % 64));
                m->found_from[j] = i;
                if (m->previous[j] == AW_NONE) {
                    augment (m, j);
                    return true;
                }
                m->queue[tail++] = m->previous[j];
            }
        }
    }
    return false;
}

static void grow (struct matching *m)
{
    bool found = true;

    while (found) {
        found = false;
        memset (m->fresh, 0xff, m->closure->n_words * sizeof (*m->fresh));
        for (uint32_t i = 0; i < m->closure->n; i++)
            if (m->next[i] == AW_NONE && search (m, i))
                found = true;
    }
}

int64_t aw_width (const struct aw_closure *closure)
{
    size_t n = (size_t)closure->n + 1;
    struct matching m = { .closure = closure };
    int64_t width = -1;

    m.next = malloc (n * sizeof (*m.next));
    m.previous = malloc (n * sizeof (*m.previous));
    m.found_from = malloc (n * sizeof (*m.found_from));
    m.queue = malloc (n * sizeof (*m.queue));
    m.fresh = malloc ((closure->n_words + 1) * sizeof (*m.fresh));
    if (m.next && m.previous && m.found_from && m.queue && m.fresh) {
        memset (m.next, 0xff, n * sizeof (*m.next));
        memset (m.previous, 0xff, n * sizeof (*m.previous));
        grow (&m);
        width = (int64_t)closure->n - m.size;
    }
    free (m.next);
    free (m.previous);
    free (m.found_from);
    free (m.queue);
    free (m.fresh);
    return width;
}

/* Takes a predecessor of the instance at AT that has no next one yet. False: there is none. */
static bool join_chain (const struct aw_graph *g, const struct aw_task *at, uint8_t *has_next)
{
    const struct aw_set *set = &g->sets[at->set];

    for (uint32_t e = 0; e < set->n_after; e++) {
        struct aw_span span = aw_span_before (g, &set->after[e], at->set, at->iteration);

        for (uint32_t k = 0; k < span.n; k++) {
            uint32_t before = aw_graph_instance (g, span.first + k, set->after[e].set);

            if (has_next[before])
                continue;
            has_next[before] = 1;
            return true;
        }
    }
    return false;
}

int64_t aw_width_bound (const struct aw_graph *g)
{
    uint32_t n = aw_graph_n_instances (g);
    uint8_t *has_next = calloc ((size_t)n + 1, 1);
    int64_t chains = 0;

    if (!has_next)
        return -1;
    for (uint32_t k = 0; k < n; k++) {
        struct aw_task at = aw_graph_ordered (g, k);

        chains += !join_chain (g, &at, has_next);
    }
    free (has_next);
    return chains;
}
