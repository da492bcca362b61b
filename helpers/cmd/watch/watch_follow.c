/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a run, which follows its journal. */
#include <math.h>

#include "cmd/watch/watch.h"
#include "util/units.h"

static int take (void *arg,
                 const struct aw_report *report,
                 const struct aw_event *ev,
                 struct aw_error *err)
{
    struct aw_watch *watch = arg;

    watch->resumed |= ev->type == AW_EVENT_RESUME;
    if (watch->told && watch->tell)
        watch->tell (watch, ev);
    return aw_replay_event (&watch->replay, report, ev, err);
}

int aw_watch_open (struct aw_watch *watch, const char *dir, struct aw_problems *problems)
{
    int rc;

    watch->dir = dir;
    watch->told = false; /* of the past */
    rc = aw_report_load_by (&watch->report, dir, take, watch, problems);
    watch->told = true;
    watch->resumed = false;
    return rc;
}

void aw_watch_close (struct aw_watch *watch)
{
    aw_replay_finish (&watch->replay);
    if (watch->report.workflow)
        aw_report_finish (&watch->report);
    watch->time_left = (struct aw_time_left){ 0 };
}

int aw_watch_refresh (struct aw_watch *watch, struct aw_problems *problems)
{
    struct aw_error err;

    if (watch->report.workflow && aw_report_refresh (&watch->report, take, watch, &err) == 0
        && !watch->resumed)
        return 0;
    aw_watch_close (watch); /* a changed workflow, perhaps: from the beginning */
    return aw_watch_open (watch, watch->dir, problems);
}

static void put_pool (const struct aw_pool *pool, uint32_t running, struct aw_textbuf *out)
{
    aw_textbuf_printf (out, "; %u running, on %u of %u CPUs", running,
                       pool->total.cpus - pool->free.cpus, pool->total.cpus);
    if (pool->total.gpus)
        aw_textbuf_printf (out, " and %u of %u GPUs", pool->total.gpus - pool->free.gpus,
                           pool->total.gpus);
}

void aw_watch_put_state (struct aw_watch *watch, struct aw_textbuf *out)
{
    const struct aw_report *report = &watch->report;
    const struct aw_sched *sched = watch->replay.sched;
    struct aw_counts counts = { 0 };
    char time[32];
    double left;

    if (sched)
        counts = aw_sched_counts (sched, AW_NONE);
    aw_textbuf_printf (
        out, "%s, %u of %u task%s done after %s", aw_outcome_name (aw_report_outcome (report)),
        counts.done, report->workflow->graph->n_tasks, aw_plural (report->workflow->graph->n_tasks),
        aw_format_seconds (time, sizeof (time), report->history.now));
    if (counts.failed + counts.ignored)
        aw_textbuf_printf (out, ", %u failed", counts.failed + counts.ignored);
    if (counts.skipped)
        aw_textbuf_printf (out, ", %u skipped", counts.skipped);
    if (!report->live || !sched)
        return;
    put_pool (aw_sched_pool (sched), counts.running, out);
    left = aw_time_left (&watch->time_left, sched, report->history.now);
    if (!isnan (left))
        aw_textbuf_printf (out, "; about %s left", aw_format_seconds (time, sizeof (time), left));
}
