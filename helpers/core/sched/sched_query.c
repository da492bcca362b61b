/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the scheduler, and the names of its settings. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/sched/sched_state.h"
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

static void add_counts (struct aw_counts *sum, const uint32_t counts[AW_DEPEND_STATES])
{
    sum->waiting += counts[AW_DEPEND_WAITING];
    sum->ready += counts[AW_DEPEND_READY];
    sum->running += counts[AW_DEPEND_RUNNING];
    sum->done += counts[AW_DEPEND_DONE];
    sum->ignored += counts[AW_DEPEND_IGNORED];
    sum->failed += counts[AW_DEPEND_FAILED];
    sum->skipped += counts[AW_DEPEND_SKIPPED];
}

bool aw_sched_unwanted (const struct aw_sched *s, uint32_t task)
{
    return s->tries[task].cancelled && s->depend.state[task] == AW_DEPEND_SKIPPED;
}

enum aw_task_state aw_sched_task_state (const struct aw_sched *s, uint32_t task)
{
    enum aw_depend_state state = (enum aw_depend_state)s->depend.state[task];

    switch (state) {
    case AW_DEPEND_WAITING:
        return s->stopped ? AW_TASK_CANCELLED : AW_TASK_WAITING;
    case AW_DEPEND_READY:
        return s->stopped ? AW_TASK_CANCELLED : AW_TASK_READY;
    case AW_DEPEND_RUNNING:
        return AW_TASK_RUNNING;
    case AW_DEPEND_DONE:
        return AW_TASK_COMPLETED;
    case AW_DEPEND_SKIPPED:
        return s->tries[task].cancelled ? AW_TASK_CANCELLED : AW_TASK_SKIPPED;
    default:
        return AW_TASK_FAILED;
    }
}

bool aw_sched_unfinished (const struct aw_sched *s, uint32_t task)
{
    return s->depend.state[task] == AW_DEPEND_RUNNING
           || (s->depend.state[task] == AW_DEPEND_READY && s->tries[task].attempts > 0);
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

void aw_sched_group_counts (const struct aw_sched *s, struct aw_counts *counts)
{
    memset (counts, 0, s->graph->n_sets * sizeof (*counts));
    for (uint32_t i = 0; i < s->size.n_sets; i++)
        add_counts (&counts[s->graph->sets[i].group], s->depend.counts[i]);
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
    return aw_estimate_seconds (&s->estimate, set);
}

double aw_sched_expected (const struct aw_sched *s, uint32_t task)
{
    return aw_estimate_seconds (&s->estimate, aw_graph_task (s->graph, task).set);
}

double aw_sched_startup (const struct aw_sched *s, uint32_t task)
{
    const struct aw_running *run = s->graph->workers ? aw_running_find (&s->running, task) : NULL;

    return run && run->fresh ? s->graph->sets[run->set].startup : 0;
}

double aw_sched_next_wake (const struct aw_sched *s)
{
    double t = fmin (aw_delay_queue_next (&s->delayed), s->holds.wake);
    double late = s->backlog.n > 0 ? aw_sched_late_from (s, s->backlog.instance) : INFINITY;

    if (late > s->now) /* else they are taken back in any case */
        t = fmin (t, late);

    return s->ended || s->stopped || t >= s->limit ? INFINITY : t;
}

/* The scheduler itself ends attempts on a lost node; an end while the node is not lost is an input.
 */
bool aw_sched_is_input (const struct aw_sched *s, const struct aw_event *ev)
{
    switch (ev->type) {
    case AW_EVENT_NODE:
    case AW_EVENT_NODE_LOST:
    case AW_EVENT_STAGED:
    case AW_EVENT_SERVING:
    case AW_EVENT_RELEASE:
    case AW_EVENT_STOP:
    case AW_EVENT_WAKE:
    case AW_EVENT_LIMIT:
    case AW_EVENT_MESSAGE:
    case AW_EVENT_CANCEL:
    case AW_EVENT_ADD:
    case AW_EVENT_STALL:
    case AW_EVENT_PLAN:
    case AW_EVENT_AWAIT:
        return true;
    case AW_EVENT_START:
        return aw_sched_is_assigned (s, ev->task);
    case AW_EVENT_FINISH:
        return ev->status != AW_STATUS_NODE_FAIL || ev->node >= s->pool.n_nodes
               || !aw_sched_is_lost (s, ev->node);
    default:
        return false;
    }
}

bool aw_sched_is_lost (const struct aw_sched *s, uint32_t node)
{
    return node < s->health.n_nodes && s->health.nodes[node].gone;
}

double aw_sched_start_of (const struct aw_sched *s, uint32_t task)
{
    const struct aw_running *run = aw_running_find (&s->running, task);

    return run && !run->staging ? run->start : NAN;
}

double aw_sched_now (const struct aw_sched *s)
{
    return s->now;
}

static void fill_attempt (const struct aw_sched *s,
                          const struct aw_running *run,
                          struct aw_event *ev)
{
    *ev = (struct aw_event){
        .type = run->staging    ? AW_EVENT_STAGE
                : run->released ? AW_EVENT_RELEASE
                                : AW_EVENT_START,
        .t = run->start,
        .task = run->task,
        .attempt = run->attempt,
        .node = run->node,
    };
    if (!run->staging)
        aw_sched_fill_parts (s, run, ev);
}

bool aw_sched_each_attempt (const struct aw_sched *s, uint32_t *cursor, struct aw_event *ev)
{
    const struct aw_running *run;

    do
        run = aw_running_each (&s->running, cursor);
    while (run && (run->staged || run->assigned));
    if (run)
        fill_attempt (s, run, ev);
    return run != NULL;
}

bool aw_sched_attempt (const struct aw_sched *s, uint32_t task, struct aw_event *ev)
{
    const struct aw_running *run = aw_running_find (&s->running, task);

    if (!run || run->staging)
        return false;
    fill_attempt (s, run, ev);
    ev->type = AW_EVENT_START;
    return true;
}

bool aw_sched_running (const struct aw_sched *s, uint32_t *cursor, struct aw_event *ev)
{
    bool any;

    do
        any = aw_sched_each_attempt (s, cursor, ev);
    while (any && ev->type == AW_EVENT_STAGE);
    ev->type = AW_EVENT_START;
    return any;
}

/* Will the attempt change without a message: is it to end, or does it hold no CPUs and GPUs? */
static bool is_moving (const struct aw_sched *s, const struct aw_running *run)
{
    return (run->staging && !run->assigned) || run->released || run->killed
           || isfinite (s->graph->sets[run->set].time_limit);
}

bool aw_sched_awaits_nodes (const struct aw_sched *s)
{
    struct aw_counts all;

    if (s->n_awaited == 0 || s->stopped)
        return false;
    all = aw_sched_counts (s, AW_NONE);
    return all.waiting + all.ready > 0;
}

bool aw_sched_any_runs (const struct aw_sched *s)
{
    return s->running.n_used > 0;
}

bool aw_sched_at_rest (const struct aw_sched *s, uint32_t *n, uint32_t *services)
{
    const struct aw_running *run;
    uint32_t cursor = 0;

    *n = s->running.n_used - s->services.n_running - s->backlog.n - s->backlog.n_returning;
    if (services)
        *services = s->services.n_running;
    if (s->ended || s->out_of_memory || aw_sched_awaits_nodes (s)
        || (!s->stopped && (s->delayed.n > 0 || !isinf (s->holds.wake) || aw_sched_cut (s))))
        return false;
    while ((run = aw_running_each (&s->running, &cursor)))
        if (is_moving (s, run))
            return false;
    return true;
}

bool aw_sched_is_over (const struct aw_sched *s, uint32_t task, uint32_t attempt)
{
    return attempt < s->tries[task].attempts;
}

bool aw_sched_ended (const struct aw_sched *s)
{
    return s->ended;
}

bool aw_sched_stopped (const struct aw_sched *s)
{
    return s->stopped;
}

/* A text being put together; cut where it is too long. */
struct words {
    char *buf;
    size_t len, size;
};

static void say (struct words *w, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

static void say (struct words *w, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start (ap, fmt);
    n = vsnprintf (w->buf + w->len, w->size - w->len, fmt, ap);
    va_end (ap);
    if (n > 0)
        w->len = w->len + (size_t)n < w->size ? w->len + (size_t)n : w->size - 1;
}

/* The demand of one node in words, for the messages below. */
static void describe (const struct aw_graph *graph,
                      const struct aw_demand *demand,
                      char *buf,
                      size_t size)
{
    struct words w = { buf, 0, size };
    double gpus = aw_demand_gpu_amount (demand);

    say (&w, "%u CPU%s", demand->cpus, demand->cpus == 1 ? "" : "s");
    if (demand->threads_per_core)
        say (&w, " (%u a core)", demand->threads_per_core);
    if (gpus > 0)
        say (&w, ", %g GPU%s%s%s", gpus, gpus == 1 ? "" : "s", demand->gpu_type ? " of type " : "",
             demand->gpu_type ? graph->gpu_types[demand->gpu_type - 1] : "");
    if (demand->mem)
        say (&w, ", %.0f MiB of memory", (double)demand->mem / (1 << 20));
}

/* What the pool's nodes have at most: ", 4 GPUs of types a100 and v100". */
static void describe_pool (const struct aw_pool *pool, char *buf, size_t size)
{
    struct words w = { buf, 0, size };
    struct aw_demand most = { 0 };
    const char *types[4];
    uint32_t n_types = 0;

    for (uint32_t i = 0; i < pool->n_nodes; i++) {
        const struct aw_node *node = &pool->nodes[i];

        most.cpus = node->total.cpus > most.cpus ? node->total.cpus : most.cpus;
        most.gpus = node->total.gpus > most.gpus ? node->total.gpus : most.gpus;
        for (uint32_t g = 0; g < node->layout->n_gpus && n_types < 4; g++) {
            const char *type = node->layout->gpus[g].type;
            uint32_t t = 0;

            while (t < n_types && strcmp (types[t], type) != 0)
                t++;
            if (*type && t == n_types)
                types[n_types++] = type;
        }
    }
    say (&w, "up to %u CPU%s, %u GPU%s", most.cpus, most.cpus == 1 ? "" : "s", most.gpus,
         most.gpus == 1 ? "" : "s");
    for (uint32_t t = 0; t < n_types; t++)
        say (&w, "%s%s", t ? ", " : " of type ", types[t]);
}

/* Nodes that could hold it, counted up to the number needed. */
static uint32_t count_nodes (const struct aw_pool *pool, const struct aw_demand *demand)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < pool->n_nodes && n < demand->nodes; i++)
        n += aw_node_could_hold (&pool->nodes[i], demand);
    return n;
}

static int check_set (const struct aw_sched *s, uint32_t number, struct aw_error *err)
{
    const struct aw_set *set = &s->graph->sets[number];
    struct aw_demand demand = aw_set_demand (set);
    uint32_t n = count_nodes (&s->pool, &demand);
    char wants[128], has[128];

    if (n >= demand.nodes)
        return 0;
    describe (s->graph, &demand, wants, sizeof (wants));
    if (n > 0)
        return aw_error_set (err,
                             "tasks.%s: a task needs %u nodes with %s each, and %u of the pool's "
                             "%u nodes %s that: request more nodes, or fewer for the task",
                             set->name, demand.nodes, wants, n, s->pool.n_nodes,
                             n == 1 ? "has" : "have");
    describe_pool (&s->pool, has, sizeof (has));
    return aw_error_set (
        err,
        "tasks.%s: a task needs %s on one node, and no node of the pool has that "
        "(%s): request more (--exclusive, --gpus-per-node; with --local: --cpus, --gpus), "
        "or less for the task",
        set->name, wants, has);
}

int aw_sched_check_set (struct aw_sched *s, uint32_t set, struct aw_error *err)
{
    int rc;

    if (aw_pool_set_types (&s->pool, s->graph->n_gpu_types) < 0)
        return aw_error_set (err, "out of memory");
    rc = check_set (s, set, err);
    aw_pool_set_types (&s->pool, s->size.n_gpu_types); /* the graph may be shrunk again */
    return rc;
}

int aw_sched_check (struct aw_sched *s, struct aw_error *err)
{
    for (uint32_t i = 0; i < s->graph->n_sets; i++)
        if (aw_sched_check_set (s, i, err) < 0 || !aw_sched_fits_together (s, i, err))
            return -1;
    return 0;
}
