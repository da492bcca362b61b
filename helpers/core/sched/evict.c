/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched/evict.h"

#include "core/sched/headroom.h"

/* What it takes for the task to fit on a node. */
struct price {
    uint32_t n_ends; /* holders to end */
    bool coming; /* it needs the place of one that has been asked to end */
    struct aw_running *victim; /* the first to end */
};

/* Is RUN, a part, of an idle attempt that has been asked to end, or that has not? */
static bool is_idle (const struct aw_evict_query *q, const struct aw_running *run, bool killed)
{
    const struct aw_running *lead = aw_running_lead (q->running, run);

    return lead->killed == killed && q->idle (q->arg, lead);
}

/* NODE as it will be when the holders that have been asked to end have ended. COMING: there are
 * some, and without them the task does not fit. */
static struct aw_headroom room_to_come (const struct aw_evict_query *q, uint32_t node, bool *coming)
{
    struct aw_headroom room = aw_headroom_now (q->pool, node, q->demand);
    struct aw_running *run = aw_running_first (q->running, node);

    *coming = false;
    for (; run && !aw_headroom_fits (&room, q->demand); run = aw_running_next (q->running, run))
        if (is_idle (q, run, true)) {
            aw_headroom_release (&room, run);
            *coming = true;
        }
    return room;
}

/* Does the task fit on NODE once RUN alone has ended, and those that have been asked to? */
static bool is_enough (const struct aw_evict_query *q, uint32_t node, const struct aw_running *run)
{
    bool coming;
    struct aw_headroom room = room_to_come (q, node, &coming);

    aw_headroom_release (&room, run);
    return aw_headroom_fits (&room, q->demand);
}

/* False: the task will not fit on NODE. */
static bool price_node (const struct aw_evict_query *q, uint32_t node, struct price *price)
{
    struct aw_running *run = aw_running_first (q->running, node), *last = NULL;
    struct aw_headroom room = room_to_come (q, node, &price->coming);

    price->n_ends = 0;
    for (; run && !aw_headroom_fits (&room, q->demand); run = aw_running_next (q->running, run)) {
        if (!is_idle (q, run, false))
            continue;
        aw_headroom_release (&room, run);
        if (price->n_ends++ == 0)
            price->victim = run;
        last = run;
    }
    if (!aw_headroom_fits (&room, q->demand))
        return false;
    if (price->n_ends > 1 && is_enough (q, node, last)) {
        price->victim = last;
        price->n_ends = 1;
    }
    return true;
}

/* Can the task use NODE at all? */
static bool is_candidate (const struct aw_evict_query *q, uint32_t node)
{
    return aw_node_could_hold (&q->pool->nodes[node], q->demand)
           && (!q->allows || q->allows (q->arg, node));
}

enum aw_evict aw_evict_next (const struct aw_evict_query *q, struct aw_running **victim)
{
    uint32_t wanted = aw_demand_nodes (q->demand), n_ready = 0, n_possible = 0;
    struct price best = { 0 };
    bool coming = false;

    for (uint32_t n = 0; n < q->pool->n_nodes && n_ready < wanted; n++) {
        struct price price;

        if (!is_candidate (q, n) || !price_node (q, n, &price))
            continue;
        if (price.n_ends == 0) {
            n_ready++;
            coming = coming || price.coming;
        }
        else if (n_possible++ == 0 || price.n_ends < best.n_ends)
            best = price;
    }
    if (n_ready == wanted)
        return coming ? AW_EVICT_WAIT : AW_EVICT_NOTHING;
    if (n_ready + n_possible < wanted)
        return AW_EVICT_NOTHING;
    *victim = aw_running_lead (q->running, best.victim);
    return AW_EVICT_END;
}
