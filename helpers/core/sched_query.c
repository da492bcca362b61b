/* SPDX-License-Identifier: Apache-2.0 */
/* What others may ask the scheduler, and the names of its settings. */
#include <math.h>
#include <stdio.h>

#include "core/sched_state.h"
#include "util/suggest.h"

static const char *const policy_names[] = {
    [AW_POLICY_LONGEST_PATH] = "longest-path",
    [AW_POLICY_FIFO] = "fifo",
    [AW_POLICY_WAVES] = "waves",
    [AW_POLICY_GPUS_FIRST] = "gpus-first",
    [AW_POLICY_WIDEST] = "widest",
};

static const char *const mode_names[] = {
    [AW_MODE_ASYNC] = "async",
    [AW_MODE_SEQUENTIAL] = "sequential",
};

const char *aw_policy_name (enum aw_policy policy)
{
    return policy_names[policy];
}

int aw_policy_parse (const char *name)
{
    return aw_find_name (name, policy_names, AW_POLICIES);
}

const char *aw_mode_name (enum aw_mode mode)
{
    return mode_names[mode];
}

int aw_mode_parse (const char *name)
{
    return aw_find_name (name, mode_names, sizeof (mode_names) / sizeof (mode_names[0]));
}

static void add_counts (struct aw_counts *sum, const uint32_t counts[AW_TASK_STATES])
{
    sum->waiting += counts[AW_TASK_WAITING];
    sum->ready += counts[AW_TASK_READY];
    sum->running += counts[AW_TASK_RUNNING];
    sum->done += counts[AW_TASK_DONE];
    sum->failed += counts[AW_TASK_FAILED];
    sum->skipped += counts[AW_TASK_SKIPPED];
}

struct aw_counts aw_sched_counts (const struct aw_sched *s, uint32_t set)
{
    struct aw_counts sum = { 0 };

    if (set != AW_NONE)
        add_counts (&sum, s->depend.counts[set]);
    else
        for (uint32_t i = 0; i < s->graph->n_sets; i++)
            add_counts (&sum, s->depend.counts[i]);
    return sum;
}

const struct aw_graph *aw_sched_graph (const struct aw_sched *s)
{
    return s->graph;
}

const struct aw_pool *aw_sched_pool (const struct aw_sched *s)
{
    return &s->pool;
}

double aw_sched_duration (const struct aw_sched *s, uint32_t set)
{
    return s->estimate.seconds[set];
}

double aw_sched_expected (const struct aw_sched *s, uint32_t task)
{
    return s->estimate.seconds[aw_graph_task (s->graph, task).set];
}

double aw_sched_next_wake (const struct aw_sched *s)
{
    return s->ended || s->stopped ? INFINITY : aw_later_next (&s->later);
}

/* What ends with a lost node is the scheduler's own; what ends while its node leaves is told. */
bool aw_sched_is_input (const struct aw_sched *s, const struct aw_event *ev)
{
    switch (ev->type) {
    case AW_EVENT_NODE:
    case AW_EVENT_NODE_LOST:
    case AW_EVENT_STOP:
    case AW_EVENT_WAKE:
        return true;
    case AW_EVENT_FINISH:
        return ev->status != AW_STATUS_NODE_FAIL || ev->node >= s->pool.n_nodes
               || !s->pool.nodes[ev->node].lost;
    default:
        return false;
    }
}

double aw_sched_now (const struct aw_sched *s)
{
    return s->now;
}

bool aw_sched_running (const struct aw_sched *s, uint32_t *cursor, struct aw_event *ev)
{
    for (; *cursor < s->running.n_slots; ++*cursor) {
        const struct aw_running *run = &s->running.slots[*cursor];

        if (!run->used)
            continue;
        *ev = (struct aw_event){
            .type = AW_EVENT_START,
            .t = run->start,
            .task = run->task,
            .attempt = run->attempt,
            .node = run->node,
            .cpus = run->cpus,
            .gpus = run->gpus,
        };
        ++*cursor;
        return true;
    }
    return false;
}

void aw_sched_expect (struct aw_sched *s, uint32_t set, double seconds)
{
    aw_estimate_expect (&s->estimate, set, seconds);
    s->n_moves = AW_MANY_MOVES;
}

bool aw_sched_ended (const struct aw_sched *s)
{
    return s->ended;
}

bool aw_sched_stopped (const struct aw_sched *s)
{
    return s->stopped;
}

/* The demand in words, for the message below. */
static void describe (const struct aw_set *set, char *buf, size_t size)
{
    int n = snprintf (buf, size, "%u CPUs", set->cpus);

    if (set->gpus && n > 0 && (size_t)n < size)
        n += snprintf (buf + n, size - (size_t)n, ", %u GPUs", set->gpus);
    if (set->mem && n > 0 && (size_t)n < size)
        snprintf (buf + n, size - (size_t)n, ", %.0f MiB of memory", (double)set->mem / (1 << 20));
}

static bool any_node_could_hold (const struct aw_pool *pool, const struct aw_demand *demand)
{
    for (uint32_t n = 0; n < pool->n_nodes; n++)
        if (aw_node_could_hold (&pool->nodes[n], demand))
            return true;
    return false;
}

int aw_sched_check (const struct aw_sched *s, struct aw_error *err)
{
    for (uint32_t i = 0; i < s->graph->n_sets; i++) {
        const struct aw_set *set = &s->graph->sets[i];
        struct aw_demand demand = aw_set_demand (set), most = { 0 };
        char wants[96];

        if (any_node_could_hold (&s->pool, &demand))
            continue;
        for (uint32_t n = 0; n < s->pool.n_nodes; n++) {
            const struct aw_demand *total = &s->pool.nodes[n].total;
            most.cpus = total->cpus > most.cpus ? total->cpus : most.cpus;
            most.gpus = total->gpus > most.gpus ? total->gpus : most.gpus;
        }
        describe (set, wants, sizeof (wants));
        return aw_error_set (
            err,
            "tasks.%s: a task wants %s on one node: no node of the pool has that (up to %u "
            "CPUs, %u GPUs): ask Slurm for larger nodes or less for the task",
            set->name, wants, most.cpus, most.gpus);
    }
    return 0;
}
