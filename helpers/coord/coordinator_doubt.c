/* SPDX-License-Identifier: Apache-2.0 */
/* Is a node lost, or does the job end? Slurm ends a job's nodes one after the other, so the first
 * signs are the same: an agent gets SIGTERM, a connection is lost, a task is killed. Such events
 * are kept until Slurm has reported the state of the job. Until then, no task is sent to a node.
 * Nodes still start those that they have in advance.
 *
 *     no doubt -> doubt (events are kept) -> the job runs: they are events of lost nodes
 *                                         -> the job ends: the run stops, its tasks are cancelled
 */
#include "coord/coordinator_state.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

enum {
    PATIENCE = 15, /* seconds for Slurm's answer */
    SETTLE = 2, /* for the other agents to be told to end, too, when only the pool step ends */
    SUSPENDED_AGAIN = 10, /* between questions while the job is suspended */
};

static bool can_doubt (const struct aw_coordinator *c)
{
    return c->config.ask_job && c->complete && !c->stopping && c->exit_code < 0;
}

static void ask (struct aw_coordinator *c)
{
    c->doubt.answer = AW_JOB_UNKNOWN;
    c->doubt.answered = false;
    c->doubt.asked = aw_coordinator_now (c);
    c->config.ask_job (c->config.arg);
}

void aw_coordinator_doubt (struct aw_coordinator *c)
{
    if (!can_doubt (c) || c->doubt.open)
        return;
    c->doubt.open = true;
    c->doubt.since = aw_coordinator_now (c);
    ask (c);
    aw_coordinator_arm (c->doubt.timer, 1);
}

/* Keeps a copy of EV. False: there is no memory for it. */
static bool keep (struct aw_coordinator *c, const struct aw_event *ev)
{
    struct aw_doubt *doubt = &c->doubt;
    char *reason = ev->reason ? strdup (ev->reason) : NULL;

    if ((ev->reason && !reason)
        || aw_array_reserve (&doubt->events, &doubt->room, doubt->n_events + 1) < 0) {
        free (reason);
        return false;
    }
    doubt->events[doubt->n_events] = *ev;
    doubt->events[doubt->n_events++].reason = reason;
    return true;
}

/* Could the end of the job be why a step's srun has failed, by what aw_step_end_event says? No rank
 * of it is named then. */
static bool may_be_the_step (const struct aw_coordinator *c, const struct aw_event *ev)
{
    static const char *const reasons[] = { "srun: ", "its srun was killed",
                                           "its step could not be started" };
    const struct aw_graph *graph = c->config.workflow->graph;

    if (!ev->reason || !graph->sets[aw_graph_task (graph, ev->task).set].step)
        return false;
    for (size_t i = 0; i < sizeof (reasons) / sizeof (reasons[0]); i++)
        if (strncmp (ev->reason, reasons[i], strlen (reasons[i])) == 0)
            return true;
    return false;
}

/* Could the attempt have ended because of the end of the job? A step's srun reports that as a
 * failure of its own. */
static bool may_be_the_job (const struct aw_coordinator *c, const struct aw_event *ev)
{
    if (ev->type != AW_EVENT_FINISH || ev->status == AW_STATUS_COMPLETED)
        return false;
    return ev->status == AW_STATUS_NODE_FAIL || c->leaving[ev->node]
           || (ev->status == AW_STATUS_FAILED
               && (ev->signal == SIGTERM || ev->signal == SIGKILL || may_be_the_step (c, ev)));
}

bool aw_coordinator_keep (struct aw_coordinator *c, const struct aw_event *ev)
{
    if (!can_doubt (c) || (ev->type == AW_EVENT_FINISH && !may_be_the_job (c, ev)) || !keep (c, ev))
        return false;
    aw_coordinator_doubt (c);
    return true;
}

/* Sets the status of EV to what it means: the end of the job or of its node may be the cause. */
static void judge_end (const struct aw_coordinator *c, struct aw_event *ev)
{
    if (c->stopping && may_be_the_job (c, ev))
        ev->status = AW_STATUS_CANCELLED; /* Slurm was faster than our own kill */
    else if (ev->status == AW_STATUS_CANCELLED && !c->stopping && c->leaving[ev->node])
        ev->status = AW_STATUS_NODE_FAIL; /* not the task's fault: it may run elsewhere */
}

/* The place of the attempt that FINISH ends, if another has started there. False: none has, or it
 * cannot be known. */
static bool keep_place (struct aw_coordinator *c, const struct aw_event *finish)
{
    struct aw_event run;

    return finish->continued && aw_sched_attempt (c->sched, finish->task, &run)
           && aw_idset_copy (&c->place_cpus, &run.cpus) == 0
           && aw_idset_copy (&c->place_gpus, &run.gpus) == 0;
}

/* Does the node have what FINISH says that it has started? An attempt may be over: a request or the
 * loss of a node has ended it. */
static bool has_next (const struct aw_coordinator *c, const struct aw_event *finish)
{
    return aw_sched_is_assigned (c->sched, finish->next)
           && !aw_sched_is_over (c->sched, finish->next, finish->next_attempt);
}

/* The node has started an assigned attempt in the place of the one that FINISH has ended. */
static void start_next (struct aw_coordinator *c, const struct aw_event *finish)
{
    struct aw_event start = {
        .type = AW_EVENT_START,
        .task = finish->next,
        .attempt = finish->next_attempt,
        .node = finish->node,
        .cpus = c->place_cpus,
        .gpus = c->place_gpus,
    };

    if (has_next (c, finish))
        aw_coordinator_handle_event (c, &start);
    else if (c->exit_code < 0)
        aw_display_message (c->display,
                            "async-workflow: ignored: %s reports the start of task %u, attempt %u, "
                            "which was not assigned to it",
                            aw_sched_pool (c->sched)->nodes[finish->node].name, finish->next,
                            finish->next_attempt);
}

void aw_coordinator_end_attempt (struct aw_coordinator *c, const struct aw_event *ev)
{
    struct aw_event mine = *ev;
    bool goes_on;

    /* An attempt that ended with one node may have continued on its others: its own end comes too
     * late. */
    if (aw_sched_is_over (c->sched, ev->task, ev->attempt))
        return;
    judge_end (c, &mine);
    goes_on = keep_place (c, &mine);
    aw_coordinator_handle_event (c, &mine);
    if (goes_on)
        start_next (c, &mine); /* also where memory is too short for all that the end means */
}

static bool runs_on (const struct aw_event *run, uint32_t node)
{
    for (uint32_t i = 0; i < run->n_more; i++)
        if (run->more[i].node == node)
            return true;
    return run->node == node;
}

/* After a stop, attempts that run on a lost node count as cancelled, as those on other nodes do.
 * What the node has in advance has not started, as far as is known: the scheduler ends that as
 * node_fail. */
static void cancel_attempts (struct aw_coordinator *c, uint32_t node, const char *reason)
{
    struct aw_event run;
    uint32_t cursor = 0;

    while (aw_sched_running (c->sched, &cursor, &run)) {
        struct aw_event ev = { .type = AW_EVENT_FINISH,
                               .task = run.task,
                               .attempt = run.attempt,
                               .node = run.node,
                               .status = AW_STATUS_CANCELLED,
                               .reason = reason };

        if (!runs_on (&run, node))
            continue;
        aw_coordinator_handle_event (c, &ev); /* the others keep their places in the walk */
    }
}

void aw_coordinator_lose_node (struct aw_coordinator *c, const struct aw_event *ev)
{
    struct aw_event mine = *ev;

    if (c->leaving[ev->node])
        c->n_leaving--;
    c->leaving[ev->node] = false;
    if (c->stopping)
        cancel_attempts (c, ev->node, ev->reason);
    aw_coordinator_handle_event (c, &mine);
}

static bool keep_failure (struct aw_coordinator *c, const struct aw_error *why)
{
    if (!can_doubt (c) || c->doubt.settled)
        return false;
    c->doubt.failure = *why;
    aw_coordinator_doubt (c);
    return true;
}

void aw_coordinator_fail (struct aw_coordinator *c, const struct aw_error *why)
{
    if (c->job_ends)
        aw_coordinator_end_run (c, AW_EXIT_STOPPED, why->text);
    else if (!keep_failure (c, why))
        aw_coordinator_end_failed (c, why);
}

/* The doubt is over: what was kept happens now. */
static void release (struct aw_coordinator *c)
{
    struct aw_doubt doubt = c->doubt;

    event_del (c->doubt.timer);
    c->doubt = (struct aw_doubt){ .timer = doubt.timer, .settled = true };
    for (size_t i = 0; i < doubt.n_events; i++) {
        struct aw_event *ev = &doubt.events[i];

        if (ev->type == AW_EVENT_NODE_LOST)
            aw_coordinator_lose_node (c, ev);
        else
            aw_coordinator_end_attempt (c, ev);
        free ((char *)(uintptr_t)ev->reason);
    }
    free (doubt.events);
    if (doubt.failure.text[0])
        aw_coordinator_fail (c, &doubt.failure);
    c->doubt.settled = false;
    aw_coordinator_want_turn (c);
}

static bool is_settled (const struct aw_coordinator *c)
{
    double passed = aw_coordinator_now (c) - c->doubt.since;

    return passed >= PATIENCE || (c->doubt.answered && (c->n_leaving == 0 || passed >= SETTLE));
}

static void decide (struct aw_coordinator *c)
{
    if (!c->doubt.open)
        return;
    if (c->doubt.answer == AW_JOB_SUSPENDED) {
        if (aw_coordinator_now (c) - c->doubt.asked >= SUSPENDED_AGAIN)
            ask (c);
    }
    else if (is_settled (c)) {
        release (c);
        return;
    }
    aw_coordinator_arm (c->doubt.timer, 1);
}

void aw_coordinator_on_doubt (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    decide (arg);
}

void aw_coordinator_end_job (struct aw_coordinator *c, const char *text, const char *reason)
{
    if (c->job_ends || c->exit_code >= 0)
        return;
    c->job_ends = true;
    if (!c->stopping) {
        aw_display_message (c->display, "async-workflow: stopping: %s", text);
        aw_coordinator_stop (c, true, reason);
    }
    if (!c->complete)
        aw_coordinator_end_run (c, AW_EXIT_STOPPED, "nothing has started yet");
    else
        release (c);
}

bool aw_coordinator_on_all_silent (void *arg, bool again)
{
    struct aw_coordinator *c = arg;

    if (!can_doubt (c))
        return true;
    if (again && !c->doubt.answered)
        return aw_coordinator_now (c) - c->doubt.asked >= 2 * PATIENCE;
    if (again && c->doubt.answer != AW_JOB_SUSPENDED)
        return true;
    ask (c);
    return false;
}

void aw_coordinator_job_answer (struct aw_coordinator *c, const struct aw_job_answer *answer)
{
    struct aw_error why;

    if (c->exit_code >= 0)
        return;
    c->doubt.answered = true;
    c->doubt.answer = answer->state;
    if (answer->state == AW_JOB_ENDING) {
        aw_error_set (&why, "Slurm ends the job (its state is %s)", answer->name);
        aw_coordinator_end_job (c, why.text, why.text);
        return;
    }
    if (answer->state != AW_JOB_UNKNOWN)
        aw_coordinator_set_end (c, answer->end_time);
    aw_coordinator_limit_asked (c);
    decide (c);
}

void aw_coordinator_forget_doubt (struct aw_coordinator *c)
{
    for (size_t i = 0; i < c->doubt.n_events; i++)
        free ((char *)(uintptr_t)c->doubt.events[i].reason);
    free (c->doubt.events);
    if (c->doubt.timer)
        event_free (c->doubt.timer);
}
