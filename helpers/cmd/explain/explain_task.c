/* SPDX-License-Identifier: Apache-2.0 */
/* All about one task. */
#include <math.h>
#include <string.h>

#include "cmd/explain/explain.h"
#include "io/workflow/values.h"
#include "util/units.h"

static void put_text (struct aw_explain *ex, const char *text)
{
    aw_textbuf_plain (ex->out, text, strlen (text));
}

static void put_seconds (struct aw_explain *ex, double seconds)
{
    char text[32];

    aw_textbuf_puts (ex->out, aw_format_seconds (text, sizeof (text), seconds));
}

/* Who holds what the task lacks, on the node where it will fit first. */
static void put_holders (struct aw_explain *ex, uint32_t node)
{
    const struct aw_sched *sched = ex->replay.sched;
    uint32_t cursor = 0, n = 0;
    struct aw_event ev;

    aw_textbuf_puts (ex->out, "What runs there:\n");
    while (aw_sched_running (sched, &cursor, &ev)) {
        bool there = ev.node == node;

        for (uint32_t i = 0; i < ev.n_more; i++)
            there |= ev.more[i].node == node;
        if (!there)
            continue;
        if (++n > 8)
            continue;
        aw_textbuf_puts (ex->out, "  ");
        aw_explain_line (ex, ev.task);
        aw_textbuf_putc (ex->out, '\n');
    }
    if (n > 8)
        aw_textbuf_printf (ex->out, "  and %u more\n", n - 8);
    if (n == 0)
        aw_textbuf_puts (ex->out, "  nothing\n");
}

/* How many messages of each topic have come, and how many it needs. */
static void put_messages (struct aw_explain *ex, uint32_t task)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    const struct aw_history *history = &ex->report.history;
    struct aw_task at = aw_graph_task (graph, task);
    const struct aw_set *set = &graph->sets[at.set];

    for (uint32_t i = 0; i < set->n_message_dependencies; i++) {
        const struct aw_message_dependency *dep = &set->message_dependencies[i];
        uint64_t came = dep->topic < history->n_topics ? history->messages[dep->topic] : 0;
        uint64_t tasks = dep->every ? (uint64_t)at.iteration * set->count + at.index + 1
                                    : at.iteration + (uint64_t)1;
        uint64_t needs = tasks * dep->count;

        if (came >= needs)
            continue;
        aw_textbuf_puts (ex->out, "  on topic ");
        put_text (ex, graph->topics[dep->topic]);
        aw_textbuf_printf (ex->out, ": %llu of %llu have come\n", (unsigned long long)came,
                           (unsigned long long)needs);
    }
}

/* The expected start, and how that is known. */
static void put_expected (struct aw_explain *ex, uint32_t task)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    double start = ex->ahead.start[task];
    char when[64], at[32];

    if (ex->ahead.unknown != AW_NONE) {
        aw_textbuf_printf (ex->out,
                           "Its start cannot be predicted: no duration is known for %s yet "
                           "(give \"duration\", or wait for the first task to end).\n",
                           aw_graph_label (graph, ex->ahead.unknown));
        return;
    }
    if (isnan (start)) {
        aw_textbuf_puts (ex->out, "By the model it does not start any more.\n");
        return;
    }
    aw_textbuf_printf (ex->out, "Expected to start %s",
                       aw_explain_when (ex, start, when, sizeof (when)));
    if (start > ex->report.history.now)
        aw_textbuf_printf (ex->out, ", %s after the run's start",
                           aw_format_seconds (at, sizeof (at), start));
    aw_textbuf_puts (ex->out, " (simulated with the durations known now).\n");
}

static void explain_waiting (struct aw_explain *ex, uint32_t task)
{
    struct aw_reason reason;
    char when[64];

    aw_explain_why (ex, task, &reason);
    aw_textbuf_puts (ex->out, "waiting: ");
    aw_explain_reason (ex, task, &reason);
    aw_textbuf_puts (ex->out, ".\n");
    switch (reason.why) {
    case AW_WHY_PREDECESSORS:
        aw_textbuf_puts (ex->out, "It waits\n");
        aw_explain_predecessors (ex, task);
        break;
    case AW_WHY_MESSAGES:
        put_messages (ex, task);
        break;
    case AW_WHY_ROOM:
        if (isfinite (reason.t))
            aw_textbuf_printf (ex->out, "Running tasks are expected to leave it room %s.\n",
                               aw_explain_when (ex, reason.t, when, sizeof (when)));
        if (reason.node != AW_NO_NODE)
            put_holders (ex, reason.node);
        break;
    default:
        break;
    }
    if (reason.before)
        aw_textbuf_printf (ex->out, "%u ready task%s before it in the order (%s).\n", reason.before,
                           reason.before == 1 ? " comes" : "s come",
                           aw_policy_name (ex->replay.config.policy));
    if (reason.why != AW_WHY_STOPPED && reason.why != AW_WHY_NEVER)
        put_expected (ex, task);
}

static void put_attempt (struct aw_explain *ex, const struct aw_attempt *a)
{
    const char *node = ex->report.history.nodes[a->node].name;
    char how[256];

    aw_failure_text (how, sizeof (how), a->status, a->code, a->signal, a->reason);
    aw_textbuf_printf (ex->out, "attempt %u: ", a->attempt + 1);
    put_text (ex, a->status == AW_STATUS_COMPLETED ? "completed" : how);
    aw_textbuf_puts (ex->out, " after ");
    put_seconds (ex, a->started ? a->seconds : 0);
    aw_textbuf_puts (ex->out, " on ");
    put_text (ex, node);
}

/* The attempts before the last one, the newest first. */
static void put_earlier (struct aw_explain *ex, const struct aw_attempt *a)
{
    while (a->previous != AW_NONE) {
        a = &ex->report.history.attempts[a->previous];
        aw_textbuf_puts (ex->out, "  ");
        if (isnan (a->finish))
            aw_textbuf_printf (ex->out, "attempt %u: lost when the run was interrupted",
                               a->attempt + 1);
        else
            put_attempt (ex, a);
        aw_textbuf_putc (ex->out, '\n');
    }
}

static void put_quoted (struct aw_explain *ex, const char *text)
{
    while (text && *text) {
        size_t n = strcspn (text, "\n");

        aw_textbuf_puts (ex->out, "  | ");
        aw_textbuf_put (ex->out, text, n);
        aw_textbuf_putc (ex->out, '\n');
        text += n + (text[n] == '\n');
    }
}

static void put_tail (struct aw_explain *ex, const struct aw_attempt *a)
{
    struct aw_tail tail;
    const char *where;

    aw_tail_load (&ex->report, a, AW_TAIL_LINES, &tail);
    where = tail.path ? tail.path : tail.command;
    if (tail.text) {
        aw_textbuf_puts (ex->out, tail.cut ? "The end of its stderr" : "Its stderr");
        put_text (ex, where ? " (" : "");
        put_text (ex, where ? where : "");
        put_text (ex, where ? "):\n" : ":\n");
        put_quoted (ex, tail.text);
    }
    else if (where) {
        aw_textbuf_puts (ex->out, "Its stderr is empty or missing: ");
        put_text (ex, where);
        aw_textbuf_putc (ex->out, '\n');
    }
    aw_tail_finish (&tail);
}

static void explain_failed (struct aw_explain *ex, uint32_t task, const struct aw_attempt *a)
{
    uint32_t n = aw_explain_count_skipped (ex, task);

    aw_textbuf_puts (ex->out, "failed, ");
    put_attempt (ex, a);
    aw_textbuf_puts (ex->out, ".\n");
    put_earlier (ex, a);
    put_tail (ex, a);
    if (n)
        aw_textbuf_printf (ex->out, "%u task%s skipped because of it.\n", n,
                           n == 1 ? " was" : "s were");
}

/* Why nothing that the task depends on is the reason. */
static const char *reason_of_its_own (const struct aw_explain *ex, uint32_t task)
{
    const struct aw_workflow *workflow = ex->report.workflow;
    struct aw_task t = aw_graph_task (workflow->graph, task);
    const struct aw_values *values = workflow->recipes[t.set].values;

    if (aw_explain_is_cancelled (ex, task))
        return "it was cancelled before it started";
    if (!values || !aw_values_is_missing (values, t.index))
        return "messages that it waited for did not come";
    return aw_values_is_list (values) ? "its line is no longer in the list"
                                      : "its values have gone from their source";
}

static void explain_skipped (struct aw_explain *ex, uint32_t task)
{
    uint32_t cause = aw_explain_broken (ex, task), next;
    uint32_t goal = aw_history_last_iteration (&ex->report.history);

    aw_textbuf_puts (ex->out, "skipped");
    if (aw_graph_task (ex->report.workflow->graph, task).iteration > goal) {
        aw_textbuf_printf (ex->out, ": not needed, iteration %u reached the goal (\"until\").\n",
                           goal);
        return;
    }
    if (cause == AW_NONE) {
        aw_textbuf_printf (ex->out, ": %s.\n", reason_of_its_own (ex, task));
        return;
    }
    for (int i = 0; i < 100000 && (next = aw_explain_broken (ex, cause)) != AW_NONE
                    && aw_history_state (&ex->report.history, cause) == AW_HISTORY_SKIPPED;
         i++)
        cause = next;
    aw_textbuf_puts (ex->out, ", because of ");
    aw_explain_line (ex, cause);
    aw_textbuf_putc (ex->out, '\n');
}

/* What the start waited for, in the past: the wait for resources after all else was there. */
static void put_past (struct aw_explain *ex, const struct aw_attempt *a)
{
    if (isnan (a->ready) || !a->started)
        return;
    aw_textbuf_puts (ex->out, "It was ready ");
    put_seconds (ex, a->ready);
    aw_textbuf_puts (ex->out, " after the run's start, and waited ");
    put_seconds (ex, a->start - a->ready);
    aw_textbuf_puts (ex->out, " for CPUs, GPUs or data.\n");
}

static void explain_completed (struct aw_explain *ex, const struct aw_attempt *a)
{
    aw_textbuf_puts (ex->out, "completed, ");
    put_attempt (ex, a);
    aw_textbuf_puts (ex->out, ".\n");
    put_earlier (ex, a);
    put_past (ex, a);
}

static void explain_running (struct aw_explain *ex, uint32_t task, const struct aw_attempt *a)
{
    aw_explain_line (ex, task);
    aw_textbuf_puts (ex->out, ".\n");
    put_earlier (ex, a);
    put_past (ex, a);
}

void aw_explain_task (struct aw_explain *ex, uint32_t task)
{
    const struct aw_history *history = &ex->report.history;
    enum aw_history_task state = aw_history_state (history, task);
    const struct aw_attempt *a = aw_history_last (history, task);
    bool waits = state == AW_HISTORY_UNSTARTED || (state == AW_HISTORY_RUNNING && !a->started);
    char name[AW_NAME_SIZE];

    if (state == AW_HISTORY_RUNNING && a->started) {
        explain_running (ex, task, a);
        return;
    }
    aw_textbuf_printf (ex->out, "%s: ", aw_explain_name (ex, task, name));
    if (waits && ex->open)
        explain_waiting (ex, task);
    else if (waits)
        aw_textbuf_printf (ex->out, "not started: %s.\n",
                           ex->closed.text[0] ? ex->closed.text : "the run had ended before");
    else if (state == AW_HISTORY_FAILED)
        explain_failed (ex, task, a);
    else if (state == AW_HISTORY_SKIPPED)
        explain_skipped (ex, task);
    else if (state == AW_HISTORY_CANCELLED)
        aw_textbuf_puts (ex->out, "cancelled.\n");
    else
        explain_completed (ex, a);
}
