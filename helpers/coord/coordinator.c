/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/coordinator.h"

#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coord/remains.h"
#include "coord/stop_signals.h"
#include "coord/talk.h"
#include "coord/task_launch.h"
#include "coord/task_step.h"
#include "coord/time_left.h"
#include "io/journal.h"
#include "io/run_dir.h"
#include "util/clock.h"

enum {
    FLUSH_EVERY = 1024
}; /* actions in one turn, so that a million tasks that become ready do not pile up */
enum { HURRY_SECONDS = 3 }; /* for nodes to tell that killed tasks have ended */
enum { EXIT_INPUT = 2, EXIT_STOPPED = 3, EXIT_POOL = 4 }; /* as in cmd/command.h */

/* A start that is decided on and leaves when it stands in the journal. */
struct departure {
    uint32_t node;
    struct aw_launch launch; /* owned */
};

struct aw_coordinator {
    struct aw_coordinator_config config;
    struct event_base *base; /* borrowed */
    struct aw_sched *sched;
    struct aw_journal *journal;
    struct aw_talk *talk; /* while running */
    struct aw_display *display;
    struct aw_display_set *display_sets; /* one a set */
    struct aw_time_left time_left;
    struct aw_exec *exec; /* borrowed while running */
    struct aw_exec_callbacks callbacks;
    struct aw_stop_signals *signals;
    struct event *turn; /* made active when there is something to decide */
    struct event *redraw; /* one timer, armed as the display wants */
    struct event *limit; /* another: the end of the job */
    double limit_t; /* t of it; INFINITY: none */
    struct event *hurry; /* another, after a second Ctrl-C */
    struct event *wake; /* another, armed as the scheduler wants */
    double epoch; /* monotonic clock at t = 0 */
    double predicted; /* makespan by the model; 0: none */
    uint32_t n_joined;
    struct departure *departures; /* room for FLUSH_EVERY */
    uint32_t n_departures;
    bool *leaving; /* by node: told by SIGTERM to end, and about to */
    uint32_t n_leaving; /* of those that are not lost yet */
    bool stopping; /* a stop was asked for */
    bool complete; /* all nodes have joined and the pool has been checked */
    int exit_code; /* -1: going on */
    bool journal_broken;
    const char *note; /* for the display */
    struct aw_error failure; /* of the pool */
};

/* As the journal has it: a replay must not find ends in another order. */
static double whole_microseconds (double seconds)
{
    return floor (seconds * 1e6 + 0.5) / 1e6;
}

static double now (const struct aw_coordinator *c)
{
    double t = whole_microseconds (aw_clock_monotonic () - c->epoch);
    double last = aw_sched_now (c->sched);

    return t > last ? t : last; /* events carry a time that never falls */
}

static void want_turn (struct aw_coordinator *c)
{
    event_active (c->turn, EV_TIMEOUT, 0);
}

static void stop (struct aw_coordinator *c, bool kill, const char *reason);

/* A journal that cannot be written is told once; nothing more is started then. */
static void check_journal (struct aw_coordinator *c, int rc, const struct aw_error *err)
{
    if (rc == 0 || c->journal_broken)
        return;
    c->journal_broken = true;
    aw_display_message (
        c->display, "async-workflow: %s: nothing more is started, what runs may end", err->text);
    stop (c, false, "the journal cannot be written");
}

/* Journal and display see every event. */
static void record (struct aw_coordinator *c, const struct aw_event *ev)
{
    struct aw_error err;

    check_journal (c, aw_journal_append (c->journal, ev, &err), &err);
    aw_display_event (c->display, ev);
}

/* What tasks have said stands in its files before what came of it stands in the journal. */
static void flush_talk (struct aw_coordinator *c)
{
    struct aw_error err;

    if (c->talk)
        check_journal (c, aw_talk_flush (c->talk, &err), &err);
}

/* Something happened outside: the scheduler first, for what it refuses has not happened. When the
 * run is over, what the pool says while it ends is no part of it any more.
 */
static void take_in (struct aw_coordinator *c, struct aw_event *ev)
{
    struct aw_error err;

    if (c->exit_code >= 0)
        return;
    ev->t = now (c);
    ev->seconds = whole_microseconds (ev->seconds);
    if (aw_sched_handle (c->sched, ev, &err) < 0)
        aw_display_message (c->display, "async-workflow: ignored: %s", err.text);
    else
        record (c, ev);
    if (c->talk)
        aw_talk_event (c->talk, ev);
    want_turn (c); /* the scheduler may want to stop, for lack of memory */
}

static void stop (struct aw_coordinator *c, bool kill, const char *reason)
{
    struct aw_event ev = { .type = AW_EVENT_STOP, .code = kill, .reason = reason, .node = AW_NONE };

    c->note = "stopping";
    c->stopping = true;
    take_in (c, &ev);
}

/* Over before the scheduler says so. */
static void end_run (struct aw_coordinator *c, int code)
{
    struct aw_event ev = { .type = AW_EVENT_END, .code = code, .node = AW_NONE };

    if (c->exit_code >= 0)
        return;
    take_in (c, &ev);
    c->exit_code = code;
    event_base_loopbreak (c->base);
}

static void fail_pool (struct aw_coordinator *c, const struct aw_error *why)
{
    if (c->exit_code < 0)
        c->failure = *why;
    end_run (c, EXIT_POOL);
}

static void on_node_joined (void *arg, const struct aw_event *ev)
{
    struct aw_coordinator *c = arg;
    struct aw_event mine = *ev;

    c->n_joined++;
    take_in (c, &mine);
}

static void on_node_lost (void *arg, const struct aw_event *ev)
{
    struct aw_coordinator *c = arg;
    struct aw_event mine = *ev;

    if (c->leaving[ev->node])
        c->n_leaving--;
    c->leaving[ev->node] = false;
    take_in (c, &mine);
}

/* Slurm tells all nodes to end when the job is cancelled or at its time limit, and one node alone
 * when that is taken down. Which of both it is the others show: until this one is gone nothing is
 * started, and if all leave, the run is stopped.
 */
static void on_node_leaves (void *arg, const struct aw_event *ev)
{
    struct aw_coordinator *c = arg;
    const struct aw_pool *pool = aw_sched_pool (c->sched);
    uint32_t left = 0;

    if (c->complete && ev->node != AW_NONE && !c->leaving[ev->node]) {
        c->leaving[ev->node] = true;
        c->n_leaving++;
    }
    for (uint32_t n = 0; n < pool->n_nodes; n++)
        left += !pool->nodes[n].lost;
    if (c->stopping || (c->complete && c->n_leaving < left))
        return;
    aw_display_message (c->display, "async-workflow: stopping: the nodes were %s", ev->reason);
    stop (c, true, ev->reason);
    if (!c->complete)
        end_run (c, EXIT_STOPPED); /* nothing has started yet */
}

static void on_task_finished (void *arg, const struct aw_event *ev)
{
    struct aw_coordinator *c = arg;
    const struct aw_graph *graph = c->config.workflow->graph;
    struct aw_event mine = *ev;

    if (mine.type != AW_EVENT_FINISH) {
        take_in (c, &mine);
        return;
    }
    /* One that ended with a node may have gone on on its others: its own end comes too late. */
    if (ev->task < graph->n_tasks && aw_sched_is_over (c->sched, ev->task, ev->attempt))
        return;
    if (mine.status == AW_STATUS_CANCELLED && !c->stopping && c->leaving[ev->node])
        mine.status = AW_STATUS_NODE_FAIL; /* not its fault: it may run elsewhere */
    if (ev->task < graph->n_tasks)
        aw_judge_finish (&mine, &graph->sets[aw_graph_task (graph, ev->task).set].success);
    take_in (c, &mine);
}

static void on_message (void *arg, uint32_t node, const struct aw_packet *packet)
{
    struct aw_coordinator *c = arg;

    if (!c->talk || c->exit_code >= 0)
        return;
    aw_talk_take (c->talk, node, packet, now (c));
    want_turn (c);
}

static void on_wanted (void *arg, struct aw_event *ev)
{
    take_in (arg, ev);
}

/* Only what lets something start is an event. */
static void on_counted (void *arg, const char *topic, uint64_t count)
{
    struct aw_coordinator *c = arg;
    struct aw_event ev = { .type = AW_EVENT_MESSAGE, .name = topic, .count = count };

    if (count >= aw_sched_next_message (c->sched, topic))
        take_in (c, &ev);
}

static void on_broken (void *arg, const struct aw_error *why)
{
    fail_pool (arg, why);
}

static void on_note (void *arg, const char *text)
{
    struct aw_coordinator *c = arg;

    aw_display_message (c->display, "async-workflow: %s", text);
}

/* The attempt could not even be sent: it ends as failed, or where nothing is wrong with it as
 * cancelled. */
static void end_unsent (struct aw_coordinator *c,
                        const struct aw_launch *launch,
                        uint32_t node,
                        enum aw_status status,
                        const char *reason)
{
    struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .task = launch->task,
        .attempt = launch->attempt,
        .node = node,
        .status = status,
        .reason = reason,
    };

    take_in (c, &ev);
}

static void prepare_start (struct aw_coordinator *c, const struct aw_event *start)
{
    struct departure *d = &c->departures[c->n_departures];
    const struct aw_task_places places = {
        .run_dir = c->config.run_dir,
        .start_dir = c->config.start_dir,
        .scratch = c->config.scratch,
        .node = aw_sched_pool (c->sched)->nodes[start->node].name,
    };
    struct aw_error err;

    d->node = start->node;
    if (aw_task_launch (&d->launch, c->config.workflow, start, &places, c->limit_t - now (c), &err)
            == 0
        && aw_task_step (&d->launch, c->config.workflow, start, aw_sched_pool (c->sched),
                         c->config.run_dir, &err)
               == 0) {
        c->n_departures++;
        return;
    }
    end_unsent (c, &d->launch, d->node, AW_STATUS_FAILED, err.text);
    aw_launch_finish (&d->launch);
}

/* What the run leaves undone, in lines for the user. */
static void tell_remains (struct aw_coordinator *c)
{
    struct aw_textbuf text = { 0 };
    char *rest, *line;

    aw_remains (&text, c->sched, c->exit_code, c->limit_t - now (c), c->config.run_dir);
    aw_textbuf_putc (&text, '\0');
    for (line = strtok_r (text.data, "\n", &rest); line && !text.failed;
         line = strtok_r (NULL, "\n", &rest))
        aw_display_message (c->display, "%s", line);
    aw_textbuf_finish (&text);
}

/* The scheduler found nothing more to do. */
static void end_as_decided (struct aw_coordinator *c, int code)
{
    struct aw_counts all = aw_sched_counts (c->sched, AW_NONE);

    c->exit_code = code;
    if (code == EXIT_POOL)
        aw_error_set (&c->failure, "%u tasks are left, and no node that could run them",
                      all.waiting + all.ready);
    tell_remains (c);
    event_base_loopbreak (c->base);
}

static void carry_out (struct aw_coordinator *c, const struct aw_event *action)
{
    if (action->type == AW_EVENT_START || action->type == AW_EVENT_STAGE)
        prepare_start (c, action);
    else if (action->type == AW_EVENT_KILL)
        c->exec->ops->kill (c->exec, action->node, action->task, action->attempt,
                            c->config.kill_grace);
    else if (action->type == AW_EVENT_FINISH) /* with a node; on its others it may run still */
        c->exec->ops->kill (c->exec, action->node, action->task, action->attempt, 0);
    else if (action->type == AW_EVENT_END)
        end_as_decided (c, action->code);
}

/* TIMER goes off in SECONDS; never where they are infinite. */
static void arm (struct event *timer, double seconds)
{
    struct timeval tv;

    if (isinf (seconds)) {
        event_del (timer);
        return;
    }
    seconds = fmin (fmax (seconds, 0), 1e9);
    tv.tv_sec = (time_t)seconds;
    tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
    event_add (timer, &tv);
}

static void arm_redraw (struct aw_coordinator *c)
{
    arm (c->redraw, aw_display_next (c->display, now (c)));
}

static void arm_wake (struct aw_coordinator *c)
{
    arm (c->wake, aw_sched_next_wake (c->sched) - now (c));
}

/* Timers may go off a little early: then once more. */
static void on_wake (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_event ev = { .type = AW_EVENT_WAKE, .task = AW_NONE, .node = AW_NONE };

    (void)fd;
    (void)what;
    if (now (c) >= aw_sched_next_wake (c->sched))
        take_in (c, &ev);
    else
        arm_wake (c);
}

/* The job's end as the scheduler is to know it. */
static void set_limit (struct aw_coordinator *c)
{
    struct aw_event ev = { .type = AW_EVENT_LIMIT, .task = AW_NONE, .node = AW_NONE };

    if (!(c->config.end_time > 0) || isinf (c->config.end_time))
        return;
    c->limit_t = whole_microseconds (fmax (c->config.end_time - aw_clock_wall () + now (c), 1e-6));
    ev.seconds = c->limit_t;
    take_in (c, &ev);
    arm (c->limit, c->limit_t - now (c));
}

static void on_limit (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;

    (void)fd;
    (void)what;
    aw_display_message (c->display, "async-workflow: the end of the job: stopping what still runs");
    stop (c, true, "the end of the job");
}

/* The pool is complete: is it what the job holds, and can every task run in it? */
static void check_pool (struct aw_coordinator *c)
{
    struct aw_error err;

    c->complete = true;
    c->note = NULL;
    if (c->config.check_pool
        && c->config.check_pool (c->config.arg, aw_sched_pool (c->sched), &err) < 0)
        fail_pool (c, &err);
    else if (aw_sched_check (c->sched, &err) < 0) {
        c->failure = err; /* not the pool's fault: the input asks for too much */
        end_run (c, EXIT_INPUT);
    }
    else
        set_limit (c);
}

static void flush_journal (struct aw_coordinator *c)
{
    struct aw_error err;

    check_journal (c, aw_journal_flush (c->journal, &err), &err);
}

/* Journals what was decided, then lets the starts go: a resumed run must know of every attempt that
 * may have begun. Those that cannot be journalled stay.
 */
static void depart (struct aw_coordinator *c)
{
    struct aw_error err;

    flush_journal (c);
    for (uint32_t i = 0; i < c->n_departures; i++) {
        struct departure *d = &c->departures[i];

        if (c->journal_broken)
            end_unsent (c, &d->launch, d->node, AW_STATUS_CANCELLED,
                        "not started: the journal cannot be written");
        else if (c->exec->ops->start (c->exec, d->node, &d->launch, &err) < 0)
            end_unsent (c, &d->launch, d->node, AW_STATUS_FAILED, err.text);
        aw_launch_finish (&d->launch);
    }
    c->n_departures = 0;
}

/* The end of a turn of the loop: journal what came in, decide, journal that, let starts go.
 * Completions are written before anything is decided on them: while that fails, no successor
 * starts.
 */
static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_event action;
    uint32_t n = 0;

    (void)fd;
    (void)what;
    if (c->n_joined == c->config.n_nodes && !c->complete)
        check_pool (c);
    flush_talk (c);
    flush_journal (c);
    if (c->talk && !c->journal_broken)
        aw_talk_answer (c->talk);
    while (c->complete && c->exit_code < 0 && (c->n_leaving == 0 || c->stopping)
           && aw_sched_next (c->sched, &action)) {
        record (c, &action);
        carry_out (c, &action);
        if (++n % FLUSH_EVERY == 0)
            depart (c);
    }
    depart (c);
    arm_redraw (c);
    arm_wake (c);
}

static void fill_display (struct aw_coordinator *c, struct aw_display_state *state)
{
    const struct aw_pool *pool = aw_sched_pool (c->sched);
    uint32_t n_sets = c->config.workflow->graph->n_sets;

    for (uint32_t s = 0; s < n_sets; s++) {
        struct aw_counts counts = aw_sched_counts (c->sched, s);
        c->display_sets[s] = (struct aw_display_set){ counts.ready, counts.running, counts.done,
                                                      counts.failed, counts.skipped };
    }
    *state = (struct aw_display_state){
        .t = now (c),
        .sets = c->display_sets,
        .nodes = pool->n_nodes,
        .cpus = pool->total.cpus,
        .busy_cpus = pool->total.cpus - pool->free.cpus,
        .gpus = pool->total.gpus,
        .busy_gpus = pool->total.gpus - pool->free.gpus,
        .left = aw_time_left (&c->time_left, c->sched, now (c)),
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
    arm_redraw (c);
}

/* Tasks that were killed outright have not ended: their nodes do not answer, and are not waited
 * for. */
static void on_hurry (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_event run, ev = { .type = AW_EVENT_NODE_LOST, .task = AW_NONE };
    uint32_t cursor = 0;

    (void)fd;
    (void)what;
    ev.reason = "its tasks were killed and it does not answer";
    while (aw_sched_running (c->sched, &cursor, &run)) {
        ev.node = run.node;
        if (!aw_sched_is_lost (c->sched, run.node))
            on_node_lost (c, &ev);
    }
}

/* Ctrl-C and its kin: first ask the tasks to end, then make them. */
static void on_stop_signal (void *arg, int times, const char *name)
{
    struct aw_coordinator *c = arg;
    struct aw_event run;
    uint32_t cursor = 0;

    if (times == 1) {
        aw_display_message (
            c->display,
            "async-workflow: %s: stopping; tasks have %.0f s to end; once more kills them", name,
            c->config.kill_grace);
        stop (c, true, name);
        if (c->n_joined < c->config.n_nodes)
            end_run (c, EXIT_STOPPED); /* nothing has started yet */
        return;
    }
    aw_display_message (c->display, "async-workflow: %s again: killing the tasks", name);
    c->config.kill_grace = 0; /* for those, too, that are yet to be told */
    while (aw_sched_running (c->sched, &cursor, &run))
        c->exec->ops->kill (c->exec, run.node, run.task, run.attempt, 0);
    arm (c->hurry, HURRY_SECONDS);
}

/* What runs may end; there is time for that, whoever asks so. */
static void on_drain (void *arg, const char *name)
{
    struct aw_coordinator *c = arg;

    if (c->stopping)
        return;
    aw_display_message (c->display, "async-workflow: %s: what runs may end", name);
    stop (c, false, name);
    if (c->n_joined < c->config.n_nodes)
        end_run (c, EXIT_STOPPED);
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
        .job = (char *)(uintptr_t)c->config.job,
        .directory = (char *)(uintptr_t)c->config.start_dir,
        .predicted = c->predicted,
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
    c->journal = config->journal;
    c->base = base;
    c->exit_code = -1;
    c->epoch = aw_clock_monotonic () - (config->earlier ? config->earlier->t : 0);
    c->note = "waiting for the nodes";
    c->callbacks =
        (struct aw_exec_callbacks){ on_node_joined, on_node_lost,   on_task_finished, on_broken,
                                    on_note,        on_node_leaves, on_message,       c };
    c->display_sets = calloc (graph->n_sets, sizeof (*c->display_sets));
    c->leaving = calloc (config->n_nodes, sizeof (*c->leaving));
    c->departures = calloc (FLUSH_EVERY, sizeof (*c->departures));
    c->turn = event_new (base, -1, EV_PERSIST, on_turn, c);
    c->redraw = event_new (base, -1, 0, on_redraw, c);
    c->wake = event_new (base, -1, 0, on_wake, c);
    c->hurry = event_new (base, -1, 0, on_hurry, c);
    c->limit = event_new (base, -1, 0, on_limit, c);
    c->limit_t = INFINITY;
    if (!c->display_sets || !c->leaving || !c->departures || !c->turn || !c->redraw || !c->wake
        || !c->hurry || !c->limit) {
        aw_error_set (err, "out of memory");
        goto fail;
    }
    c->sched = create_sched (c, &config->sched, err);
    if (!c->sched)
        goto fail;
    c->display = aw_display_create (graph, STDERR_FILENO, config->display, err);
    if (!c->display)
        goto fail;
    aw_display_set_directory (c->display, config->run_dir);
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
    aw_stop_signals_destroy (c->signals);
    aw_talk_destroy (c->talk);
    aw_display_finish (c->display);
    aw_journal_close (c->journal, NULL);
    aw_sched_destroy (c->sched);
    if (c->turn)
        event_free (c->turn);
    if (c->redraw)
        event_free (c->redraw);
    if (c->wake)
        event_free (c->wake);
    if (c->hurry)
        event_free (c->hurry);
    if (c->limit)
        event_free (c->limit);
    free (c->display_sets);
    free (c->leaving);
    free (c->departures);
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
    arm_redraw (c);
}

int aw_coordinator_set_plan (struct aw_coordinator *c,
                             const struct aw_sched_config *config,
                             double predicted,
                             struct aw_error *err)
{
    struct aw_sched *sched = create_sched (c, config, err);

    if (!sched)
        return -1;
    aw_sched_destroy (c->sched);
    c->sched = sched;
    c->config.sched = *config;
    c->predicted = predicted;
    return 0;
}

void aw_coordinator_fail (struct aw_coordinator *c, const struct aw_error *why)
{
    fail_pool (c, why);
}

/* Closes the journal and takes the display down: from now on others may print. */
static int close_books (struct aw_coordinator *c, struct aw_error *err)
{
    int rc = aw_journal_close (c->journal, err);

    aw_talk_destroy (c->talk);
    c->talk = NULL;
    c->journal = NULL;
    aw_display_finish (c->display);
    c->display = NULL;
    return rc;
}

int aw_coordinator_run (struct aw_coordinator *c, struct aw_exec *exec, struct aw_error *err)
{
    struct aw_stop_signals_callbacks on_signals = { on_stop_signal, on_drain, on_suspend, c };
    const struct aw_talk_user talk = { on_counted, on_wanted, c };

    err->text[0] = '\0';
    c->exec = exec;
    if (!c->journal)
        c->journal = open_journal (c, err);
    if (c->journal)
        c->talk = aw_talk_create (c->config.run_dir, c->config.workflow, exec, &talk, err);
    c->signals = c->talk ? aw_stop_signals_create (c->base, &on_signals, err) : NULL;
    if (!c->signals)
        return EXIT_POOL;
    arm_redraw (c);
    while (c->exit_code < 0) {
        if (event_base_dispatch (c->base) != 0 && c->exit_code < 0) {
            aw_error_set (&c->failure, "the event loop has nothing to wait for");
            c->exit_code = EXIT_POOL;
        }
    }
    aw_stop_signals_destroy (c->signals);
    c->signals = NULL;
    event_del (c->redraw);
    event_del (c->wake);
    event_del (c->hurry);
    event_del (c->limit);
    event_del (c->turn);
    *err = c->failure;
    if (close_books (c, err->text[0] ? NULL : err) < 0 && c->exit_code == 0)
        return EXIT_POOL; /* the end could not be recorded */
    return c->exit_code;
}
