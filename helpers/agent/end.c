/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of attempts, and of the agent after the last of them. */
#include "config.h"

#include <event2/event.h>

#include "agent/agent_state.h"
#include "io/wire/frame.h"
#include "util/clock.h"

/* For the report to leave, and a successor to start. */
static const struct timeval TIDY_DELAY = { 0, 5000 };

void aw_agent_send (struct aw_agent *agent, const struct aw_frame *frame)
{
    if (agent->link)
        aw_link_send (agent->link, aw_frame_put (aw_link_out (agent->link), frame, NULL));
}

void aw_agent_report (struct aw_agent *agent, const struct aw_event *ev)
{
    enum aw_frame_type type = ev->type == AW_EVENT_STAGED    ? AW_FRAME_STAGED
                              : ev->type == AW_EVENT_RELEASE ? AW_FRAME_RELEASE
                              : ev->type == AW_EVENT_SERVING ? AW_FRAME_SERVING
                                                             : AW_FRAME_FINISH;

    aw_agent_send (agent, &(struct aw_frame){ .type = type, .event = *ev });
}

/* May the coordinator hear a moment later that NEXT has followed ATTEMPT? It has nothing to decide:
 * nobody waits for this end, as others of its batch run, and enough attempts are assigned: more
 * than a quarter of what there was, and more than two.
 */
static bool may_be_late (const struct aw_agent_attempt *attempt,
                         const struct aw_agent_attempt *next)
{
    const struct aw_attempts *attempts = &attempt->agent->attempts;

    return attempt->launch.batch && attempt->launch.batch == next->launch.batch
           && attempts->n_assigned > 2 && attempts->n_assigned > attempts->filled_to / 4;
}

static void report_late (struct aw_agent *agent, const struct aw_event *finish)
{
    const struct aw_frame frame = { .type = AW_FRAME_FINISH, .event = *finish };

    if (agent->link)
        aw_link_send_late (agent->link, aw_frame_put (aw_link_out (agent->link), &frame, NULL),
                           AW_LATE_MS);
}

void aw_attempt_finish (struct aw_agent_attempt *attempt, const struct aw_event *finish)
{
    struct aw_agent *agent = attempt->agent;
    struct aw_agent_attempt *next = aw_attempt_follow (attempt, finish);
    struct aw_event last = *finish;

    last.continued = next;
    last.next = next ? next->task : 0;
    last.next_attempt = next ? next->attempt : 0;
    if (next && may_be_late (attempt, next))
        report_late (agent, &last);
    else
        aw_agent_report (agent, &last);
    aw_attempts_remove (&agent->attempts, attempt);
    if (agent->attempts.untidy && !event_pending (agent->tidy, EV_TIMEOUT, NULL))
        event_add (agent->tidy, &TIDY_DELAY);
    aw_agent_check_done (agent);
}

void aw_attempt_give_up (struct aw_agent_attempt *attempt,
                         double seconds,
                         int code,
                         const char *reason)
{
    const struct aw_event finish = {
        .type = AW_EVENT_FINISH,
        .task = attempt->task,
        .attempt = attempt->attempt,
        .status = reason ? AW_STATUS_FAILED : AW_STATUS_CANCELLED,
        .code = code,
        .seconds = seconds,
        .reason = reason,
    };

    aw_attempt_finish (attempt, &finish);
}

double aw_attempt_seconds (const struct aw_agent_attempt *attempt)
{
    return attempt->started ? aw_clock_monotonic () - attempt->begun : 0;
}

/* Staged and assigned attempts are not waited for: nobody will start them. */
void aw_agent_check_done (struct aw_agent *agent)
{
    if (!agent->quitting && !agent->leaving)
        return;
    for (const struct aw_agent_attempt *attempt = agent->attempts.first; attempt;
         attempt = attempt->next)
        if (attempt->state != AW_ATTEMPT_STAGED && attempt->state != AW_ATTEMPT_ASSIGNED)
            return;
    if (aw_workers_end (agent, 0, false))
        return;
    event_base_loopbreak (agent->base);
}
