/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks of a set, or of one iteration of it; of sets that count as one. */
#include <string.h>

#include "cmd/explain/explain.h"

#include "util/units.h"

enum { MAX_LINES = 8 };

struct states {
    uint32_t n[AW_HISTORY_STATES];
    uint32_t tasks;
    uint32_t first[AW_HISTORY_STATES]; /* task; valid where n is not 0 */
};

static bool is_among (const struct aw_graph *graph, const struct aw_task *tasks, uint32_t task)
{
    struct aw_task at = aw_graph_task (graph, task);

    return graph->sets[at.set].group == graph->sets[tasks->set].group
           && (tasks->iteration == AW_NONE || at.iteration == tasks->iteration);
}

static void count (const struct aw_explain *ex, const struct aw_task *tasks, struct states *states)
{
    const struct aw_graph *graph = ex->report.workflow->graph;

    memset (states, 0, sizeof (*states));
    for (uint32_t task = 0; task < graph->n_tasks; task++) {
        enum aw_history_task state;

        if (!is_among (graph, tasks, task))
            continue;
        state = aw_history_state (&ex->report.history, task);
        if (states->n[state]++ == 0)
            states->first[state] = task;
        states->tasks++;
    }
}

static void put_counts (struct aw_textbuf *out, const struct states *states)
{
    static const char *const words[AW_HISTORY_STATES] = {
        [AW_HISTORY_UNSTARTED] = "not started", [AW_HISTORY_RUNNING] = "running",
        [AW_HISTORY_COMPLETED] = "completed",   [AW_HISTORY_FAILED] = "failed",
        [AW_HISTORY_CANCELLED] = "cancelled",   [AW_HISTORY_SKIPPED] = "skipped",
    };
    static const enum aw_history_task order[AW_HISTORY_STATES] = {
        AW_HISTORY_COMPLETED, AW_HISTORY_RUNNING, AW_HISTORY_UNSTARTED,
        AW_HISTORY_FAILED,    AW_HISTORY_SKIPPED, AW_HISTORY_CANCELLED,
    };
    const char *comma = "";

    for (int i = 0; i < AW_HISTORY_STATES; i++)
        if (states->n[order[i]]) {
            aw_textbuf_printf (out, "%s%u %s", comma, states->n[order[i]], words[order[i]]);
            comma = ", ";
        }
}

/* A line for each of the first tasks of that state. */
static void put_tasks (struct aw_explain *ex,
                       const struct aw_task *tasks,
                       const struct states *states,
                       enum aw_history_task state,
                       const char *title)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    uint32_t n = 0;

    if (states->n[state] == 0)
        return;
    aw_textbuf_puts (ex->out, title);
    for (uint32_t task = states->first[state]; task < graph->n_tasks && n < MAX_LINES; task++) {
        if (!is_among (graph, tasks, task) || aw_history_state (&ex->report.history, task) != state)
            continue;
        aw_textbuf_puts (ex->out, "  ");
        aw_explain_line (ex, task);
        aw_textbuf_putc (ex->out, '\n');
        n++;
    }
    if (states->n[state] > n)
        aw_textbuf_printf (ex->out, "  and %u more\n", states->n[state] - n);
}

void aw_explain_set (struct aw_explain *ex, const char *word, const struct aw_task *tasks)
{
    struct states states;

    count (ex, tasks, &states);
    aw_textbuf_plain (ex->out, word, strlen (word));
    aw_textbuf_printf (ex->out, ": %u task%s: ", states.tasks, aw_plural (states.tasks));
    put_counts (ex->out, &states);
    aw_textbuf_puts (ex->out, ".\n");
    put_tasks (ex, tasks, &states, AW_HISTORY_FAILED, "Failed:\n");
    put_tasks (ex, tasks, &states, AW_HISTORY_RUNNING, "Running:\n");
    if (states.n[AW_HISTORY_UNSTARTED] && ex->open) {
        aw_textbuf_puts (ex->out, "The first that has not started:\n");
        aw_explain_task (ex, states.first[AW_HISTORY_UNSTARTED]);
    }
    if (states.n[AW_HISTORY_SKIPPED]) {
        aw_textbuf_puts (ex->out, "The first that was skipped:\n");
        aw_explain_task (ex, states.first[AW_HISTORY_SKIPPED]);
    }
}
