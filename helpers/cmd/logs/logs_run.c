/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cmd/logs/logs.h"
#include "io/journal/run_dir.h"
#include "io/journal/run_workflow.h"
#include "io/workflow/task_label.h"
#include "util/array.h"

/* The workflow, and the first line of the journal. 0, or -1 with problems. */
static int load_head (struct aw_logs_run *run, const char *dir, struct aw_problems *problems)
{
    struct aw_journal_reading reading = { .only_header = true };
    struct aw_report *report = &run->report;
    char *journal = aw_run_dir_path (dir, AW_RUN_JOURNAL);
    struct aw_error err;
    int rc = -1;

    report->dir = strdup (dir);
    report->absolute = realpath (dir, NULL);
    if (!journal || !report->dir)
        aw_problems_add (problems, false, "%s: out of memory", dir);
    else if (aw_run_dir_check_workflow (dir, &err) < 0)
        aw_problems_add (problems, false, "%s", err.text);
    else
        report->workflow = aw_run_workflow_load (dir, problems);
    if (report->workflow) {
        rc = aw_journal_read (journal, report->workflow->graph, &reading, &report->header, &err);
        if (rc < 0)
            aw_problems_add (problems, false, "%s", err.text);
    }
    report->store = report->header.logs && strcmp (report->header.logs, AW_LOGS_STORE_NAME) == 0;
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
    if (!run->report.store && !run->report.workflow->graph->workers)
        return 0;
    if (run->store)
        return aw_log_store_look_again (run->store, err);
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
    bool failed_to_take; /* out of memory */
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

static void take_all (void *arg, uint32_t task, uint32_t count)
{
    struct selection *s = arg;

    for (uint32_t id = task; id - task < count; id++)
        if (take (s, id) < 0)
            s->failed_to_take = true;
}

static void take_none (void *arg, uint32_t task, uint32_t count)
{
    (void)arg;
    (void)task;
    (void)count;
}

static bool know_all (const struct aw_workflow *workflow, const struct aw_words *words)
{
    for (int i = 0; i < words->n; i++)
        if (aw_tasks_select (workflow, words->words[i], take_none, NULL) < 0)
            return false;
    return true;
}

static int take_words (struct selection *s,
                       const struct aw_words *words,
                       struct aw_problems *problems)
{
    const struct aw_workflow *workflow = s->run->report.workflow;
    int rc = 0;

    for (uint32_t id = 0; rc == 0 && words->n == 0 && id < workflow->graph->n_tasks; id++)
        rc = take (s, id);
    for (int i = 0; rc == 0 && i < words->n; i++) {
        if (aw_tasks_select (workflow, words->words[i], take_all, s) < 0) {
            if (!aw_tasks_report_values (workflow, words->words[i], problems))
                aw_problems_add (problems, false,
                                 "%s: no such task: give a set, set[INDEX], set[VARIABLE=VALUE], "
                                 "set@ITERATION or set@ITERATION[INDEX]",
                                 words->words[i]);
            return -1;
        }
        rc = s->failed_to_take ? -1 : 0;
    }
    if (rc < 0)
        aw_problems_add (problems, false, "%s: out of memory", s->run->report.dir);
    return rc;
}

/* Numbers of attempts, which the names of files have, stand in the journal alone. */
static int know_attempts (struct aw_logs_run *run,
                          const struct aw_logs_tasks *tasks,
                          struct aw_problems *problems)
{
    for (size_t i = 0; !run->loaded && i < tasks->n; i++)
        for (int s = 0; s < AW_STREAMS; s++)
            if (!aw_report_is_stored (&run->report, tasks->ids[i], (enum aw_stream)s))
                return aw_logs_run_load (run, problems);
    return 0;
}

int aw_logs_select (struct aw_logs_run *run,
                    const struct aw_words *words,
                    bool failed,
                    struct aw_logs_tasks *tasks,
                    struct aw_problems *problems)
{
    struct selection s = { run, failed, NULL, false, tasks };
    int rc;

    /* Tasks may have added what is not known yet. */
    if (!run->loaded && (words->n == 0 || !know_all (run->report.workflow, words))
        && aw_logs_run_load (run, problems) < 0)
        return -1;
    s.taken = calloc (run->report.workflow->graph->n_tasks + (size_t)1, sizeof (*s.taken));
    if (!s.taken) {
        aw_problems_add (problems, false, "%s: out of memory", run->report.dir);
        return -1;
    }
    rc = take_words (&s, words, problems);
    free (s.taken);
    return rc < 0 ? rc : know_attempts (run, tasks, problems);
}
