/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes that are put off during a decision. Tasks of one shape that must start where their data is
 * do not find room in the order of their priorities, nor do those that a plan keeps back. The first
 * of them waits, as that of a blocked shape does; the one that can start must not go before tasks
 * of other shapes that come between. So what starts does not depend on which shapes an earlier
 * decision has found to be blocked.
 */
#include "core/sched/sched_state.h"

void aw_sched_put_off (struct aw_sched *s,
                       struct aw_shape *shape,
                       enum aw_block why,
                       uint32_t instance)
{
    aw_ready_block (&s->ready, shape, why);
    shape->later = instance + 1;
    s->ready.n_later++;
}

struct aw_shape *aw_sched_next_later (const struct aw_sched *s, uint32_t first)
{
    struct aw_shape *best = NULL;

    for (uint32_t i = 0; s->ready.n_later > 0 && i < s->ready.n_shapes; i++) {
        struct aw_shape *shape = &s->ready.shapes[i];

        if (shape->later > 0
            && (first == AW_NONE || aw_ready_before (&s->ready, shape->later - 1, first))
            && (!best || aw_ready_before (&s->ready, shape->later - 1, best->later - 1)))
            best = shape;
    }
    return best;
}

void aw_sched_open_later (struct aw_sched *s)
{
    for (uint32_t i = 0; s->ready.n_later > 0; i++)
        if (s->ready.shapes[i].later > 0)
            aw_ready_open (&s->ready, &s->ready.shapes[i]);
}
