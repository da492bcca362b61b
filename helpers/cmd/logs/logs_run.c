/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/logs/logs.h"
#include "io/journal/run_dir.h"
#include "util/array.h"

/* The workflow, and the first line of the journal. 0, or -1 with problems. */
static int load_head (struct aw_logs_run *run, const char *dir, struct aw_problems *problems)
{
    struct aw_journal_reading reading = { .only_header = true };
    struct aw_report *report = &run->report;
    char *workflow = aw_run_dir_path (dir, AW_RUN_WORKFLOW);
    char *journal = aw_run_dir_path (dir, AW_RUN_JOURNAL);
    struct aw_error err;
    int rc = -1;

    report->dir = strdup (dir);
    report->absolute = realpath (dir, NULL);
    if (!workflow || !journal || !report->dir)
        aw_problems_add (problems, false, "%s: out of memory", dir);
    else if (aw_run_dir_check_workflow (dir, &err) < 0)
        aw_problems_add (problems, false, "%s", err.text);
    else
        report->workflow = aw_workflow_load (workflow, problems);
    if (report->workflow) {
        rc = aw_journal_read (journal, report->workflow->graph, &reading, &report->header, &err);
        if (rc < 0)
            aw_problems_add (problems, false, "%s", err.text);
    }
    report->store = report->header.logs && strcmp (report->header.logs, AW_LOGS_STORE_NAME) == 0;
    free (workflow);
    free (journal);
    return rc;
}

int aw_logs_run_load (struct aw_logs_run *run, struct aw_problems *problems)
{
    struct aw_report report;

    if (aw_report_load (&report, run->report.dir, problems) < 0)
        return -1;
    aw_report_finish (&run->report);
    run->report = report;
    run->loaded = true;
    return 0;
}

int aw_logs_run_look_again (struct aw_logs_run *run, struct aw_error *err)
{
    if (!run->report.store)
        return 0;
    aw_log_store_close (run->store);
    run->store = aw_log_store_open (run->report.dir, err);
    return run->store ? 0 : -1;
}

int aw_logs_run_open (struct aw_logs_run *run,
                      const char *dir,
                      bool history,
                      struct aw_problems *problems)
{
    struct aw_error err;

    memset (run, 0, sizeof (*run));
    if (load_head (run, dir, problems) < 0)
        return -1;
    if ((history || !run->report.store) && aw_logs_run_load (run, problems) < 0)
        return -1;
    if (aw_logs_run_look_again (run, &err) == 0)
        return 0;
    aw_problems_add (problems, false, "%s", err.text);
    return -1;
}

void aw_logs_run_finish (struct aw_logs_run *run)
{
    aw_log_store_close (run->store);
    aw_report_finish (&run->report);
}

/*
 * Selection
 */

struct selection {
    struct aw_logs_run *run;
    bool failed;
    bool *taken; /* by task */
    struct aw_logs_tasks *tasks;
};

static int take (struct selection *s, uint32_t id)
{
    struct aw_logs_tasks *tasks = s->tasks;

    if (s->taken[id]
        || (s->failed && aw_history_state (&s->run->report.history, id) != AW_HISTORY_FAILED))
        return 0;
    if (aw_array_reserve (&tasks->ids, &tasks->room, tasks->n + 1) < 0)
        return -1;
    s->taken[id] = true;
    tasks->ids[tasks->n++] = id;
    return 0;
}

/* NAMED: a set, in one iteration or all, of one index or all. */
static int take_named (struct selection *s, struct aw_task named)
{
    const struct aw_graph *graph = s->run->report.workflow->graph;
    uint32_t iterations = named.set < graph->n_base ? graph->iterations : 1;
    uint32_t count = graph->sets[named.set].count;

    for (uint32_t it = 0; it < iterations; it++)
        for (uint32_t i = 0; i < count; i++) {
            const struct aw_task at = { it, named.set, i };

            if ((named.iteration == AW_NONE || named.iteration == it)
                && (named.index == AW_NONE || named.index == i)
                && take (s, aw_graph_task_id (graph, at)) < 0)
                return -1;
        }
    return 0;
}

static bool know_all (const struct aw_graph *graph, const struct aw_words *words)
{
    struct aw_task named;

    for (int i = 0; i < words->n; i++)
        if (aw_graph_tasks_parse (graph, words->words[i], &named) < 0)
            return false;
    return true;
}

static int take_words (struct selection *s,
                       const struct aw_words *words,
                       struct aw_problems *problems)
{
    const struct aw_graph *graph = s->run->report.workflow->graph;
    struct aw_task named;
    int rc = 0;

    for (uint32_t id = 0; rc == 0 && words->n == 0 && id < graph->n_tasks; id++)
        rc = take (s, id);
    for (int i = 0; rc == 0 && i < words->n; i++) {
        if (aw_graph_tasks_parse (graph, words->words[i], &named) < 0) {
            aw_problems_add (problems, false,
                             "%s: no such task: give a set, set[INDEX], set@ITERATION or "
                             "set@ITERATION[INDEX]",
                             words->words[i]);
            return -1;
        }
        rc = take_named (s, named);
    }
    if (rc < 0)
        aw_problems_add (problems, false, "%s: out of memory", s->run->report.dir);
    return rc;
}

int aw_logs_select (struct aw_logs_run *run,
                    const struct aw_words *words,
                    bool failed,
                    struct aw_logs_tasks *tasks,
                    struct aw_problems *problems)
{
    struct selection s = { run, failed, NULL, tasks };
    int rc;

    /* Tasks may have added what is not known yet. */
    if (!run->loaded && (words->n == 0 || !know_all (run->report.workflow->graph, words))
        && aw_logs_run_load (run, problems) < 0)
        return -1;
    s.taken = calloc (run->report.workflow->graph->n_tasks + (size_t)1, sizeof (*s.taken));
    if (!s.taken) {
        aw_problems_add (problems, false, "%s: out of memory", run->report.dir);
        return -1;
    }
    rc = take_words (&s, words, problems);
    free (s.taken);
    return rc;
}
