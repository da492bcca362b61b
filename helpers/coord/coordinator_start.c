/* SPDX-License-Identifier: Apache-2.0 */
/* Departures: a start that was decided on leaves when it stands in the journal. */
#include "coord/coordinator_state.h"

#include "coord/task_launch.h"
#include "coord/task_step.h"

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

    aw_coordinator_handle_event (c, &ev);
}

void aw_coordinator_prepare_start (struct aw_coordinator *c, const struct aw_event *start)
{
    struct aw_dispatch *d = &c->dispatches[c->n_dispatches];
    const struct aw_task_places places = {
        .run_dir = c->config.run_dir,
        .start_dir = c->config.start_dir,
        .scratch = c->config.scratch,
        .node = aw_sched_pool (c->sched)->nodes[start->node].name,
    };
    struct aw_error err;

    d->node = start->node;
    if (aw_task_launch (&d->launch, c->config.workflow, start, &places,
                        c->limit_t - aw_coordinator_now (c), &err)
            == 0
        && aw_task_step (&d->launch, c->config.workflow, start, aw_sched_pool (c->sched),
                         c->config.run_dir, &err)
               == 0) {
        c->n_dispatches++;
        return;
    }
    end_unsent (c, &d->launch, d->node, AW_STATUS_FAILED, err.text);
    aw_launch_finish (&d->launch);
}

/* Journals what was decided, then lets the starts go: a resumed run must know of every attempt that
 * may have begun. Those that cannot be journalled stay.
 */
void aw_coordinator_dispatch (struct aw_coordinator *c)
{
    struct aw_error err;

    aw_coordinator_flush_journal (c);
    for (uint32_t i = 0; i < c->n_dispatches; i++) {
        struct aw_dispatch *d = &c->dispatches[i];

        if (c->journal_broken)
            end_unsent (c, &d->launch, d->node, AW_STATUS_CANCELLED,
                        "not started: the journal cannot be written");
        else if (c->exec->ops->start (c->exec, d->node, &d->launch, &err) < 0)
            end_unsent (c, &d->launch, d->node, AW_STATUS_FAILED, err.text);
        aw_launch_finish (&d->launch);
    }
    c->n_dispatches = 0;
}
