/* SPDX-License-Identifier: Apache-2.0 */
/* What the start and the end of an attempt mean for everything else: resources, successors, further
 * attempts. */
#include <stdlib.h>
#include <string.h>

#include "core/sched/sched_state.h"

/* Was a task of SET, which ends now, asked to save its state because the job ends? */
static bool is_cut (const struct aw_sched *s, const struct aw_set *set)
{
    return set->checkpoint_signal && s->now + 2 * set->checkpoint_seconds >= s->limit;
}

/* The attempt did not succeed: counts the failure. Is the task retried, and after which DELAY? */
static bool try_again (struct aw_sched *s, uint32_t task, const struct aw_event *ev, double *delay)
{
    const struct aw_set *set = &s->graph->sets[aw_graph_task (s->graph, task).set];
    struct aw_tries *tries = &s->tries[task];

    *delay = 0;
    if (ev->status == AW_STATUS_CANCELLED && (s->stopped || is_cut (s, set)))
        return true; /* killed by the coordinator, so no failure; it stays ready for a later run */
    if (ev->status != AW_STATUS_NODE_FAIL)
        tries->lost = 0;
    else if (++tries->lost <= AW_LOST_NODES_A_TASK)
        return true;
    tries->failures++;
    *delay = aw_retry_delay (&set->retry, tries->failures);
    return aw_retry_allows (&set->retry, tries->failures, ev);
}

/* TASK failed on NODE. Of several nodes it is not known which is to blame. */
static int note_failure (struct aw_sched *s, uint32_t task, uint32_t node)
{
    size_t n = s->room.n_tasks + (size_t)1;

    if (s->graph->sets[aw_graph_task (s->graph, task).set].nodes > 1)
        return 0;
    if (!s->failed_on) {
        s->failed_on = malloc (n * sizeof (*s->failed_on));
        if (!s->failed_on)
            return -1;
        memset (s->failed_on, 0xff, n * sizeof (*s->failed_on));
    }
    s->failed_on[task] = node;
    return 0;
}

static int queue_again (struct aw_sched *s, uint32_t task, double delay)
{
    aw_depend_set_state (&s->depend, task, AW_DEPEND_READY);
    if (delay > 0)
        return aw_delay_queue_push (&s->delayed, task, s->now + delay);
    if (aw_sched_queue (s, task, task, s->now) < 0)
        return -1;
    return aw_ranges_push (&s->news.ready, task, task, s->now);
}

/* TASK has come back from a node: it has its turn again, as one that is ready since T. */
static int queue_in_front (struct aw_sched *s, uint32_t task, double t)
{
    return aw_ready_push_front (&s->ready, task, t) < 0
                   || aw_ranges_push (&s->news.ready, task, task, s->now) < 0
               ? -1
               : 0;
}

int aw_sched_wake (struct aw_sched *s)
{
    while (aw_delay_queue_next (&s->delayed) <= s->now)
        if (queue_again (s, aw_delay_queue_pop (&s->delayed), 0) < 0)
            return -1;
    return 0;
}

static int end_task (struct aw_sched *s, uint32_t task, uint32_t set, bool succeeded)
{
    enum aw_on_failure how = s->graph->sets[set].on_failure;
    struct aw_released out = { 0 };
    int rc = 0;

    if (succeeded)
        rc = aw_depend_done (&s->depend, task, s->now, &out);
    else if (how == AW_ON_FAILURE_CONTINUE)
        rc = aw_depend_ignore (&s->depend, task, s->now, &out);
    else if (how == AW_ON_FAILURE_SKIP) {
        s->failed = s->failed || !s->graph->sets[set].submitted;
        rc = aw_depend_fail (&s->depend, task, s->now, &out);
    }
    else {
        s->failed = s->stopped = true;
        aw_depend_fail_alone (&s->depend, task);
    }
    return aw_sched_release (s, rc, &out);
}

/* A call that has ended by itself leaves its worker where it was. */
static int keep_worker (struct aw_sched *s, const struct aw_running *run, const struct aw_event *ev)
{
    if (!s->graph->sets[run->set].worker || run->staging || run->staged
        || (ev->status != AW_STATUS_COMPLETED && ev->status != AW_STATUS_FAILED))
        return 0;
    return aw_residents_add (&s->residents, &s->pool,
                             &(struct aw_resident){ .set = run->set,
                                                    .node = run->node,
                                                    .share = run->demand.gpu_share,
                                                    .cpus = run->cpus,
                                                    .gpus = run->gpus });
}

/* RUN holds nothing any more. Its slot keeps its values until the next start. */
static void leave (struct aw_sched *s, struct aw_running *run)
{
    bool assigned = run->assigned;

    aw_sched_leave_staging (s, run);
    aw_sched_leave_backlog (s, run);
    if (!run->staging && !run->released) {
        aw_sched_count_place (s, run, -1);
        aw_sched_give_back (s, run, aw_demand_nodes (&run->demand));
    }
    if (!assigned)
        aw_sched_hold_end (s, run);
    if (s->services.n && !run->staging)
        aw_sched_end_service (s, run);
    aw_running_free (&s->running, run);
}

/* What the end of an attempt means for its task. */
enum meaning {
    SUCCEEDED,
    CANCELLED, /* it is not to run */
    NOT_NEEDED, /* a service: it may be needed again */
    RESTARTED, /* by request */
    NOT_STARTED, /* killed by the coordinator before it started */
    RETURNED, /* the same, or lost, where a node had it in advance */
    FAILED,
};

static enum meaning meaning_of (const struct aw_sched *s,
                                const struct aw_running *run,
                                const struct aw_event *ev)
{
    const struct aw_tries *tries = &s->tries[run->task];
    bool service = s->graph->sets[run->set].service;
    bool cancelled = ev->status == AW_STATUS_CANCELLED;

    if (ev->status == AW_STATUS_COMPLETED && !service)
        return SUCCEEDED;
    if (tries->cancelled && !s->stopped)
        return CANCELLED;
    if (service && run->killed)
        return NOT_NEEDED;
    if (tries->restarted)
        return RESTARTED;
    if (run->assigned && (cancelled || ev->status == AW_STATUS_NODE_FAIL))
        return RETURNED;
    return run->staging && cancelled ? NOT_STARTED : FAILED;
}

/* The attempt of RUN has failed: its task is retried, or has ended. */
static int fail (struct aw_sched *s, const struct aw_running *run, const struct aw_event *ev)
{
    double delay;

    if (!try_again (s, run->task, ev, &delay))
        return end_task (s, run->task, run->set, false);
    if (ev->status != AW_STATUS_CANCELLED && note_failure (s, run->task, run->node) < 0)
        return -1;
    return queue_again (s, run->task, delay);
}

int aw_sched_finish_run (struct aw_sched *s, struct aw_running *run, const struct aw_event *ev)
{
    enum meaning meaning = meaning_of (s, run, ev);
    struct aw_tries *tries = &s->tries[run->task];
    uint32_t task = run->task;

    aw_sched_note_health (s, run, ev);
    if (!run->assigned || ev->status != AW_STATUS_CANCELLED)
        tries->attempts++; /* else it has not started, and its number is used again */
    leave (s, run);
    if (meaning == SUCCEEDED && !run->fresh && !ev->first_call)
        aw_sched_learn (s, run->set, ev->seconds);
    if (keep_worker (s, run, ev) < 0)
        return -1;
    aw_sched_forget (s);
    for (const struct aw_running *part = run; part; part = aw_running_more (&s->running, part))
        aw_sched_unblock (s, part->node);
    switch (meaning) {
    case SUCCEEDED:
        return end_task (s, task, run->set, true) < 0 ? -1 : aw_sched_until (s, task, ev);
    case CANCELLED:
        return aw_sched_end_cancelled (s, task);
    case NOT_NEEDED:
        aw_depend_set_state (&s->depend, task, AW_DEPEND_WAITING);
        return 0;
    case RESTARTED:
        tries->restarted = false;
        return queue_again (s, task, 0);
    case NOT_STARTED:
        return queue_again (s, task, 0);
    case RETURNED:
        return queue_in_front (s, task, run->start);
    case FAILED:
        break;
    }
    return fail (s, run, ev);
}
