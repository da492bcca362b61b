/* SPDX-License-Identifier: Apache-2.0 */
/* explain D [TASK]: says why, from the journal in a run directory alone. */
#include "cmd/explain/explain.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/command.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/task_label.h"

struct arguments {
    const char *dir;
    struct aw_words tasks;
};

static const struct aw_arguments line = {
    .words = "DIR [TASK...]",
    .doc =
        "Explain the run in run directory DIR, during the run or after its end: what limits it, "
        "what its end depends on, where its time went. With TASK: why that task waits, failed or "
        "was skipped."
        "\vTASK is a set (\"align\"), one iteration of it (\"align@2\"), or a task "
        "(\"align[3]\", \"align@2[3]\").",
    .offset = offsetof (struct arguments, dir),
    .more = offsetof (struct arguments, tasks),
    .missing = "no run directory given",
};

int aw_explain_ask (struct aw_explain *ex)
{
    enum aw_outcome outcome = aw_report_outcome (&ex->report);

    ex->open = false;
    if ((outcome != AW_OUTCOME_RUNNING && outcome != AW_OUTCOME_INTERRUPTED)
        || aw_replay_now (&ex->replay, &ex->report, &ex->closed) < 0)
        return 0;
    ex->open = aw_ahead_init (&ex->ahead, ex->replay.sched, &ex->closed) == 0;
    return ex->open ? 0 : -1;
}

/* Loads run directory DIR. 0, or -1 with problems. finish in any case. */
static int load_run (struct aw_explain *ex, const char *dir, struct aw_problems *problems)
{
    memset (ex, 0, sizeof (*ex));
    if (aw_report_load_by (&ex->report, dir, aw_replay_event, &ex->replay, problems) < 0)
        return -1;
    if (aw_explain_ask (ex) == 0)
        return 0;
    aw_problems_add (problems, false, "%s: %s", dir, ex->closed.text);
    return -1;
}

static void finish (struct aw_explain *ex)
{
    aw_ahead_finish (&ex->ahead);
    aw_replay_finish (&ex->replay);
    if (ex->report.workflow)
        aw_report_finish (&ex->report);
}

/* Tasks that were selected by their values. */
static void explain_tasks (void *arg, uint32_t task, uint32_t count)
{
    struct aw_explain *ex = arg;

    for (uint32_t id = task; id - task < count; id++) {
        if (ex->out->len > 0)
            aw_textbuf_putc (ex->out, '\n');
        aw_explain_task (ex, id);
    }
}

/* The first of the submitted sets with the name WORD, which count as one; AW_NONE: none has it. */
static uint32_t find_submitted (const struct aw_graph *graph, const char *word)
{
    uint32_t set = 0;

    while (set < graph->n_sets
           && !(graph->sets[set].label && strcmp (graph->sets[set].label, word) == 0))
        set++;
    return set < graph->n_sets ? set : AW_NONE;
}

/* 0, or -1 with a problem: there is no such task. */
static int explain_word (struct aw_explain *ex, const char *word, struct aw_problems *problems)
{
    const struct aw_graph *graph = ex->report.workflow->graph;
    struct aw_task tasks;

    if (aw_graph_tasks_parse (graph, word, &tasks) < 0) {
        tasks = (struct aw_task){ .iteration = 0, .set = find_submitted (graph, word) };
        if (tasks.set != AW_NONE) {
            aw_explain_set (ex, word, &tasks);
            return 0;
        }
        if (aw_tasks_select (ex->report.workflow, word, explain_tasks, ex) == 0)
            return 0;
        if (!aw_tasks_report_values (ex->report.workflow, word, problems))
            aw_problems_add (problems, false,
                             "%s: no such task in %s: give a set, set@iteration, set[index], "
                             "set@iteration[index] or set[variable=value]; the sets are listed by "
                             "\"async-workflow status\"",
                             word, ex->report.dir);
        return -1;
    }
    if (tasks.iteration == AW_NONE && aw_graph_iterations (graph, tasks.set) == 1)
        tasks.iteration = 0;
    if (tasks.index == AW_NONE && graph->sets[tasks.set].count == 1)
        tasks.index = 0;
    if (tasks.iteration != AW_NONE && tasks.index != AW_NONE)
        aw_explain_task (ex, aw_graph_task_id (graph, tasks));
    else
        aw_explain_set (ex, word, &tasks);
    return 0;
}

/* An interrupted run is explained as it stood. */
static void put_interrupted (struct aw_explain *ex)
{
    if (aw_report_outcome (&ex->report) != AW_OUTCOME_INTERRUPTED)
        return;
    aw_textbuf_puts (
        ex->out,
        "No coordinator is running: this is how the run stood. Continue it with --resume=");
    aw_shell_quote_shown (ex->out, ex->report.dir);
    aw_textbuf_putc (ex->out, '\n');
}

static int explain (struct aw_explain *ex,
                    const struct arguments *args,
                    struct aw_problems *problems)
{
    put_interrupted (ex);
    if (args->tasks.n == 0) {
        aw_explain_run (ex);
        if (aw_report_write_out (ex->out, problems) < 0)
            return -1;
        if (!ex->open)
            aw_explain_gain (ex);
    }
    for (int i = 0; i < args->tasks.n; i++) {
        if (i > 0)
            aw_textbuf_putc (ex->out, '\n');
        if (explain_word (ex, args->tasks.words[i], problems) < 0)
            return -1;
    }
    return aw_report_write_out (ex->out, problems);
}

static int run (int argc, char **argv)
{
    struct arguments args = { 0 };
    struct aw_textbuf out = { 0 };
    struct aw_problems problems;
    struct aw_explain ex;
    int code = AW_EXIT_INPUT;

    aw_arguments_parse (&line, argc, argv, &args);
    aw_problems_init (&problems);
    if (load_run (&ex, args.dir, &problems) == 0) {
        ex.out = &out;
        if (explain (&ex, &args, &problems) == 0)
            code = AW_EXIT_OK;
    }
    aw_problems_print (&problems, stderr);
    finish (&ex);
    aw_textbuf_finish (&out);
    aw_problems_finish (&problems);
    return code;
}

const struct aw_command aw_command_explain = {
    .name = "explain",
    .summary = "say why tasks wait or failed, and what limits a run",
    .run = run,
};
