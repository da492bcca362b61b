/* SPDX-License-Identifier: Apache-2.0 */
/* Times, amounts and reasons in words. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd/explain/explain.h"
#include "io/workflow/task_label.h"
#include "util/units.h"

const char *aw_explain_name (const struct aw_explain *ex, uint32_t task, char buf[AW_NAME_SIZE])
{
    return aw_task_label (ex->report.workflow, task, buf, AW_NAME_SIZE);
}

const char *aw_explain_when (const struct aw_explain *ex, double t, char *buf, size_t size)
{
    double from_now = t - ex->report.history.now;
    char text[32];

    if (!isfinite (t))
        snprintf (buf, size, "at a time that is not known");
    else if (from_now < 0.005)
        snprintf (buf, size, "now");
    else
        snprintf (buf, size, "in %s", aw_format_seconds (text, sizeof (text), from_now));
    return buf;
}

/* Adds what is missing: "2 CPUs, 1 GPU and 3.0 GiB". */
static void put_lacks (const struct aw_demand *lacks, struct aw_textbuf *out)
{
    const char *join[] = { "", " and ", ", " };
    int left = (lacks->cpus > 0) + (lacks->gpus > 0) + (lacks->mem > 0);
    char size[32];

    if (lacks->cpus)
        aw_textbuf_printf (out, "%u CPU%s%s", lacks->cpus, lacks->cpus == 1 ? "" : "s",
                           join[--left]);
    if (lacks->gpus)
        aw_textbuf_printf (out, "%u GPU%s%s", lacks->gpus, lacks->gpus == 1 ? "" : "s",
                           join[--left]);
    if (lacks->mem)
        aw_textbuf_printf (out, "%s of memory", aw_format_bytes (size, sizeof (size), lacks->mem));
}

static void put_node (struct aw_explain *ex, uint32_t node)
{
    const char *name = aw_sched_pool (ex->replay.sched)->nodes[node].name;

    aw_textbuf_plain (ex->out, name, strlen (name));
}

static void put_room (struct aw_explain *ex, const struct aw_reason *reason)
{
    const struct aw_demand *lacks = &reason->lacks;

    if (reason->node == AW_NO_NODE) {
        aw_textbuf_puts (ex->out, "too little is free on all nodes");
        return;
    }
    if (lacks->cpus || lacks->gpus || lacks->mem) {
        put_lacks (lacks, ex->out);
        aw_textbuf_puts (ex->out, " more must be free on ");
    }
    else
        aw_textbuf_puts (ex->out, "what it needs is not free together on ");
    put_node (ex, reason->node);
}

static void put_held (struct aw_explain *ex, const struct aw_reason *reason)
{
    char when[64];

    aw_textbuf_puts (ex->out, "it would delay a task");
    if (reason->reserved_set != AW_NONE)
        aw_textbuf_printf (ex->out, " of %s",
                           ex->report.workflow->graph->sets[reason->reserved_set].name);
    aw_textbuf_puts (ex->out, " that comes before it");
    if (isfinite (reason->reserved_t))
        aw_textbuf_printf (ex->out, " and can start %s",
                           aw_explain_when (ex, reason->reserved_t, when, sizeof (when)));
}

static void put_planned (struct aw_explain *ex, const struct aw_reason *reason)
{
    char when[64], latest[64];

    aw_textbuf_puts (ex->out, "the plan holds its place for a task");
    if (reason->reserved_set == AW_NONE)
        return;
    aw_textbuf_printf (ex->out, " of %s, expected %s; the hold ends %s at the latest",
                       ex->report.workflow->graph->sets[reason->reserved_set].name,
                       aw_explain_when (ex, reason->awaited_t, when, sizeof (when)),
                       aw_explain_when (ex, reason->reserved_t, latest, sizeof (latest)));
}

uint32_t aw_explain_node (const struct aw_explain *ex, uint32_t task)
{
    return aw_report_assigned (&ex->report) ? aw_history_assigned_to (&ex->report.history, task)
                                            : AW_NONE;
}

void aw_explain_why (const struct aw_explain *ex, uint32_t task, struct aw_reason *reason)
{
    uint32_t node = aw_explain_node (ex, task);

    aw_sched_why (ex->replay.sched, task, reason);
    if (node == AW_NONE)
        return;
    reason->why = AW_WHY_ASSIGNED;
    reason->node = node - ex->report.history.first_node;
    reason->before = 0;
}

void aw_explain_reason (struct aw_explain *ex, uint32_t task, const struct aw_reason *reason)
{
    struct aw_textbuf *out = ex->out;
    char text[128];

    (void)task;
    switch (reason->why) {
    case AW_WHY_NOT:
        aw_textbuf_puts (out, "it does not wait");
        break;
    case AW_WHY_STOPPED:
        aw_textbuf_puts (out, "nothing more starts, because the run is stopping");
        break;
    case AW_WHY_PREDECESSORS:
        aw_textbuf_puts (out, "tasks that it depends on have not ended");
        break;
    case AW_WHY_STAGE:
        aw_textbuf_puts (out, "an earlier stage has not ended (mode sequential)");
        break;
    case AW_WHY_MESSAGES:
        aw_textbuf_puts (out, "too few messages have come");
        break;
    case AW_WHY_DELAY:
        aw_textbuf_printf (out, "its last attempt failed; the next one may start %s",
                           aw_explain_when (ex, reason->t, text, sizeof (text)));
        break;
    case AW_WHY_SERVICE:
        aw_graph_task_name (ex->report.workflow->graph, reason->service, text, sizeof (text));
        aw_textbuf_printf (out, "the service %s, which it uses, is not ready", text);
        break;
    case AW_WHY_UNUSED:
        aw_textbuf_puts (out, "it is a service, and no task that uses it is ready");
        break;
    case AW_WHY_DATA:
        if (reason->node == AW_NO_NODE)
            aw_textbuf_puts (out, "its data waits for its turn to be copied");
        else {
            aw_textbuf_puts (out, "its data is being copied to ");
            put_node (ex, reason->node);
        }
        break;
    case AW_WHY_ASSIGNED:
        aw_textbuf_puts (out, "it is assigned to ");
        put_node (ex, reason->node);
        aw_textbuf_puts (out, " and starts there when a task of the same demand completes");
        break;
    case AW_WHY_NEVER:
        aw_textbuf_puts (out, "no node of the pool could hold it");
        break;
    case AW_WHY_LATE:
        aw_textbuf_printf (out, "it is assumed to need %s, and the job ends before",
                           aw_format_seconds (text, sizeof (text), reason->needs));
        break;
    case AW_WHY_HELD:
        put_held (ex, reason);
        break;
    case AW_WHY_PLANNED:
        put_planned (ex, reason);
        break;
    case AW_WHY_ROOM:
        put_room (ex, reason);
        break;
    }
}

bool aw_explain_is_cancelled (const struct aw_explain *ex, uint32_t task)
{
    const struct aw_history *history = &ex->report.history;

    for (uint32_t i = 0; i < history->n_cancelled; i++)
        if (task >= history->cancelled[i].task
            && task - history->cancelled[i].task < history->cancelled[i].count)
            return true;
    return false;
}

/* "running on n1 for 31.2 s, expected to end in 12 s" */
static void put_running (struct aw_explain *ex, const struct aw_attempt *a)
{
    const struct aw_history *history = &ex->report.history;
    const char *node = history->nodes[a->node].name;
    double end = ex->open ? ex->ahead.end[a->task] : NAN;
    char time[32], when[64];

    aw_textbuf_puts (ex->out, "running on ");
    aw_textbuf_plain (ex->out, node, strlen (node));
    aw_textbuf_printf (ex->out, " for %s",
                       aw_format_seconds (time, sizeof (time), history->now - a->start));
    if (isfinite (end) && end <= history->now + 0.005)
        aw_textbuf_puts (ex->out, ", longer than expected");
    else if (isfinite (end))
        aw_textbuf_printf (ex->out, ", expected to end %s",
                           aw_explain_when (ex, end, when, sizeof (when)));
}

/* "waiting: 2 GPUs more must be free on n1; expected to start in 3 s" */
static void put_waiting (struct aw_explain *ex, uint32_t task)
{
    struct aw_reason reason;
    char when[64];

    if (!ex->open) {
        aw_textbuf_puts (ex->out, "has not run");
        return;
    }
    aw_explain_why (ex, task, &reason);
    aw_textbuf_puts (ex->out, "waiting: ");
    aw_explain_reason (ex, task, &reason);
    if (isfinite (ex->ahead.start[task]))
        aw_textbuf_printf (ex->out, "; expected to start %s",
                           aw_explain_when (ex, ex->ahead.start[task], when, sizeof (when)));
}

void aw_explain_line (struct aw_explain *ex, uint32_t task)
{
    const struct aw_history *history = &ex->report.history;
    const struct aw_attempt *a = aw_history_last (history, task);
    char name[AW_NAME_SIZE], text[256];

    aw_explain_name (ex, task, name);
    aw_textbuf_printf (ex->out, "%s: ", name);
    switch (aw_history_state (history, task)) {
    case AW_HISTORY_RUNNING:
        if (a->started)
            put_running (ex, a);
        else
            put_waiting (ex, task);
        break;
    case AW_HISTORY_UNSTARTED:
        put_waiting (ex, task);
        break;
    case AW_HISTORY_COMPLETED:
        aw_textbuf_printf (ex->out, "completed after %s",
                           aw_format_seconds (text, sizeof (text), aw_attempt_run_seconds (a)));
        break;
    case AW_HISTORY_FAILED:
        aw_failure_text (text, sizeof (text), a->status, a->code, a->signal, a->reason);
        aw_textbuf_puts (ex->out, "failed: ");
        aw_textbuf_plain (ex->out, text, strlen (text));
        break;
    case AW_HISTORY_CANCELLED:
        aw_textbuf_puts (ex->out, "cancelled");
        break;
    case AW_HISTORY_SKIPPED:
    case AW_HISTORY_STATES:
        aw_textbuf_puts (ex->out, aw_history_is_cancelled (history, task)
                                          && aw_explain_is_cancelled (ex, task)
                                      ? "cancelled before it started"
                                      : "skipped");
        break;
    }
}
