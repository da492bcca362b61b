/* SPDX-License-Identifier: Apache-2.0 */
/* Events on their way in: scheduler, journal and display get each of them. The end of a run is such
 * an event too, and a journal that cannot be written leads to it.
 */
#include "coord/coordinator_state.h"

void aw_coordinator_check_journal (struct aw_coordinator *c, int rc, const struct aw_error *err)
{
    if (rc == 0 || c->journal_broken)
        return;
    c->journal_broken = true;
    aw_display_message (
        c->display, "async-workflow: %s: nothing more starts; running tasks may finish", err->text);
    aw_coordinator_stop (c, false, "the journal cannot be written");
}

void aw_coordinator_record (struct aw_coordinator *c, const struct aw_event *ev)
{
    struct aw_error err;

    aw_coordinator_check_journal (c, aw_journal_append (c->journal, ev, &err), &err);
    aw_display_event (c->display, ev);
    aw_planner_event (c->planner, ev);
}

void aw_coordinator_check_messages (struct aw_coordinator *c, int rc, const struct aw_error *err)
{
    aw_coordinator_check_journal (c, rc, err);
    if (rc < 0)
        aw_journal_abandon (c->journal);
}

/* Messages are written before the events that they cause are in the journal. */
void aw_coordinator_flush_requests (struct aw_coordinator *c)
{
    struct aw_error err;

    if (c->requests)
        aw_coordinator_check_messages (c, aw_task_requests_flush (c->requests, &err), &err);
}

void aw_coordinator_flush_journal (struct aw_coordinator *c)
{
    struct aw_error err;

    aw_coordinator_check_journal (c, aw_journal_flush (c->journal, &err), &err);
}

/* Has EV happened? RC is what the scheduler said of it. Where memory was too short for all that an
 * end means, the attempt has ended all the same. */
static bool has_happened (const struct aw_coordinator *c, const struct aw_event *ev, int rc)
{
    return rc == 0
           || (ev->type == AW_EVENT_FINISH && ev->task < c->config.workflow->graph->n_tasks
               && aw_sched_is_over (c->sched, ev->task, ev->attempt));
}

/* The scheduler comes first: an event that it rejects has not happened. After the end of the run
 * events are ignored. */
int aw_coordinator_handle_event (struct aw_coordinator *c, struct aw_event *ev)
{
    struct aw_error err;
    int rc;

    if (c->exit_code >= 0)
        return -1;
    ev->t = aw_coordinator_now (c);
    ev->seconds = aw_coordinator_round (ev->seconds);
    if (ev->type == AW_EVENT_FINISH) {
        aw_sched_judge (c->sched, ev);
        ev->returned = aw_sched_is_assigned (c->sched, ev->task)
                       && (ev->status == AW_STATUS_CANCELLED || ev->status == AW_STATUS_NODE_FAIL);
    }
    rc = aw_sched_handle (c->sched, ev, &err);
    if (rc < 0)
        aw_display_message (c->display, "async-workflow: ignored: %s", err.text);
    if (has_happened (c, ev, rc)) {
        aw_coordinator_record (c, ev);
        if (c->requests)
            aw_task_requests_event (c->requests, ev);
    }
    aw_coordinator_want_turn (c); /* the scheduler may want to stop, for lack of memory */
    return rc;
}

void aw_coordinator_count (struct aw_coordinator *c, const char *topic, uint64_t count)
{
    struct aw_event ev = { .type = AW_EVENT_MESSAGE, .name = topic, .count = count };

    if (count >= aw_sched_next_message (c->sched, topic))
        aw_coordinator_handle_event (c, &ev);
}

void aw_coordinator_stop (struct aw_coordinator *c, bool kill, const char *reason)
{
    struct aw_event ev = { .type = AW_EVENT_STOP, .code = kill, .reason = reason, .node = AW_NONE };

    if (c->killing)
        return; /* by the nodes' word, or by a signal: whichever came first */
    c->killing = kill;
    c->note = "stopping";
    c->stopping = true;
    aw_coordinator_handle_event (c, &ev);
}

void aw_coordinator_end_run (struct aw_coordinator *c, int code, const char *reason)
{
    struct aw_event ev = { .type = AW_EVENT_END, .code = code, .reason = reason, .node = AW_NONE };

    if (c->exit_code >= 0)
        return;
    aw_coordinator_handle_event (c, &ev);
    c->exit_code = code;
    event_base_loopbreak (c->base);
}

void aw_coordinator_end_failed (struct aw_coordinator *c, const struct aw_error *why)
{
    if (c->exit_code < 0)
        c->failure = *why;
    aw_coordinator_end_run (c, AW_EXIT_POOL, why->text);
}
