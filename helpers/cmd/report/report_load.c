/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a run directory. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/report/report.h"
#include "io/journal/run_dir.h"
#include "io/journal/run_lock.h"
#include "io/journal/run_workflow.h"
#include "util/clock.h"

/* Who gets the events, after the history. */
struct folding {
    struct aw_report *report;
    aw_report_event_fn *fn; /* NULL: nobody else */
    void *arg;
};

static int fold (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    struct folding *f = arg;
    int rc = aw_history_handle (&f->report->history, ev, err);

    return rc == 0 && f->fn ? f->fn (f->arg, f->report, ev, err) : rc;
}

static void note_state (struct aw_report *report,
                        const struct aw_journal_reading *reading,
                        bool held)
{
    report->torn = reading->torn;
    report->live = held && report->history.exit_code < 0;
}

static int load_journal (struct folding *folding, const char *path, struct aw_error *err)
{
    struct aw_report *report = folding->report;
    struct aw_journal_reading reading = { .fn = fold, .arg = folding };
    bool held;

    if (aw_history_init (&report->history, report->workflow->graph, err) < 0)
        return -1;
    /* Before reading: an end that comes in between is read then. */
    held = aw_run_lock_is_held (report->dir);
    report->follow = aw_journal_follow (path, report->workflow, &reading, &report->header, err);
    if (!report->follow)
        return -1;
    report->store = report->header.logs && strcmp (report->header.logs, AW_LOGS_STORE_NAME) == 0;
    note_state (report, &reading, held);
    if (report->header.name) { /* the copy of the workflow file may have lost its name */
        char *copy = report->workflow->name;
        report->workflow->name = report->header.name;
        report->header.name = copy;
    }
    report->predicted = report->header.outlook.makespan > 0 ? report->header.outlook.makespan : NAN;
    return 0;
}

/* During the run, "now" is the time of day, not that of the last event. */
static void advance (struct aw_report *report)
{
    double epoch = isnan (report->history.epoch) ? report->header.epoch : report->history.epoch;
    double now = aw_clock_wall () - epoch;

    report->last = report->history.now;
    if (report->live && epoch > 0 && now > report->history.now)
        report->history.now = now;
}

static int choose_shown (struct aw_report *report)
{
    const struct aw_graph *graph = report->workflow->graph;

    report->n_shown = 0;
    report->shown = calloc (graph->n_sets + (size_t)1, sizeof (*report->shown));
    for (uint32_t i = 0; report->shown && i < graph->n_sets; i++)
        if (aw_graph_is_shown (graph, i))
            report->shown[report->n_shown++] = i;
    return report->shown ? 0 : -1;
}

int aw_report_summarize (struct aw_report *report, struct aw_error *err)
{
    free (report->sets);
    free (report->shown);
    free (report->chain);
    report->shown = NULL;
    report->chain = NULL;
    report->n_chain = 0;
    report->sets = calloc (report->workflow->graph->n_sets + (size_t)1, sizeof (*report->sets));
    if (!report->sets || choose_shown (report) < 0
        || aw_history_chain (&report->history, &report->chain, &report->n_chain) < 0)
        return aw_error_set (err, "%s: out of memory", report->dir);
    aw_history_summary (&report->history, &report->summary);
    aw_history_sets (&report->history, report->sets);
    return 0;
}

/* Says that a directory is not a run directory, rather than that a file in it is missing. */
static int check_directory (const char *dir, struct aw_problems *problems)
{
    struct aw_error err;

    if (aw_run_dir_check_workflow (dir, &err) < 0)
        aw_problems_add (problems, false, "%s", err.text);
    else if (access (dir, R_OK | X_OK) < 0)
        aw_problems_add (problems, false, "%s: %s", dir, strerror (errno));
    else
        return 0;
    return -1;
}

int aw_report_load_by (struct aw_report *report,
                       const char *dir,
                       aw_report_event_fn *fn,
                       void *arg,
                       struct aw_problems *problems)
{
    struct folding folding = { report, fn, arg };
    char *journal = aw_run_dir_path (dir, AW_RUN_JOURNAL);
    struct aw_error err = { "" };
    int rc = -1;

    memset (report, 0, sizeof (*report));
    report->dir = strdup (dir);
    report->absolute = realpath (dir, NULL);
    if (!journal || !report->dir)
        aw_problems_add (problems, false, "%s: out of memory", dir);
    else if (check_directory (dir, problems) == 0)
        report->workflow = aw_run_workflow_load (dir, problems);
    if (report->workflow) {
        rc = load_journal (&folding, journal, &err);
        if (rc == 0) {
            advance (report);
            rc = aw_report_summarize (report, &err);
        }
        if (rc < 0)
            aw_problems_add (problems, false, "%s", err.text);
    }
    if (rc < 0)
        aw_report_finish (report);
    free (journal);
    return rc;
}

int aw_report_refresh (struct aw_report *report,
                       aw_report_event_fn *fn,
                       void *arg,
                       struct aw_error *err)
{
    struct folding folding = { report, fn, arg };
    struct aw_journal_reading reading = { .fn = fold, .arg = &folding };
    bool held = aw_run_lock_is_held (report->dir), ended = report->history.exit_code >= 0;

    report->history.now = report->last; /* events to come may be a little older than now */
    if (aw_journal_follow_more (report->follow, &reading, err) < 0)
        return -1;
    note_state (report, &reading, held);
    advance (report);
    return ended || report->history.exit_code < 0 ? 0 : aw_report_summarize (report, err);
}

int aw_report_load (struct aw_report *report, const char *dir, struct aw_problems *problems)
{
    return aw_report_load_by (report, dir, NULL, NULL, problems);
}

void aw_report_finish (struct aw_report *report)
{
    free (report->dir);
    free (report->absolute);
    free (report->sets);
    free (report->shown);
    free (report->chain);
    aw_journal_follow_close (report->follow);
    aw_history_finish (&report->history);
    aw_journal_header_finish (&report->header);
    aw_workflow_destroy (report->workflow);
    memset (report, 0, sizeof (*report));
}

enum aw_outcome aw_report_outcome (const struct aw_report *report)
{
    const struct aw_summary *sum = &report->summary;

    if (report->history.exit_code < 0)
        return report->live ? AW_OUTCOME_RUNNING : AW_OUTCOME_INTERRUPTED;
    if (report->history.exit_code == 0)
        return AW_OUTCOME_COMPLETED; /* any failure had on_failure "continue" */
    if (sum->failed || sum->skipped)
        return AW_OUTCOME_FAILED;
    return sum->unstarted || sum->cancelled || sum->running ? AW_OUTCOME_STOPPED
                                                            : AW_OUTCOME_COMPLETED;
}

uint32_t aw_report_assigned (const struct aw_report *report)
{
    return aw_report_outcome (report) == AW_OUTCOME_RUNNING ? report->history.n_assigned : 0;
}

const char *aw_outcome_name (enum aw_outcome outcome)
{
    static const char *const names[] = {
        [AW_OUTCOME_COMPLETED] = "completed",     [AW_OUTCOME_FAILED] = "failed",
        [AW_OUTCOME_STOPPED] = "stopped",         [AW_OUTCOME_RUNNING] = "running",
        [AW_OUTCOME_INTERRUPTED] = "interrupted",
    };

    return names[outcome];
}

size_t aw_report_failures (const struct aw_report *report, uint32_t *attempts, size_t max)
{
    const struct aw_history *history = &report->history;
    size_t n = 0;

    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        if (aw_history_last (history, a->task) != a
            || aw_history_state (history, a->task) != AW_HISTORY_FAILED)
            continue;
        if (n < max)
            attempts[n] = (uint32_t)i;
        n++;
    }
    return n;
}
