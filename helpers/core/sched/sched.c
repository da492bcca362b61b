/* SPDX-License-Identifier: Apache-2.0 */
/* Events in, actions out: the state is a fold over events, and what aw_sched_next gives out has
 * been folded in already. */
#include "core/sched/sched.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/history/resume_state.h"
#include "core/sched/rank.h"
#include "core/sched/sched_state.h"

int aw_sched_part_room (struct aw_sched *s, uint32_t from)
{
    uint32_t n = 1;
    uint32_t *chosen;
    struct aw_part *parts;

    for (uint32_t i = from; i < s->graph->n_sets; i++)
        n = s->graph->sets[i].nodes > n ? s->graph->sets[i].nodes : n;
    if (n <= s->part_room)
        return 0;
    chosen = realloc (s->chosen, n * sizeof (*chosen));
    if (chosen)
        s->chosen = chosen;
    parts = realloc (s->parts, n * sizeof (*parts));
    if (parts)
        s->parts = parts;
    if (!chosen || !parts)
        return -1;
    s->part_room = n;
    return 0;
}

struct aw_sched *aw_sched_create (const struct aw_graph *graph,
                                  const struct aw_sched_config *config,
                                  struct aw_error *err)
{
    struct aw_sched *s;

    if (!graph || !config || graph->n_tasks == 0) {
        errno = EINVAL;
        aw_error_set (err, "a scheduler needs a finalized graph and a configuration");
        return NULL;
    }
    s = calloc (1, sizeof (*s));
    if (!s)
        goto fail;
    s->graph = graph;
    s->config = *config;
    s->size = s->room = aw_graph_size (graph);
    s->limit = INFINITY;
    s->last_iteration = UINT32_MAX;
    s->tries = calloc (graph->n_tasks, sizeof (*s->tries));
    if (!s->tries || aw_running_init (&s->running, graph->n_tasks) < 0
        || aw_depend_init (&s->depend, graph, config->mode == AW_MODE_SEQUENTIAL) < 0
        || aw_ready_init (&s->ready, graph, config->policy) < 0
        || aw_stage_init (&s->stage, graph) < 0 || aw_estimate_init (&s->estimate, graph) < 0
        || aw_health_init (&s->health, graph->n_sets) < 0 || aw_sched_part_room (s, 0) < 0)
        goto fail;
    aw_pool_init (&s->pool);
    aw_pool_set_graph (&s->pool, graph);
    if (aw_rank (graph, &s->pool, config->policy, s->estimate.seconds, s->ready.remaining) < 0)
        goto fail;
    return s;
fail:
    aw_sched_destroy (s);
    aw_error_set (err, "out of memory for %u tasks", graph->n_tasks);
    errno = ENOMEM;
    return NULL;
}

void aw_sched_destroy (struct aw_sched *s)
{
    int saved = errno;

    if (!s)
        return;
    aw_pool_finish (&s->pool);
    aw_depend_finish (&s->depend);
    aw_ready_finish (&s->ready);
    aw_delay_queue_finish (&s->later);
    aw_stage_finish (&s->stage);
    aw_running_finish (&s->running);
    aw_estimate_finish (&s->estimate);
    aw_health_finish (&s->health);
    aw_forecast_finish (&s->forecast);
    aw_ranges_finish (&s->news.ready);
    aw_ranges_finish (&s->news.skipped);
    aw_reservation_finish (&s->reservation);
    free (s->tries);
    free (s->failed_on);
    free (s->done);
    free (s->cancelled);
    free (s->chosen);
    free (s->parts);
    free (s);
    errno = saved;
}

struct aw_sched *aw_sched_clone (const struct aw_sched *from)
{
    struct aw_sched *s = calloc (1, sizeof (*s));
    size_t tries_size = from->graph->n_tasks * sizeof (*from->tries);
    size_t failed_size = from->graph->n_tasks * sizeof (*from->failed_on);

    if (!s)
        return NULL;
    *s = *from;
    s->room = s->size;
    s->tries = malloc (tries_size);
    s->done = from->done ? malloc (from->graph->n_tasks) : NULL;
    s->failed_on = from->failed_on ? malloc (failed_size) : NULL;
    memset (&s->pool, 0, sizeof (s->pool));
    memset (&s->depend, 0, sizeof (s->depend));
    memset (&s->ready, 0, sizeof (s->ready));
    memset (&s->later, 0, sizeof (s->later));
    memset (&s->stage, 0, sizeof (s->stage));
    memset (&s->running, 0, sizeof (s->running));
    memset (&s->estimate, 0, sizeof (s->estimate));
    memset (&s->health, 0, sizeof (s->health));
    memset (&s->news, 0, sizeof (s->news));
    memset (&s->forecast, 0, sizeof (s->forecast));
    memset (&s->reservation, 0, sizeof (s->reservation));
    s->chosen = NULL;
    s->parts = NULL;
    s->cancelled = from->begun || !from->n_cancelled
                       ? NULL
                       : malloc (from->n_cancelled * sizeof (*s->cancelled));
    s->n_cancelled = s->cancelled ? from->n_cancelled : 0;
    if (s->cancelled)
        memcpy (s->cancelled, from->cancelled, s->n_cancelled * sizeof (*s->cancelled));
    s->part_room = 0;
    if (!s->tries || !s->done != !from->done || !s->failed_on != !from->failed_on
        || aw_pool_clone (&s->pool, &from->pool) < 0
        || aw_depend_clone (&s->depend, &from->depend) < 0
        || aw_ready_clone (&s->ready, &from->ready) < 0
        || aw_delay_queue_clone (&s->later, &from->later) < 0
        || aw_stage_clone (&s->stage, &from->stage) < 0
        || aw_running_clone (&s->running, &from->running) < 0
        || aw_estimate_clone (&s->estimate, &from->estimate) < 0
        || aw_health_clone (&s->health, &from->health) < 0
        || aw_ranges_clone (&s->news.ready, &from->news.ready) < 0
        || aw_ranges_clone (&s->news.skipped, &from->news.skipped) < 0
        || aw_reservation_clone (&s->reservation, &from->reservation) < 0
        || aw_sched_part_room (s, 0) < 0) {
        aw_sched_destroy (s);
        errno = ENOMEM;
        return NULL;
    }
    memcpy (s->tries, from->tries, tries_size);
    if (s->done)
        memcpy (s->done, from->done, from->graph->n_tasks);
    if (s->failed_on)
        memcpy (s->failed_on, from->failed_on, failed_size);
    return s;
}

int aw_sched_resume (struct aw_sched *s,
                     const struct aw_resume_state *earlier,
                     struct aw_error *err)
{
    if (s->begun || s->done || s->pool.n_nodes > 0)
        return aw_error_set (err, "a scheduler that has begun cannot go on from earlier");
    s->done = malloc (s->graph->n_tasks);
    if (!s->done)
        return aw_error_set (err, "out of memory for %u tasks", s->graph->n_tasks);
    memcpy (s->done, earlier->done, s->graph->n_tasks);
    for (uint32_t task = 0; task < s->graph->n_tasks; task++)
        s->tries[task].attempts = (uint16_t)earlier->attempts[task];
    for (size_t i = 0; i < earlier->n_ends; i++)
        aw_estimate_learn (&s->estimate, earlier->ends[i].set, earlier->ends[i].seconds);
    s->last_iteration = earlier->last_iteration;
    s->cancelled = malloc ((earlier->n_cancelled + (size_t)1) * sizeof (*s->cancelled));
    if (!s->cancelled)
        return aw_error_set (err, "out of memory");
    for (; s->n_cancelled < earlier->n_cancelled; s->n_cancelled++)
        s->cancelled[s->n_cancelled] = earlier->cancelled[s->n_cancelled];
    aw_sched_rank_anew (s);
    s->now = earlier->t;
    return 0;
}

int aw_sched_begin (struct aw_sched *s)
{
    struct aw_released out = { 0 };
    int rc;

    if (s->begun)
        return 0;
    s->begun = true;
    rc = aw_depend_begin (&s->depend, s->now, &out);
    if (rc == 0)
        rc = aw_sched_release (s, &out);
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    return rc < 0 ? rc : aw_sched_cancel_earlier (s);
}

static void pool_changed (struct aw_sched *s)
{
    if (aw_rank_needs_pool (s->config.policy))
        aw_sched_rank_anew (s);
}

static int handle_node (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    if (ev->node < s->pool.n_nodes)
        return 0; /* known */
    if (ev->node != s->pool.n_nodes)
        return aw_error_set (err, "node %u joins out of order: %u was expected", ev->node,
                             s->pool.n_nodes);
    if (aw_pool_add_node (&s->pool, ev->name, &ev->cpus, &ev->gpus, ev->mem, ev->topology, err) < 0)
        return -1;
    if (aw_running_add_nodes (&s->running, s->pool.n_nodes) < 0
        || aw_health_add_nodes (&s->health, s->pool.n_nodes) < 0
        || aw_stage_add_nodes (&s->stage, &s->pool) < 0)
        return aw_error_set (err, "out of memory for node %s", ev->name);
    aw_sched_fit (s, ev->node);
    aw_sched_unblock (s, ev->node);
    pool_changed (s);
    return 0;
}

static int handle_node_lost (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    if (ev->node >= s->pool.n_nodes)
        return aw_error_set (err, "unknown node %u is lost", ev->node);
    if (!s->health.nodes[ev->node].gone) {
        s->health.nodes[ev->node].gone = true;
        aw_pool_lose_node (&s->pool, ev->node);
        aw_running_touch (&s->running, ev->node);
        aw_sched_fit_all (s);
        s->n_lost++;
        pool_changed (s);
    }
    return 0;
}

/* Takes from the pool what a recorded START says; all or nothing. RUN has its demand. */
static int take_parts (struct aw_sched *s,
                       struct aw_running *run,
                       const struct aw_event *ev,
                       const char *name,
                       struct aw_error *err)
{
    struct aw_running *part = run;
    uint32_t i;

    for (i = 0; i <= ev->n_more; i++, part = aw_running_more (&s->running, part)) {
        const struct aw_idset *cpus = i ? &ev->more[i - 1].cpus : &ev->cpus;
        const struct aw_idset *gpus = i ? &ev->more[i - 1].gpus : &ev->gpus;

        part->node = i ? ev->more[i - 1].node : ev->node;
        if (part->node >= s->pool.n_nodes)
            aw_error_set (err, "%s starts on unknown node %u", name, part->node);
        else if (aw_idset_copy (&part->cpus, cpus) < 0 || aw_idset_copy (&part->gpus, gpus) < 0)
            aw_error_set (err, "out of memory");
        else if (aw_pool_take_ids (&s->pool, part->node, &run->demand, &part->cpus, &part->gpus)
                 < 0)
            aw_error_set (err, "%s starts on CPUs or GPUs of %s that are not free", name,
                          s->pool.nodes[part->node].name);
        else
            continue;
        aw_sched_give_back (s, run, i);
        return -1;
    }
    return 0;
}

/* A recorded START of an attempt whose data had come. */
static int handle_staged_start (struct aw_sched *s,
                                struct aw_running *run,
                                const struct aw_event *ev,
                                struct aw_error *err)
{
    char name[128];

    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (ev->node != run->node || ev->n_more > 0)
        return aw_error_set (err, "%s starts where its data is not", name);
    run->demand = aw_set_demand (&s->graph->sets[run->set]);
    if (take_parts (s, run, ev, name, err) < 0) {
        memset (&run->demand, 0, sizeof (run->demand));
        return -1;
    }
    aw_sched_begin_staged (s, run);
    return 0;
}

static int handle_start (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    struct aw_demand demand;
    char name[128];

    if (run && run->attempt == ev->attempt && run->staged)
        return handle_staged_start (s, run, ev, err);
    if (run && run->attempt == ev->attempt && !run->staging)
        return 0; /* known */
    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (ev->attempt < s->tries[ev->task].attempts)
        return 0; /* long over */
    if (run || s->depend.state[ev->task] != AW_TASK_READY
        || ev->attempt != s->tries[ev->task].attempts)
        return aw_error_set (err, "%s attempt %u cannot start now", name, ev->attempt);
    demand = aw_set_demand (&s->graph->sets[aw_graph_task (s->graph, ev->task).set]);
    if (ev->n_more + 1 != aw_demand_nodes (&demand))
        return aw_error_set (err, "%s starts on %u nodes instead of %u", name, ev->n_more + 1,
                             aw_demand_nodes (&demand));
    run = aw_running_new (&s->running, aw_demand_nodes (&demand));
    if (!run)
        return aw_error_set (err, "out of memory");
    run->demand = demand;
    if (take_parts (s, run, ev, name, err) < 0)
        return -1;
    if (!aw_delay_queue_remove (&s->later, ev->task) && aw_ready_remove (&s->ready, ev->task) < 0) {
        aw_sched_give_back (s, run, ev->n_more + 1);
        return aw_error_set (err, "out of memory");
    }
    aw_sched_begin_run (s, run, ev->task);
    aw_ready_started (&s->ready, run->set);
    return 0;
}

/* Its end names one of its nodes: where one is lost, that one. */
static bool runs_on (const struct aw_sched *s, const struct aw_running *run, uint32_t node)
{
    while (run && run->node != node)
        run = aw_running_more (&s->running, run);
    return run != NULL;
}

static int handle_finish (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_running *run = aw_running_find (&s->running, ev->task);
    char name[128];

    if (run && run->attempt == ev->attempt && runs_on (s, run, ev->node)) {
        if (aw_sched_finish_run (s, run, ev) == 0)
            return 0;
        s->out_of_memory = true;
        return aw_error_set (err, "out of memory");
    }
    if (ev->attempt < s->tries[ev->task].attempts)
        return 0; /* known */
    aw_graph_task_name (s->graph, ev->task, name, sizeof (name));
    if (run && run->attempt == ev->attempt)
        return aw_error_set (err, "%s attempt %u ends on a node where it does not run", name,
                             ev->attempt);
    return aw_error_set (err, "%s attempt %u ends but has not started", name, ev->attempt);
}

/* A recorded READY, SKIP or KILL need not be given out again. */
static void forget_news (struct aw_sched *s, const struct aw_event *ev)
{
    struct aw_running *run;

    /* What still waits was let go for want of messages: that follows from no event. */
    if ((ev->type == AW_EVENT_READY || ev->type == AW_EVENT_SKIP)
        && s->depend.state[ev->task] == AW_TASK_WAITING)
        aw_sched_starve (s);
    if (ev->type == AW_EVENT_READY)
        aw_ranges_remove (&s->news.ready, ev->task);
    else if (ev->type == AW_EVENT_SKIP)
        aw_ranges_remove (&s->news.skipped, ev->task);
    else if ((run = aw_running_find (&s->running, ev->task)) && run->attempt == ev->attempt)
        run->killed = true;
}

static void handle_stop (struct aw_sched *s, const struct aw_event *ev)
{
    s->stopped = s->interrupted = true;
    if (ev->code != 0)
        s->stop_kills = true;
}

static bool names_task (enum aw_event_type type)
{
    return type == AW_EVENT_CANCEL || type == AW_EVENT_READY || type == AW_EVENT_START
           || type == AW_EVENT_KILL || type == AW_EVENT_FINISH || type == AW_EVENT_SKIP
           || type == AW_EVENT_STAGE || type == AW_EVENT_STAGED || type == AW_EVENT_RELEASE;
}

static int handle (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    switch (ev->type) {
    case AW_EVENT_NODE:
        return handle_node (s, ev, err);
    case AW_EVENT_NODE_LOST:
        return handle_node_lost (s, ev, err);
    case AW_EVENT_START:
        return handle_start (s, ev, err);
    case AW_EVENT_FINISH:
        return handle_finish (s, ev, err);
    case AW_EVENT_STAGE:
        return aw_sched_handle_stage (s, ev, err);
    case AW_EVENT_STAGED:
        return aw_sched_handle_staged (s, ev, err);
    case AW_EVENT_RELEASE:
        return aw_sched_handle_release (s, ev, err);
    case AW_EVENT_READY:
    case AW_EVENT_SKIP:
    case AW_EVENT_KILL:
        forget_news (s, ev);
        return 0;
    case AW_EVENT_STOP:
        handle_stop (s, ev);
        return 0;
    case AW_EVENT_END:
        if (aw_sched_begin (s) < 0) /* where earlier parts of the run had done all */
            return aw_error_set (err, "out of memory");
        s->ended = true;
        return 0;
    case AW_EVENT_MESSAGE:
        return aw_sched_handle_message (s, ev, err);
    case AW_EVENT_CANCEL:
        return aw_sched_handle_cancel (s, ev, err);
    case AW_EVENT_ADD:
        return aw_sched_grow (s, err);
    case AW_EVENT_NODE_DRAIN:
        return aw_sched_handle_drain (s, ev, err);
    case AW_EVENT_LIMIT:
        aw_sched_set_limit (s, ev->seconds > 0 ? ev->seconds : INFINITY);
        return 0;
    case AW_EVENT_WAKE:
        if (aw_sched_wake (s) == 0)
            return 0;
        s->out_of_memory = true;
        return aw_error_set (err, "out of memory");
    case AW_EVENT_RESUME:
        return aw_error_set (err, "a resumed run goes on in a new scheduler");
    case AW_EVENT_TYPES:
        break;
    }
    return aw_error_set (err, "unknown kind of event: %d", (int)ev->type);
}

int aw_sched_handle (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    double before;

    if (!s || !ev)
        return aw_error_set (err, "no scheduler or no event");
    if (!(ev->t >= s->now))
        return aw_error_set (err, "time goes backwards: %.6f after %.6f", ev->t, s->now);
    if (names_task (ev->type)) {
        if (ev->task >= s->graph->n_tasks)
            return aw_error_set (err, "unknown task %u", ev->task);
        if (aw_sched_begin (s) < 0)
            return aw_error_set (err, "out of memory");
    }
    before = s->now;
    s->now = ev->t;
    aw_sched_forget (s);
    if (handle (s, ev, err) == 0)
        return 0;
    s->now = before; /* it stands in no journal */
    return -1;
}

static void make_action (struct aw_sched *s,
                         struct aw_event *action,
                         enum aw_event_type type,
                         uint32_t task)
{
    memset (action, 0, sizeof (*action));
    action->type = type;
    action->t = s->now;
    action->task = task;
    action->node = AW_NONE;
    if (task != AW_NONE)
        action->attempt = s->tries[task].attempts;
}

/* Ends, one at a time, what still stands as running on lost nodes. */
static bool next_of_lost_node (struct aw_sched *s, struct aw_event *action)
{
    for (uint32_t n = 0; s->n_lost > 0 && n < s->pool.n_nodes; n++) {
        struct aw_running *run = s->health.nodes[n].gone ? aw_running_first (&s->running, n) : NULL;

        if (!run)
            continue;
        run = aw_running_lead (&s->running, run); /* a task over several nodes ends on all */
        make_action (s, action, AW_EVENT_FINISH, run->task);
        action->attempt = run->attempt;
        action->node = n;
        action->status = AW_STATUS_NODE_FAIL;
        action->seconds = s->now - run->start;
        action->reason = "node lost";
        if (aw_sched_finish_run (s, run, action) < 0)
            s->out_of_memory = true;
        return true;
    }
    s->n_lost = 0;
    return false;
}

static bool next_news (struct aw_sched *s, struct aw_event *action)
{
    if (!aw_ranges_empty (&s->news.ready))
        make_action (s, action, AW_EVENT_READY, aw_ranges_pop (&s->news.ready));
    else if (!aw_ranges_empty (&s->news.skipped))
        make_action (s, action, AW_EVENT_SKIP, aw_ranges_pop (&s->news.skipped));
    else
        return false;
    return true;
}

static bool next_kill (struct aw_sched *s, struct aw_event *action)
{
    struct aw_running *run;

    if ((run = aw_sched_next_cancelled (s))) {
        run->killed = true;
        make_action (s, action, AW_EVENT_KILL, run->task);
        action->attempt = run->attempt;
        action->node = run->node;
        action->reason = "cancelled";
        return true;
    }
    if ((run = aw_sched_stranded (s))) {
        run->killed = true;
        make_action (s, action, AW_EVENT_KILL, run->task);
        action->attempt = run->attempt;
        action->node = run->node;
        action->reason = "not started";
        return true;
    }
    if (!s->stop_kills)
        return false;
    while ((run = aw_running_each (&s->running, &s->kill_from))) {
        if (run->killed)
            continue;
        run->killed = true;
        make_action (s, action, AW_EVENT_KILL, run->task);
        action->attempt = run->attempt;
        action->node = run->node;
        action->reason = "stopped";
        return true;
    }
    return false;
}

static bool next_stage (struct aw_sched *s, struct aw_event *action)
{
    uint32_t task, node;

    if (!aw_sched_next_stage (s, &task, &node))
        return false;
    make_action (s, action, AW_EVENT_STAGE, task);
    action->node = node;
    return true;
}

static bool next_start (struct aw_sched *s, struct aw_event *action)
{
    struct aw_running *run;
    int rc = s->stopped ? 0 : aw_sched_decide (s, &run);

    if (rc < 0)
        s->out_of_memory = true;
    if (rc <= 0)
        return false;
    make_action (s, action, AW_EVENT_START, run->task);
    action->attempt = run->attempt;
    aw_sched_fill_parts (s, run, action);
    return true;
}

/* The exit status when nothing runs and nothing can start. */
static int end_code (const struct aw_sched *s)
{
    struct aw_counts all = aw_sched_counts (s, AW_NONE);

    bool cut = !s->stopped && (s->later.n > 0 || aw_sched_cut (s));

    if ((s->interrupted || cut) && !s->out_of_memory && all.waiting + all.ready > 0)
        return 3; /* whatever has failed, there is something to resume */
    if (s->failed)
        return 1;
    return all.waiting + all.ready == 0 ? 0 : 4;
}

bool aw_sched_next (struct aw_sched *s, struct aw_event *action)
{
    if (s->ended || s->pool.n_nodes == 0)
        return false;
    if (aw_sched_begin (s) < 0)
        s->out_of_memory = true;
    if (next_of_lost_node (s, action) || aw_sched_next_drain (s, action) || next_news (s, action))
        return true;
    if (s->out_of_memory && !s->stopped) {
        make_action (s, action, AW_EVENT_STOP, AW_NONE);
        action->reason = "out of memory";
        s->stopped = true;
        return true;
    }
    if (next_kill (s, action) || next_start (s, action) || next_stage (s, action))
        return true;
    if (s->out_of_memory && !s->stopped)
        return aw_sched_next (s, action);
    if (s->running.n_used > 0 || !isinf (aw_sched_next_wake (s)))
        return false;
    if (aw_sched_starve (s))
        return aw_sched_next (s, action);
    make_action (s, action, AW_EVENT_END, AW_NONE);
    action->code = end_code (s);
    s->ended = true;
    return true;
}
