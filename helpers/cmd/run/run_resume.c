/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_resume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/run/run_change.h"
#include "coord/slurm/slurm_job.h"
#include "core/history/history.h"
#include "io/journal/run_dir.h"
#include "io/workflow/values.h"
#include "util/array.h"
#include "util/clock.h"

static void say (const char *text)
{
    fprintf (stderr, "async-workflow: %s\n", text);
}

/* Is there a log? Then tasks have been started. 0 or 1; -1: unknown. */
static int has_logs (const char *dir)
{
    char *path = aw_run_dir_path (dir, AW_RUN_LOGS);
    DIR *logs = path ? opendir (path) : NULL;
    struct dirent *entry;
    int found = 0;

    free (path);
    if (!logs)
        return path && errno == ENOENT ? 0 : -1;
    while (!found && (errno = 0, entry = readdir (logs)))
        found = strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0;
    if (!found && errno)
        found = -1;
    closedir (logs);
    return found;
}

/* Does the journal have its first line? If not, no task has been started, and the run may start
 * from the beginning. Only a journal that is missing, or was read to its end, says so. 0 or 1; -1
 * with text.
 */
static int has_begun (const char *journal, const char *dir, struct aw_error *err)
{
    char text[4096];
    int fd = open (journal, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), begun = 0;
    ssize_t n = -1;

    if (fd < 0 && errno == ENOENT)
        return has_logs (dir) == 0 ? 0
                                   : aw_error_set (err,
                                                   "%s: missing, but tasks have been started: "
                                                   "restore it, or begin a new run",
                                                   journal);
    while (fd >= 0 && !begun
           && ((n = read (fd, text, sizeof (text))) > 0 || (n < 0 && errno == EINTR)))
        begun = n > 0 && memchr (text, '\n', (size_t)n) != NULL;
    if (n < 0)
        aw_error_set (err, "%s: cannot be read: %s", journal, strerror (errno));
    if (fd >= 0)
        close (fd);
    return n < 0 ? -1 : begun;
}

struct folding {
    struct aw_history *history;
    struct aw_journal_header *header;
    struct aw_submission_list *submissions;
    double epoch; /* of the part of the run that is read; 0: that of the header */
};

static int replace (char **text, const char *by, struct aw_error *err)
{
    char *copy = by ? strdup (by) : NULL;

    if (by && !copy)
        return aw_error_set (err, "out of memory");
    if (copy) {
        free (*text);
        *text = copy;
    }
    return 0;
}

/* Each part of a run may have a mode and policy of its own. */
static int fold (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    struct folding *f = arg;

    if (ev->resume)
        f->epoch = ev->resume->epoch;
    if (ev->resume
        && (replace (&f->header->mode, ev->resume->mode, err) < 0
            || replace (&f->header->policy, ev->resume->policy, err) < 0))
        return -1;
    if (aw_history_handle (f->history, ev, err) < 0)
        return -1;
    aw_submission_list_event (f->submissions, ev,
                              (uint32_t)((f->epoch > 0 ? f->epoch : f->header->epoch) + ev->t));
    return 0;
}

/* Adds to OLD what tasks added to NEW: these sets are compared like all others. */
static int grow_as (struct aw_workflow *old, const struct aw_workflow *new, struct aw_error *err)
{
    struct aw_problems problems;
    int rc;

    aw_problems_init (&problems);
    rc = aw_workflow_add_all (old, new, &problems);
    if (rc < 0)
        aw_error_set (err, "%s", problems.n_items ? problems.items[0].text : "out of memory");
    aw_problems_finish (&problems);
    return rc;
}

/* t of the RESUME: the time passed by the wall clock, unless that is implausible. */
static double time_of_resume (const struct aw_run_resume *r, double last)
{
    double t = floor ((aw_clock_wall () - r->epoch) * 1e6) / 1e6;

    return r->epoch > 0 && t > last && t < 1e9 ? t : last;
}

/* Finds the tasks whose values have gone. 0, or -1 with text. */
static int find_dropped (struct aw_run_resume *r, struct aw_error *err)
{
    const struct aw_graph *graph = r->workflow->graph;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        const struct aw_values *values = r->workflow->recipes[s].values;

        for (uint32_t i = 0; values && i < graph->sets[s].count; i++) {
            if (!aw_values_is_missing (values, i))
                continue;
            if (i > 0 && aw_values_is_missing (values, i - 1)) {
                r->dropped[r->n_dropped - 1].last = i;
                continue;
            }
            if (aw_array_reserve (&r->dropped, &r->dropped_room, r->n_dropped + (size_t)1) < 0)
                return aw_error_set (err, "out of memory");
            r->dropped[r->n_dropped++] = (struct aw_indexes){ s, i, i };
        }
    }
    return 0;
}

static struct aw_event resume_event (const struct aw_run_resume *r, struct aw_resume *resume)
{
    *resume = (struct aw_resume){ .epoch = r->epoch,
                                  .workflow = r->digest[0] ? r->digest : NULL,
                                  .again = r->rerun,
                                  .dropped = r->dropped,
                                  .n_dropped = r->n_dropped };
    return (struct aw_event){ .type = AW_EVENT_RESUME, .t = r->state.t, .resume = resume };
}

/* Reads the journal with the workflow that the run continues with. OLD: the copy in the run
 * directory, if it differs; NULL: it is the same.
 */
static int read_journal (struct aw_run_resume *r,
                         const char *journal,
                         struct aw_workflow *old,
                         bool print,
                         struct aw_error *err)
{
    struct aw_history history;
    struct folding folding = { &history, &r->header, &r->submissions, 0 };
    struct aw_journal_reading reading = { .fn = fold, .arg = &folding, .changed = old != NULL };
    struct aw_resume resume;
    struct aw_event ev;
    int rc;

    r->submissions.workflow = r->workflow;
    if (aw_history_init (&history, r->workflow->graph, err) < 0)
        return -1;
    rc = aw_journal_read_workflow (journal, r->workflow, &reading, &r->header, err);
    if (rc == 0 && old)
        rc = grow_as (old, r->workflow, err);
    if (rc == 0 && old)
        rc = aw_run_resume_compare (r, old, &history, print, err);
    if (rc == 0)
        rc = find_dropped (r, err);
    if (rc == 0) {
        r->whole = history.exit_code == 0 && !old;
        r->epoch = isnan (history.epoch) ? r->header.epoch : history.epoch;
        r->state.t = time_of_resume (r, history.now);
        r->epoch = aw_clock_wall () - r->state.t;
        ev = resume_event (r, &resume);
        rc = fold (&folding, &ev, err);
    }
    if (rc == 0) {
        r->n_lost = history.gaps[history.n_gaps - 1].lost;
        rc = aw_resume_state_init (&r->state, &history, err);
    }
    aw_history_finish (&history);
    return rc;
}

/* Have both the same text and values? Without memory: no. */
static bool same (const struct aw_workflow *a, const struct aw_workflow *b)
{
    char x[20], y[20];

    return a->text_size == b->text_size && memcmp (a->text, b->text, a->text_size) == 0
           && aw_run_change_digest (a, x, NULL) == 0 && aw_run_change_digest (b, y, NULL) == 0
           && strcmp (x, y) == 0;
}

/* The copy at PATH with the VALUES of the run, as it would start in the environment of today. */
static struct aw_workflow *load_old (const char *path,
                                     const char *values,
                                     bool start,
                                     struct aw_problems *problems)
{
    const struct aw_workflow_input input = { .values = values,
                                             .values_alone = true,
                                             .start = start };

    return aw_workflow_load_with (path, &input, problems);
}

/* Loads the workflow to continue with into r->workflow, and the copy in the run directory, PATH,
 * into OLD if it differs. VALUES is the run's values file: they stay, but for sets whose "foreach"
 * has changed.
 */
static int load_workflow (struct aw_run_resume *r,
                          const struct aw_run_settings *settings,
                          const char *path,
                          const char *values,
                          struct aw_workflow **old,
                          struct aw_problems *problems)
{
    struct aw_workflow_input input = { .values = values,
                                       .new_values = settings->new_values,
                                       .directory = r->start_dir,
                                       .start = true,
                                       .parameters = &settings->parameters };
    bool changed;

    *old = load_old (path, values, true, problems);
    changed = !*old;
    if (changed) { /* the environment lacks a variable, or names other sources of values */
        aw_problems_finish (problems);
        *old = load_old (path, values, false, problems);
    }
    if (!*old)
        return -1;
    input.kept = &(*old)->given;
    if (settings->file || settings->parameters.n > 0 || settings->new_values || changed
        || (*old)->rewritten) {
        aw_problems_finish (problems); /* warnings of the old one */
        r->workflow =
            aw_workflow_load_with (settings->file ? settings->file : path, &input, problems);
    }
    else {
        r->workflow = *old;
        *old = NULL;
    }
    if (!r->workflow)
        return -1;
    if (*old && !(*old)->rewritten && same (*old, r->workflow)) {
        aw_workflow_destroy (*old);
        *old = NULL;
    }
    return 0;
}

static int find_workflow (struct aw_run_resume *r,
                          const struct aw_run_settings *settings,
                          struct aw_workflow **old,
                          struct aw_problems *problems)
{
    char *path = aw_run_dir_path (r->dir, AW_RUN_WORKFLOW);
    char *values = aw_run_dir_path (r->dir, AW_RUN_VALUES);
    int rc = -1;

    if (path && values)
        rc = load_workflow (r, settings, path, values, old, problems);
    else
        aw_problems_add (problems, false, "%s: out of memory", r->dir);
    free (path);
    free (values);
    return rc;
}

/* Sources of values are relative to where the run was started, which the journal's first line has.
 */
static void find_start (struct aw_run_resume *r, const char *journal)
{
    struct aw_journal_reading reading = { .only_header = true };
    struct aw_journal_header header = { 0 };

    if (aw_journal_read (journal, NULL, &reading, &header, NULL) == 0) {
        r->start_dir = header.directory;
        header.directory = NULL;
    }
    aw_journal_header_finish (&header);
}

static int load (struct aw_run_resume *r,
                 const struct aw_run_settings *settings,
                 const char *journal,
                 enum aw_resume_use use,
                 struct aw_problems *problems)
{
    struct aw_workflow *old = NULL;
    struct aw_error err = { "" };
    int rc = 0, begun;

    if (use == AW_RESUME_RUN) {
        r->lock = aw_run_lock_take (r->dir, aw_slurm_job_id (), say, &err);
        if (!r->lock) {
            aw_problems_add (problems, false, "%s", err.text);
            return -1;
        }
    }
    begun = has_begun (journal, r->dir, &err);
    r->begun = begun > 0;
    if (r->begun)
        find_start (r, journal);
    if (begun < 0
        || (r->begun && use == AW_RESUME_RUN && aw_run_change_finish (r->dir, journal, &err) < 0)
        || find_workflow (r, settings, &old, problems) < 0)
        rc = -1;
    else if (r->begun)
        rc = read_journal (r, journal, old, use != AW_RESUME_ELSEWHERE, &err);
    else if (old)
        rc = aw_run_change_digest (r->workflow, r->digest, &err);
    if (rc < 0 && err.text[0])
        aw_problems_add (problems, false, "%s", err.text);
    if (rc == 0 && use == AW_RESUME_TEST && aw_run_lock_is_held (r->dir))
        aw_problems_add (problems, true,
                         "%s: its coordinator is running: what follows is as if it ended now",
                         r->dir);
    aw_workflow_destroy (old);
    return rc;
}

int aw_run_resume_load (struct aw_run_resume *r,
                        const struct aw_run_settings *settings,
                        enum aw_resume_use use,
                        struct aw_problems *problems)
{
    const char *dir = settings->resume;
    char *journal;
    struct aw_error err;
    int rc = -1;

    memset (r, 0, sizeof (*r));
    r->dir = realpath (dir, NULL);
    if (!r->dir) {
        aw_problems_add (problems, false, "%s: %s", dir, strerror (errno));
        return -1;
    }
    journal = aw_run_dir_path (r->dir, AW_RUN_JOURNAL);
    if (!journal)
        aw_problems_add (problems, false, "%s: out of memory", dir);
    else if (aw_run_dir_check_workflow (dir, &err) < 0 || aw_run_dir_check_own (r->dir, &err) < 0
             || aw_run_dir_check_writable (r->dir, &err) < 0)
        aw_problems_add (problems, false, "%s", err.text);
    else
        rc = load (r, settings, journal, use, problems);
    free (journal);
    return rc;
}

void aw_run_resume_finish (struct aw_run_resume *r)
{
    aw_run_lock_release (r->lock);
    aw_workflow_destroy (r->workflow);
    aw_resume_state_finish (&r->state);
    aw_journal_header_finish (&r->header);
    aw_idset_finish (&r->rerun);
    aw_submission_list_finish (&r->submissions);
    free (r->dropped);
    free (r->start_dir);
    free (r->dir);
    memset (r, 0, sizeof (*r));
}

bool aw_run_resume_complete (const struct aw_run_resume *r)
{
    return r->begun && r->state.n_done + r->state.n_dropped == r->workflow->graph->n_tasks;
}

void aw_run_resume_print (const struct aw_run_resume *r)
{
    if (!r->begun)
        fprintf (stderr,
                 "async-workflow: %s: the run had not begun: starting it from the beginning\n",
                 r->dir);
    else if (aw_run_resume_complete (r) && r->state.n_ignored)
        fprintf (stderr,
                 "async-workflow: %s: all tasks have ended, %u failed and were ignored: nothing to "
                 "run\n",
                 r->dir, r->state.n_ignored);
    else if (aw_run_resume_complete (r))
        fprintf (stderr, "async-workflow: %s: all tasks are done: nothing to run\n", r->dir);
    else {
        fprintf (stderr, "async-workflow: %s: resuming: %u of %u task%s done", r->dir,
                 r->state.n_done - r->state.n_ignored, r->workflow->graph->n_tasks,
                 r->workflow->graph->n_tasks == 1 ? " is" : "s are");
        if (r->n_lost)
            fprintf (stderr, "; %u interrupted task%s start%s again", r->n_lost,
                     r->n_lost == 1 ? "" : "s", r->n_lost == 1 ? "s" : "");
        fprintf (stderr, "\n");
    }
}

/* Not even the first line is complete: the journal is created again. */
static int forget_journal (const char *path, struct aw_error *err)
{
    err->text[0] = '\0';
    if (unlink (path) < 0 && errno != ENOENT)
        return aw_error_set (err, "%s: %s", path, strerror (errno));
    return 0;
}

static struct aw_journal *reopen (struct aw_run_resume *r,
                                  const char *path,
                                  const char *job,
                                  const struct aw_sched_config *config,
                                  struct aw_error *err)
{
    struct aw_resume resume;
    struct aw_event ev = resume_event (r, &resume);
    struct aw_journal *journal;
    size_t lost;

    journal = aw_journal_reopen (path, r->workflow->graph, &lost, err);
    if (!journal)
        return NULL;
    if (lost)
        fprintf (stderr, "async-workflow: %s: the last line was incomplete: %zu bytes removed\n",
                 path, lost);
    resume.job = job;
    if (config) {
        resume.mode = aw_mode_name (config->mode);
        resume.policy = aw_policy_name (config->policy);
        resume.backlog = config->backlog;
    }
    if (aw_journal_append (journal, &ev, err) == 0 && aw_journal_sync (journal, err) == 0)
        return journal;
    aw_journal_close (journal, NULL);
    return NULL;
}

struct aw_journal *aw_run_resume_begin (struct aw_run_resume *r,
                                        const char *job,
                                        const struct aw_sched_config *config,
                                        struct aw_error *err)
{
    char *path = aw_run_dir_path (r->dir, AW_RUN_JOURNAL);
    struct aw_journal *journal = NULL;
    int rc;

    err->text[0] = '\0';
    if (!path) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    rc = r->digest[0] ? aw_run_change_write (r->dir, r->workflow, err) : 0;
    if (rc == 0 && r->begun) {
        journal = reopen (r, path, job, config, err);
        rc = journal ? 0 : -1;
    }
    if (rc == 0 && r->digest[0])
        rc = aw_run_change_place (r->dir, err);
    if (rc == 0 && !r->begun)
        rc = forget_journal (path, err);
    free (path);
    if (rc == 0)
        return journal;
    aw_journal_close (journal, NULL);
    return NULL;
}

int aw_run_resume_end (struct aw_run_resume *r, struct aw_error *err)
{
    struct aw_event ev = { .type = AW_EVENT_END, .t = r->state.t, .node = AW_NONE };
    struct aw_journal *journal;

    if (r->whole)
        return 0;
    journal = aw_run_resume_begin (r, NULL, NULL, err);
    if (!journal)
        return -1;
    if (aw_journal_append (journal, &ev, err) < 0) {
        aw_journal_close (journal, NULL);
        return -1;
    }
    return aw_journal_close (journal, err);
}
