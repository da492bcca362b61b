/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinator's life: it is created, takes the callbacks of execution, shows progress, and
 * ends. */
#include "coord/coordinator.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coord/coordinator_state.h"
#include "io/journal/run_dir.h"
#include "model/plan_search.h"
#include "util/clock.h"
#include "util/units.h"

static void on_node_joined (void *arg, const struct aw_event *ev)
{
    struct aw_coordinator *c = arg;
    struct aw_event mine = *ev;

    c->n_joined++;
    aw_coordinator_keep_host (c, ev);
    aw_coordinator_handle_event (c, &mine);
}

static void on_task_finished (void *arg, const struct aw_event *ev)
{
    struct aw_coordinator *c = arg;
    struct aw_event mine = *ev;

    if (ev->type != AW_EVENT_FINISH || ev->task >= c->config.workflow->graph->n_tasks)
        aw_coordinator_handle_event (c, &mine);
    else if (!aw_coordinator_keep (c, &mine))
        aw_coordinator_end_attempt (c, &mine);
}

static void on_message (void *arg, uint32_t node, const struct aw_packet *packet)
{
    struct aw_coordinator *c = arg;

    if (!c->requests || c->exit_code >= 0)
        return;
    if (packet->kind == AW_PACKET_LOOK) {
        aw_coordinator_take_look (c, packet);
        return;
    }
    aw_task_requests_take (c->requests, node, packet, aw_coordinator_now (c));
    aw_coordinator_want_turn (c);
}

static void on_wanted (void *arg, struct aw_event *ev)
{
    aw_coordinator_handle_event (arg, ev);
}

static int on_add (
    void *arg, struct aw_event *ev, size_t size, bool submitted, struct aw_problems *problems)
{
    return aw_coordinator_add (arg, ev, size, submitted, problems);
}

static enum aw_task_state on_state (void *arg, uint32_t task)
{
    const struct aw_coordinator *c = arg;

    return aw_sched_task_state (c->sched, task);
}

static void on_send (
    void *arg, uint32_t node, const struct aw_packet *packet, const char *rest, size_t size)
{
    struct aw_coordinator *c = arg;

    if (c->exec->ops->message)
        c->exec->ops->message (c->exec, node, packet, rest, size);
}

static void on_counted (void *arg, const char *topic, uint64_t count)
{
    aw_coordinator_count (arg, topic, count);
}

static void on_broken (void *arg, const struct aw_error *why)
{
    aw_coordinator_fail (arg, why);
}

static void on_note (void *arg, const char *text)
{
    struct aw_coordinator *c = arg;

    aw_display_message (c->display, "async-workflow: %s", text);
}

static void on_joining (void *arg, uint32_t n, uint32_t of)
{
    struct aw_coordinator *c = arg;

    snprintf (c->joining, sizeof (c->joining), "%u of %u agent%s connected", n, of, aw_plural (of));
    c->note = c->joining;
    aw_coordinator_arm_redraw (c);
}

/* The scheduler keeps tasks that fit no node so far, for those that may still come. */
static void on_awaited (void *arg, uint32_t n)
{
    struct aw_coordinator *c = arg;
    struct aw_event ev = { .type = AW_EVENT_AWAIT, .count = n, .task = AW_NONE, .node = AW_NONE };

    c->n_awaited = n;
    if (n == 0 && c->note == c->joining)
        c->note = NULL;
    aw_coordinator_handle_event (c, &ev);
}

static void on_plan (void *arg, const char *order, const char *why)
{
    struct aw_coordinator *c = arg;
    struct aw_event ev = {
        .type = AW_EVENT_PLAN, .text = order, .reason = why, .task = AW_NONE, .node = AW_NONE
    };

    if (aw_sched_stopped (c->sched) || aw_coordinator_handle_event (c, &ev) < 0)
        return;
    aw_display_message (c->display, "async-workflow: the plan was changed: %s", why);
    aw_coordinator_arm_redraw (c);
}

/* Without memory the order stays. */
static void create_planner (struct aw_coordinator *c)
{
    const struct aw_graph *graph = c->config.workflow->graph;
    const struct aw_planner_config config = {
        .run_dir = c->config.run_dir,
        .n_tasks = graph->n_tasks,
        .seconds = c->config.plan_seconds,
        .evaluations = c->config.plan_evaluations,
        .resumed = c->config.earlier != NULL,
        .makespan = c->outlook.order,
        .plan = on_plan,
        .arg = c,
    };

    if (c->config.replans && c->config.sched.mode == AW_MODE_ASYNC
        && aw_plan_possible_later (graph))
        c->planner = aw_planner_create (c->base, &config);
}

/* Seconds to the end, as the planner has found, or by a look at the scheduler. */
static double time_left (struct aw_coordinator *c)
{
    double now = aw_coordinator_now (c), end = aw_planner_end (c->planner);

    return isnan (end) ? aw_time_left (&c->time_left, c->sched, now) : fmax (0, end - now);
}

static void fill_display (struct aw_coordinator *c, struct aw_display_state *state)
{
    const struct aw_pool *pool = aw_sched_pool (c->sched);
    const struct aw_graph *graph = c->config.workflow->graph;

    memset (c->display_sets, 0, graph->n_sets * sizeof (*c->display_sets));
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        struct aw_counts counts = aw_sched_counts (c->sched, s);
        struct aw_display_set *set = &c->display_sets[graph->sets[s].group];

        set->ready += counts.ready;
        set->running += counts.running;
        set->done += counts.done;
        set->failed += counts.failed + counts.ignored;
        set->skipped += counts.skipped;
    }
    *state = (struct aw_display_state){
        .t = aw_coordinator_now (c),
        .sets = c->display_sets,
        .nodes = pool->n_nodes,
        .cpus = pool->total.cpus,
        .busy_cpus = pool->total.cpus - pool->free.cpus,
        .gpus = pool->total.gpus,
        .busy_gpus = pool->total.gpus - pool->free.gpus,
        .left = time_left (c),
        .note = c->note,
    };
}

static void on_redraw (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_display_state state;

    (void)fd;
    (void)what;
    fill_display (c, &state);
    aw_display_update (c->display, &state);
    aw_coordinator_arm_redraw (c);
}

static void on_suspend (void *arg)
{
    struct aw_coordinator *c = arg;

    aw_display_clear (c->display);
}

static struct aw_journal *open_journal (const struct aw_coordinator *c, struct aw_error *err)
{
    struct aw_journal_header header = {
        .epoch = aw_clock_wall () - (aw_clock_monotonic () - c->epoch),
        .name = c->config.workflow->name,
        .mode = (char *)(uintptr_t)aw_mode_name (c->config.sched.mode),
        .policy = (char *)(uintptr_t)aw_policy_name (c->config.sched.policy),
        .backlog = c->config.sched.backlog,
        .job = (char *)(uintptr_t)c->config.job,
        .directory = (char *)(uintptr_t)c->config.start_dir,
        .logs = c->config.store ? AW_LOGS_STORE_NAME : AW_LOGS_FILES_NAME,
        .outlook = c->outlook,
        .durations = c->config.durations,
    };
    char *path = aw_run_dir_path (c->config.run_dir, AW_RUN_JOURNAL);
    struct aw_journal *journal = NULL;

    if (path)
        journal = aw_journal_create (path, c->config.workflow->graph, &header, err);
    else
        aw_error_set (err, "out of memory");
    free (path);
    return journal;
}

static struct aw_sched *create_sched (const struct aw_coordinator *c,
                                      const struct aw_sched_config *config,
                                      struct aw_error *err)
{
    struct aw_sched *sched = aw_sched_create (c->config.workflow->graph, config, err);

    if (!sched || !c->config.earlier || aw_sched_resume (sched, c->config.earlier, err) == 0)
        return sched;
    aw_sched_destroy (sched);
    return NULL;
}

struct aw_coordinator *aw_coordinator_create (struct event_base *base,
                                              const struct aw_coordinator_config *config,
                                              struct aw_error *err)
{
    const struct aw_graph *graph = config->workflow->graph;
    struct aw_coordinator *c = calloc (1, sizeof (*c));

    if (!c) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    c->config = *config;
    if (config->min_nodes == 0 || config->min_nodes > config->n_nodes)
        c->config.min_nodes = config->n_nodes;
    c->journal = config->journal;
    c->base = base;
    c->exit_code = -1;
    c->epoch = aw_clock_monotonic () - (config->earlier ? config->earlier->t : 0);
    c->note = "waiting for the nodes";
    c->callbacks = (struct aw_exec_callbacks){ on_node_joined,
                                               aw_coordinator_on_node_lost,
                                               on_task_finished,
                                               on_broken,
                                               on_note,
                                               aw_coordinator_on_node_leaves,
                                               on_message,
                                               on_joining,
                                               on_awaited,
                                               aw_coordinator_on_all_silent,
                                               c };
    (void)event_base_priority_init (base, 2); /* without, a turn may be longer */
    c->display_sets = calloc (graph->n_sets, sizeof (*c->display_sets));
    c->set_room = graph->n_sets;
    c->leaving = calloc (config->n_nodes, sizeof (*c->leaving));
    c->turn = event_new (base, -1, 0, aw_coordinator_on_turn, c);
    c->full_turn = event_new (base, -1, 0, aw_coordinator_on_turn, c);
    c->redraw = event_new (base, -1, 0, on_redraw, c);
    c->wake = event_new (base, -1, 0, aw_coordinator_on_wake, c);
    c->kill_deadline = event_new (base, -1, 0, aw_coordinator_on_kill_deadline, c);
    c->limit = event_new (base, -1, 0, aw_coordinator_on_limit, c);
    c->question = event_new (base, -1, 0, aw_coordinator_on_question, c);
    c->doubt.timer = event_new (base, -1, 0, aw_coordinator_on_doubt, c);
    c->stall.timer = event_new (base, -1, 0, aw_coordinator_on_stall, c);
    c->limit_t = INFINITY;
    if (!c->display_sets || !c->leaving || !c->turn || !c->full_turn || !c->redraw || !c->wake
        || !c->kill_deadline || !c->limit || !c->question || !c->doubt.timer || !c->stall.timer) {
        aw_error_set (err, "out of memory");
        goto fail;
    }
    event_priority_set (c->full_turn, 0);
    c->sched = create_sched (c, &config->sched, err);
    if (!c->sched)
        goto fail;
    c->display = aw_display_create (graph, STDERR_FILENO, config->display, err);
    if (!c->display)
        goto fail;
    aw_display_set_directory (c->display, config->run_dir, config->store);
    aw_display_set_workflow (c->display, config->workflow);
    return c;
fail:
    aw_coordinator_destroy (c);
    return NULL;
}

void aw_coordinator_destroy (struct aw_coordinator *c)
{
    int saved = errno;

    if (!c)
        return;
    aw_planner_destroy (c->planner);
    aw_stop_signals_destroy (c->signals);
    aw_coordinator_close_commits (c);
    for (size_t i = 0; i < c->n_dispatches; i++)
        aw_launch_finish (&c->dispatches[i].launch);
    aw_task_requests_destroy (c->requests);
    aw_display_finish (c->display);
    aw_journal_close (c->journal, NULL);
    aw_sched_destroy (c->sched);
    if (c->turn)
        event_free (c->turn);
    if (c->full_turn)
        event_free (c->full_turn);
    if (c->redraw)
        event_free (c->redraw);
    if (c->wake)
        event_free (c->wake);
    if (c->kill_deadline)
        event_free (c->kill_deadline);
    if (c->limit)
        event_free (c->limit);
    if (c->question)
        event_free (c->question);
    aw_coordinator_forget_doubt (c);
    aw_coordinator_forget_stall (c);
    free (c->order);
    free (c->display_sets);
    free (c->leaving);
    aw_coordinator_drop_hosts (c);
    free (c->dispatches);
    aw_idset_finish (&c->place_cpus);
    aw_idset_finish (&c->place_gpus);
    free (c);
    errno = saved;
}

const struct aw_exec_callbacks *aw_coordinator_callbacks (struct aw_coordinator *c)
{
    return &c->callbacks;
}

void aw_coordinator_message (struct aw_coordinator *c, const char *text)
{
    aw_display_message (c->display, "%s", text);
    aw_coordinator_arm_redraw (c);
}

int aw_coordinator_set_plan (struct aw_coordinator *c,
                             const struct aw_sched_config *config,
                             const struct aw_outlook *outlook,
                             const char *order,
                             struct aw_error *err)
{
    char *copy = order ? strdup (order) : NULL;
    struct aw_sched *sched = NULL;

    if (order && !copy)
        aw_error_set (err, "out of memory");
    else
        sched = create_sched (c, config, err);
    if (!sched) {
        free (copy);
        return -1;
    }
    free (c->order);
    c->order = copy;
    aw_sched_destroy (c->sched);
    c->sched = sched;
    c->config.sched = *config;
    c->outlook = *outlook;
    return 0;
}

/* Closes the journal and removes the display: from now on others may print. */
static int close_books (struct aw_coordinator *c, struct aw_error *err)
{
    int rc;

    aw_coordinator_close_commits (c);
    rc = aw_journal_close (c->journal, err);
    aw_task_requests_destroy (c->requests);
    c->requests = NULL;
    c->journal = NULL;
    aw_display_finish (c->display);
    c->display = NULL;
    return rc;
}

/* Scheduler and journal get the plan before all else. */
static void follow_order (struct aw_coordinator *c)
{
    struct aw_event ev = {
        .type = AW_EVENT_PLAN, .text = c->order, .task = AW_NONE, .node = AW_NONE
    };

    if (c->order)
        aw_coordinator_handle_event (c, &ev);
}

int aw_coordinator_run (struct aw_coordinator *c, struct aw_exec *exec, struct aw_error *err)
{
    struct aw_stop_signals_callbacks on_signals = { aw_coordinator_on_stop_signal,
                                                    aw_coordinator_on_drain, on_suspend, c };
    const struct aw_task_requests_user requests = { on_send, on_counted, on_wanted,
                                                    on_add,  on_state,   c };
    int rc;

    err->text[0] = '\0';
    c->exec = exec;
    if (!c->journal)
        c->journal = open_journal (c, err);
    if (c->journal)
        c->requests =
            aw_task_requests_create (c->config.run_dir, c->config.workflow, &requests, err);
    if (c->requests && c->config.submissions)
        aw_task_requests_continue (c->requests, c->config.submissions);
    c->signals = c->requests ? aw_stop_signals_create (c->base, &on_signals, err) : NULL;
    if (!c->signals)
        return AW_EXIT_POOL;
    if (aw_coordinator_open_commits (c, err) < 0)
        return AW_EXIT_STOPPED;
    follow_order (c);
    create_planner (c);
    aw_coordinator_arm_redraw (c);
    while (c->exit_code < 0) {
        if (event_base_dispatch (c->base) != 0 && c->exit_code < 0) {
            aw_error_set (&c->failure, "the event loop has nothing to wait for");
            c->exit_code = AW_EXIT_POOL;
        }
    }
    aw_planner_destroy (c->planner);
    c->planner = NULL;
    aw_stop_signals_destroy (c->signals);
    c->signals = NULL;
    event_del (c->redraw);
    event_del (c->wake);
    event_del (c->kill_deadline);
    event_del (c->limit);
    event_del (c->question);
    event_del (c->doubt.timer);
    event_del (c->stall.timer);
    event_del (c->turn);
    event_del (c->full_turn);
    *err = c->failure;
    rc = close_books (c, err->text[0] ? NULL : err);
    if ((rc < 0 || c->journal_broken)
        && (c->exit_code == AW_EXIT_OK || c->exit_code == AW_EXIT_TASK_FAILED))
        return AW_EXIT_STOPPED; /* all has ended, but that is not written */
    return c->exit_code;
}
