/* SPDX-License-Identifier: Apache-2.0 */
/* What starts next, and where. The first ready task by priority goes first. While it finds no room,
 * others may start as far as the reservation for it allows.
 */
#include <math.h>
#include <stdlib.h>

#include "core/sched/sched_state.h"

/* At most this many nodes are tried for a good place. */
enum { GOOD_TRIES = 16 };

/* What a place is looked for. */
struct search {
    const struct aw_demand *demand;
    uint32_t instance;
    double seconds; /* that the task takes */
    bool beside; /* the reservation must allow it */
    uint32_t except; /* not on this node */
    bool spares; /* idle workers are to stay */
    bool held; /* a node had room, but its place is held for another task */
};

static bool may_start_on (struct aw_sched *s, struct search *search, uint32_t node)
{
    if (node == search->except
        || (search->beside
            && !aw_reservation_allows (&s->reservation, node, search->demand, s->now,
                                       search->seconds)))
        return false;
    if (aw_sched_hold_allows (s, search->instance, node, search->demand))
        return true;
    search->held = true;
    return false;
}

/* Chooses the best fit among the nodes that suit the task. False: there are too few. */
static bool choose_suiting (struct aw_sched *s, struct search *search, enum aw_suit suit)
{
    const struct aw_demand *demand = search->demand;
    uint32_t wanted = aw_demand_nodes (demand), n = 0, place = 0, tries = 0, node;

    while (n < wanted && (node = aw_pool_next_fit (&s->pool, demand, &place)) != AW_NO_NODE) {
        if (!may_start_on (s, search, node))
            continue;
        if (search->spares && !aw_pool_spares (&s->pool, node, demand)) {
            if (++tries == GOOD_TRIES)
                break;
        }
        else if (aw_pool_suits (&s->pool, node, demand, suit))
            s->chosen[n++] = node;
        else if (suit == AW_SUIT_GOOD && ++tries == GOOD_TRIES)
            break;
    }
    return n == wanted;
}

static bool choose_best (struct aw_sched *s, struct search *search)
{
    for (int suit = aw_pool_best_suit (&s->pool, search->demand); suit <= AW_SUIT_ANY; suit++)
        if (choose_suiting (s, search, (enum aw_suit)suit))
            return true;
    return false;
}

static bool choose_except (struct aw_sched *s, struct search *search, uint32_t except)
{
    search->except = except;
    if (aw_demand_nodes (search->demand) > s->part_room)
        return false;
    search->spares = s->residents.n > 0;
    if (search->spares && choose_best (s, search))
        return true;
    search->spares = false;
    return choose_best (s, search);
}

/* Chooses the place of a worker of the set that has no call. */
static bool choose_resident (struct aw_sched *s, struct search *search, uint32_t avoided)
{
    uint32_t set = aw_graph_instance_set (s->graph, search->instance);

    search->except = avoided;
    for (uint32_t i = 0; i < s->residents.n; i++) {
        const struct aw_resident *r = &s->residents.list[i];

        if (r->set != set
            || !aw_node_has (&s->pool.nodes[r->node], search->demand, &r->cpus, &r->gpus)
            || !may_start_on (s, search, r->node))
            continue;
        s->chosen[0] = r->node;
        s->resident = r;
        return true;
    }
    return false;
}

static double seconds_of_instance (const struct aw_sched *s, uint32_t instance)
{
    return aw_sched_beside_seconds (s, aw_graph_instance_set (s->graph, instance));
}

/* Chooses nodes for the first task of INSTANCE: if possible not the one where it failed. BESIDE:
 * the reservation must allow it. HELD: as in the search.
 */
static bool choose_nodes (
    struct aw_sched *s, const struct aw_demand *demand, uint32_t instance, bool beside, bool *held)
{
    struct search search = { .demand = demand,
                             .instance = instance,
                             .seconds = beside ? seconds_of_instance (s, instance) : NAN,
                             .beside = beside };
    uint32_t avoided = AW_NO_NODE;
    bool found;

    if (s->failed_on)
        avoided = s->failed_on[aw_ready_front (&s->ready, instance)];
    s->resident = NULL;
    found = (s->residents.n > 0 && choose_resident (s, &search, avoided))
            || (avoided != AW_NO_NODE && choose_except (s, &search, avoided))
            || choose_except (s, &search, AW_NO_NODE);
    *held = !found && search.held;
    return found;
}

bool aw_sched_reserve_for (struct aw_sched *s, const struct aw_shape *shape, uint32_t instance)
{
    uint32_t number = (uint32_t)(shape - s->ready.shapes);

    if (s->reservation.active && s->reservation.shape == number)
        return true;
    aw_sched_drop_reservation (s);
    if (shape->bound)
        return aw_sched_reserve_staged (s, shape, instance);
    return aw_reservation_make (
        &s->reservation, &s->forecast,
        &(struct aw_forecast_query){ &s->pool, &s->running, number, &shape->demand, s->now });
}

/* The first task of the shape was held back: another of the same demand may be short enough to end
 * before T.
 */
static uint32_t shorter_instance (const struct aw_sched *s, const struct aw_shape *shape, double t)
{
    uint32_t best = AW_NONE;

    for (uint32_t i = 1; i < shape->n; i++) {
        uint32_t instance = shape->heap[i];

        if (aw_sched_startable (s, instance)
            && aw_reservation_ends_before (t, s->now, seconds_of_instance (s, instance))
            && (best == AW_NONE || aw_ready_before (&s->ready, instance, best)))
            best = instance;
    }
    return best;
}

/* The same for a task that the reservation, for a task before it, must allow: of INSTANCE, or a
 * shorter one.
 */
static bool choose_beside (struct aw_sched *s,
                           const struct aw_shape *shape,
                           struct aw_choice *choice)
{
    uint32_t *instance = &choice->instance;
    bool held;

    if (shape->bound)
        return aw_sched_choose_staged (s, shape, true, choice);
    if (choose_nodes (s, &shape->demand, *instance, true, &held))
        return true;
    *instance = shorter_instance (s, shape, s->reservation.t);
    return *instance != AW_NONE && choose_nodes (s, &shape->demand, *instance, true, &held);
}

struct aw_shape *aw_sched_first_shape (struct aw_sched *s, bool blocked, uint32_t *first)
{
    struct aw_shape *shape, *best = NULL;

    while ((shape = aw_ready_first (&s->ready, blocked))) {
        if (isinf (s->limit) && !s->services.n) {
            *first = shape->heap[0];
            return shape;
        }
        *first = aw_sched_first_startable (s, shape);
        if (*first == shape->heap[0])
            return shape;
        if (*first != AW_NONE)
            break;
        aw_ready_block (&s->ready, shape, AW_BLOCK_LATE);
    }
    for (uint32_t i = 0; (shape = aw_ready_at (&s->ready, blocked, i)); i++) {
        uint32_t instance;

        if (best && !aw_ready_before (&s->ready, shape->heap[0], *first))
            continue;
        instance = aw_sched_first_startable (s, shape);
        if (instance == AW_NONE || (best && !aw_ready_before (&s->ready, instance, *first)))
            continue;
        best = shape;
        *first = instance;
    }
    return best;
}

/* The blocked shape that comes before instance FIRST, with its INSTANCE that does. NULL: there is
 * none.
 */
static const struct aw_shape *first_waiting (struct aw_sched *s, uint32_t first, uint32_t *instance)
{
    const struct aw_shape *shape = aw_ready_first (&s->ready, true);

    if (!shape || !aw_ready_before (&s->ready, shape->heap[0], first))
        return NULL;
    shape = aw_sched_first_shape (s, true, instance);
    if (shape && aw_sched_services_alone (s)
        && s->graph->sets[aw_graph_instance_set (s->graph, *instance)].service)
        return NULL; /* it would wait for those to end, and they for tasks that it holds back */
    return shape && aw_ready_before (&s->ready, *instance, first) ? shape : NULL;
}

/* Finds another INSTANCE of SHAPE, and nodes for it, whose task ends before the places of its first
 * one are needed.
 */
static bool choose_shorter (struct aw_sched *s, const struct aw_shape *shape, uint32_t *instance)
{
    const struct aw_awaited *awaited = aw_sched_held_for (s, *instance);
    bool held;

    *instance = awaited ? shorter_instance (s, shape, awaited->t) : AW_NONE;
    return *instance != AW_NONE && choose_nodes (s, &shape->demand, *instance, false, &held);
}

/* Finds instance and nodes for a shape; FIRST is its first instance that is not late. False: the
 * shape is now blocked, or put off.
 */
static bool place (struct aw_sched *s,
                   struct aw_shape *shape,
                   uint32_t first,
                   struct aw_choice *choice)
{
    const bool has_turn = shape->later > 0;
    const struct aw_shape *waiting;
    uint32_t awaited;
    bool found, planned = false;
    enum aw_block why = AW_BLOCK_ROOM;

    *choice = (struct aw_choice){ first, AW_NONE };
    s->resident = NULL;
    if (shape->bound)
        found = aw_sched_choose_staged (s, shape, false, choice);
    else
        found = choose_nodes (s, &shape->demand, first, false, &planned)
                || (planned && choose_shorter (s, shape, &choice->instance));
    if (found && choice->instance != first && !has_turn) {
        aw_sched_put_off (s, shape, planned ? AW_BLOCK_PLANNED : AW_BLOCK_ROOM, choice->instance);
        return false;
    }
    waiting = found ? first_waiting (s, choice->instance, &awaited) : NULL;
    if (waiting && aw_sched_reserve_for (s, waiting, awaited)) {
        found = choose_beside (s, shape, choice);
        why = AW_BLOCK_HELD;
    }
    if (!found)
        aw_ready_block (&s->ready, shape, planned ? AW_BLOCK_PLANNED : why);
    return found;
}

static int compare_numbers (const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    return a < b ? -1 : a > b;
}

static int take_resident (struct aw_sched *s, struct aw_running *run)
{
    run->node = s->resident->node;
    return aw_idset_copy (&run->cpus, &s->resident->cpus) < 0
                   || aw_idset_copy (&run->gpus, &s->resident->gpus) < 0
               ? -1
               : aw_pool_take_ids (&s->pool, run->node, &run->demand, &run->cpus, &run->gpus);
}

/* Takes the demand from each of the chosen nodes; all or nothing. */
static int take_chosen (struct aw_sched *s, struct aw_running *run)
{
    uint32_t n = aw_demand_nodes (&run->demand), i;
    struct aw_running *part = run;

    if (n > 1)
        qsort (s->chosen, n, sizeof (*s->chosen), compare_numbers);
    if (s->resident)
        return take_resident (s, run);
    for (i = 0; i < n; i++, part = aw_running_more (&s->running, part)) {
        part->node = s->chosen[i];
        if (aw_pool_take (&s->pool, part->node, &run->demand, &part->cpus, &part->gpus) == 0)
            continue;
        aw_sched_give_back (s, run, i);
        return -1;
    }
    return 0;
}

/* The attempt, which has its data, starts with its CPUs and GPUs. */
static int start_staged (struct aw_sched *s, uint32_t task, struct aw_running **out)
{
    struct aw_running *run = aw_running_find (&s->running, task);

    run->demand = aw_set_demand (&s->graph->sets[run->set]);
    if (take_chosen (s, run) < 0)
        return -1;
    aw_sched_begin_staged (s, run);
    *out = run;
    return 1;
}

static int start (struct aw_sched *s, uint32_t instance, struct aw_running **out)
{
    uint32_t task = aw_ready_front (&s->ready, instance);
    const struct aw_set *set = &s->graph->sets[aw_graph_instance_set (s->graph, instance)];
    struct aw_demand demand = aw_set_demand (set);
    struct aw_running *run = aw_running_new (&s->running, demand.nodes);

    if (!run)
        return -1;
    run->demand = demand;
    if (take_chosen (s, run) < 0)
        return -1;
    aw_ready_remove (&s->ready, task);
    aw_sched_begin_run (s, run, task);
    aw_ready_started (&s->ready, run->set);
    *out = run;
    return 1;
}

/* Tries the shapes in the order of their tasks. False: nothing can start. */
static bool choose (struct aw_sched *s, struct aw_choice *choice)
{
    for (;;) {
        uint32_t first = AW_NONE;
        struct aw_shape *shape = aw_sched_first_shape (s, false, &first);
        struct aw_shape *later = aw_sched_next_later (s, shape ? first : AW_NONE);

        if (later) {
            shape = later;
            first = aw_sched_first_startable (s, shape);
        }
        if (!shape || aw_sched_yields (s, first))
            return false;
        if (place (s, shape, first, choice))
            return true;
    }
}

int aw_sched_decide (struct aw_sched *s, struct aw_running **run)
{
    struct aw_choice choice;

    if (aw_sched_refresh_ranks (s, s->graph) < 0)
        return -1;
    if (!choose (s, &choice))
        return 0;
    aw_sched_open_later (s);
    return choice.task != AW_NONE ? start_staged (s, choice.task, run)
                                  : start (s, choice.instance, run);
}
