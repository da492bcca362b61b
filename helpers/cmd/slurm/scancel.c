/* SPDX-License-Identifier: Apache-2.0 */
/* scancel: cancels submitted tasks, by ids and filters. It never reaches the real one: in a task
 * `scancel -u $USER` would end the allocation, and with it the task.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/slurm/options.h"
#include "cmd/slurm/selection.h"
#include "cmd/slurm/slurm.h"

enum { USER, ME, STATES, NAME, QUIET, VERSION, SIGNAL, TAKEN };

#define ROW(what, word, short, argument)                 \
    {                                                    \
        word, short, argument, { AW_SLURM_##what }, NULL \
    }

static const struct aw_slurm_option table[] = {
    [USER] = ROW (TAKEN, "user", 'u', '='),
    [ME] = ROW (TAKEN, "me", 0, 0),
    [STATES] = ROW (TAKEN, "state", 't', '='),
    [NAME] = ROW (TAKEN, "name", 'n', '='),
    [QUIET] = ROW (TAKEN, "quiet", 'Q', 0),
    [VERSION] = ROW (TAKEN, "version", 'V', 0),
    [SIGNAL] = ROW (TAKEN, "signal", 's', '='),
    ROW (TAKEN, "jobname", 0, '='), /* -n of old */
    ROW (NOTHING, "partition", 'p', '='),
    ROW (NOTHING, "account", 'A', '='),
    ROW (NOTHING, "qos", 'q', '='),
    ROW (NOTHING, "clusters", 'M', '='),
    ROW (NOTHING, "full", 'f', 0),
    ROW (NOTHING, "verbose", 'v', 0),
    ROW (NOTHING, "ctld", 0, 0),
    ROW (NOTHING, "hurry", 'H', 0),
    ROW (REFUSED, "batch", 'b', 0),
    ROW (REFUSED, "interactive", 'i', 0),
    ROW (REFUSED, "nodelist", 'w', '='),
    ROW (REFUSED, "reservation", 'R', '='),
    ROW (REFUSED, "wckey", 0, '='),
    ROW (REFUSED, "sibling", 0, '='),
    ROW (REFUSED, "cron", 0, 0),
    /* End of options */
};

static bool has_ended (const struct aw_job *job)
{
    return strchr ("WPR", job->state) == NULL;
}

static int cancel (struct aw_connection *aw, const struct aw_job *job)
{
    char id[24];

    snprintf (id, sizeof (id), "%llu", (unsigned long long)job->id);
    return aw_cancel (aw, id, 0, -1) == 0 ? 0 : aw_slurm_error ("%s: %s", id, aw_error_text (aw));
}

/* Cancels what is selected. 0, or -1, printed. */
static int cancel_all (struct aw_connection *aw,
                       const struct aw_selection *s,
                       const struct aw_job_list *list)
{
    int rc = 0;

    for (size_t i = 0; i < list->n; i++)
        if (!has_ended (&list->jobs[i]) && aw_selection_has (s, &list->jobs[i])
            && cancel (aw, &list->jobs[i]) < 0)
            rc = -1;
    return rc;
}

/* Reports ids that no submitted task has. */
static int check_ids (const struct aw_selection *s, const struct aw_job_list *list, bool quiet)
{
    int rc = 0;

    for (size_t i = 0; i < s->n_ids; i++) {
        const struct aw_selection one = { .ids = &s->ids[i], .n_ids = 1 };
        bool found = false;

        for (size_t k = 0; k < list->n && !found; k++)
            found = aw_selection_has (&one, &list->jobs[k]);
        if (found)
            continue;
        rc = -1;
        if (!quiet)
            aw_slurm_error ("Kill job error on job id %llu: Invalid job id specified",
                            (unsigned long long)s->ids[i].id);
    }
    return rc;
}

static int run (const struct aw_selection *s, bool quiet)
{
    struct aw_connection *aw = aw_slurm_open ();
    struct aw_job_list list = { 0 };
    int rc = aw ? aw_selection_load (s, aw, 0, &list) : -1;

    if (rc == 0 && !s->users && check_ids (s, &list, quiet) < 0)
        rc = 1;
    if (rc >= 0 && cancel_all (aw, s, &list) < 0)
        rc = 1;
    aw_job_list_finish (&list);
    aw_close (aw);
    return rc == 0 ? 0 : 1;
}

/* A signal that ends a task is what cancelling is; no other can be sent. */
static int check_signal (const char *signal)
{
    static const char *const fine[] = { "TERM", "SIGTERM", "15",     "KILL", "SIGKILL",
                                        "9",    "INT",     "SIGINT", "2" };

    for (size_t i = 0; signal && i < sizeof (fine) / sizeof (fine[0]); i++)
        if (strcasecmp (signal, fine[i]) == 0)
            return 0;
    return signal ? aw_slurm_error ("--signal=%s is not possible for a submitted task", signal) : 0;
}

int aw_slurm_scancel (int argc, char **argv)
{
    struct aw_slurm_options o = { .table = table,
                                  .n = sizeof (table) / sizeof (table[0]),
                                  .unknown = 1 };
    struct aw_selection s = { 0 };
    int first = aw_slurm_parse (&o, argc, argv, true), status = 1, rc = 0;

    if (o.values[VERSION])
        return aw_slurm_real (argv);
    s.users = o.values[ME] ? aw_slurm_user () : o.values[USER];
    s.names = o.values[NAME] ? o.values[NAME] : o.values[TAKEN];
    s.states = o.values[STATES];
    for (int i = first; i < argc && rc == 0; i++)
        rc = aw_selection_add_ids (&s, argv[i]);
    if (rc < 0 || aw_slurm_check (&o) < 0 || check_signal (o.values[SIGNAL]) < 0
        || aw_selection_check_states (&s) < 0)
        ;
    else if (s.n_others)
        aw_slurm_error (
            "a task can cancel submitted tasks alone, whose ids begin at %llu: nothing is "
            "cancelled",
            (unsigned long long)AW_JOB_FIRST);
    else if (!s.n_ids && !s.users && !s.names && !s.states)
        aw_slurm_error ("No job identification provided");
    else
        status = run (&s, o.values[QUIET]);
    aw_selection_finish (&s);
    return status;
}
