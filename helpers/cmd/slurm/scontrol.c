/* SPDX-License-Identifier: Apache-2.0 */
/* scontrol: shows submitted tasks, and how soon tools may ask again; requeues submitted tasks. What
 * is about the cluster goes to the real command; what else would change a job is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/async-workflow.h"
#include "cmd/slurm/fields.h"
#include "cmd/slurm/options.h"
#include "cmd/slurm/selection.h"
#include "cmd/slurm/slurm.h"

enum { ONE_LINE, VERSION, TAKEN };

#define ROW(what, word, short, argument)                 \
    {                                                    \
        word, short, argument, { AW_SLURM_##what }, NULL \
    }

static const struct aw_slurm_option table[] = {
    [ONE_LINE] = ROW (TAKEN, "oneliner", 'o', 0),
    [VERSION] = ROW (TAKEN, "version", 'V', 0),
    ROW (NOTHING, "details", 'd', 0),
    ROW (NOTHING, "all", 'a', 0),
    ROW (NOTHING, "quiet", 'Q', 0),
    ROW (NOTHING, "verbose", 'v', 0),
    ROW (NOTHING, "local", 0, 0),
    ROW (NOTHING, "cluster", 'M', '='),
    /* End of options */
};

/* Tools derive from these how often they ask. */
static const char config[] = "Configuration data of the pool of async-workflow\n"
                             "MaxArraySize            = 1000000\n"
                             "MaxJobCount             = 1000000\n"
                             "MinJobAge               = 1000000 sec\n"
                             "SchedulerTimeSlice      = 1 sec\n";

static void put_value (struct aw_textbuf *text, const char *key, const char *value)
{
    aw_textbuf_printf (text, " %s=%s", key, *value ? value : "(null)");
}

static void put_times (struct aw_textbuf *text, const struct aw_job *job)
{
    aw_textbuf_puts (text, "\n   RunTime=");
    aw_put_elapsed (text, aw_job_elapsed (job), true);
    aw_textbuf_puts (text, " TimeLimit=");
    if (job->limit)
        aw_put_elapsed (text, job->limit, true);
    else
        aw_textbuf_puts (text, "UNLIMITED");
    aw_textbuf_puts (text, "\n   SubmitTime=");
    aw_put_time (text, job->submitted, "Unknown");
    aw_textbuf_puts (text, " StartTime=");
    aw_put_time (text, job->started, "Unknown");
    aw_textbuf_puts (text, " EndTime=");
    aw_put_time (text, job->ended, "Unknown");
}

static void put_job (struct aw_textbuf *text, const struct aw_job *job)
{
    aw_textbuf_printf (text, "JobId=%llu", (unsigned long long)job->id);
    if (job->array)
        aw_textbuf_printf (text, " ArrayJobId=%llu ArrayTaskId=%u", (unsigned long long)job->array,
                           job->index);
    aw_textbuf_printf (text, " JobName=%s\n   UserId=%s(%u)", job->name, aw_slurm_user (),
                       (unsigned)geteuid ());
    aw_textbuf_printf (text, "\n   JobState=%s Reason=%s Dependency=(null)", job->words->word,
                       aw_job_reason (job));
    aw_textbuf_printf (text, "\n   Requeue=%d Restarts=%u BatchFlag=1 ExitCode=%d:%d",
                       !job->no_requeue, job->attempt, job->code, job->signal);
    put_times (text, job);
    aw_textbuf_puts (text, "\n  ");
    put_value (text, "NodeList", job->node);
    aw_textbuf_printf (text, "\n   NumNodes=1 NumCPUs=%u", job->cpus);
    if (job->mem)
        aw_textbuf_printf (text, " MinMemoryNode=%lluM", (unsigned long long)(job->mem >> 20));
    aw_textbuf_puts (text, "\n  ");
    put_value (text, "Comment", job->comment);
    aw_textbuf_puts (text, "\n  ");
    put_value (text, "WorkDir", job->directory);
    aw_textbuf_puts (text, "\n\n");
}

/* Prints TEXT, a job; ONE_LINE: on one. */
static void print (struct aw_textbuf *text, bool one_line)
{
    size_t n = text->len;

    for (size_t i = 0; one_line && i + 2 < n; i++)
        if (text->data[i] == '\n') {
            memmove (text->data + i, text->data + i + 3, n - i - 3);
            n -= 3;
        }
    fwrite (text->data, 1, one_line && n > 0 ? n - 1 : n, stdout);
}

static int show_jobs (const struct aw_selection *selection, bool one_line)
{
    struct aw_connection *aw = aw_slurm_open ();
    struct aw_job_list list = { 0 };
    struct aw_textbuf text = { 0 };
    bool found = false;
    int rc = aw ? aw_selection_load (selection, aw, AW_JOBS_ENDED | AW_JOBS_DETAILS, &list) : -1;

    for (size_t i = 0; rc == 0 && i < list.n; i++)
        if (aw_selection_has (selection, &list.jobs[i])) {
            aw_textbuf_clear (&text);
            put_job (&text, &list.jobs[i]);
            print (&text, one_line);
            found = true;
        }
    if (rc == 0 && !found && selection->n_ids) {
        fprintf (stderr, "slurm_load_jobs error: Invalid job id specified\n");
        rc = -1;
    }
    else if (rc == 0 && !found)
        puts ("No jobs in the system");
    aw_textbuf_finish (&text);
    aw_job_list_finish (&list);
    aw_close (aw);
    return aw_slurm_end (rc == 0 ? 0 : 1);
}

/* Is WORD the beginning of what is shown, "jobs"? Slurm takes "jobid" and "jobids" too. */
static bool is_job (const char *word)
{
    return strncasecmp (word, "job", 3) == 0 && strncasecmp (word, "jobids", strlen (word)) == 0;
}

static int show (int n, char **words, bool one_line, char **argv)
{
    struct aw_selection selection = { 0 };
    char *equals = n > 0 ? strchr (words[0], '=') : NULL;
    const char *ids = equals ? equals + 1 : n > 1 ? words[1] : NULL;
    int status = 1;

    if (n > 0 && strcasecmp (words[0], "config") == 0) {
        fputs (config, stdout);
        return aw_slurm_end (0);
    }
    if (n == 0
        || !(is_job (words[0]) || (equals && strncasecmp (words[0], "job", 3) == 0)
             || strcasecmp (words[0], "jobs") == 0))
        return aw_slurm_real (argv);
    if (!ids || aw_selection_add_ids (&selection, ids) == 0) {
        if (selection.n_others && !selection.n_ids)
            return aw_slurm_real (argv);
        status = show_jobs (&selection, one_line);
    }
    aw_selection_finish (&selection);
    return status;
}

/* As Slurm words it: without the name of the program. */
static int cannot_requeue (const char *why, const char *id)
{
    fprintf (stderr, "%s for job %s\n", why, id);
    return -1;
}

static int requeue_job (struct aw_connection *aw, const struct aw_job *job)
{
    char id[24];

    snprintf (id, sizeof (id), "%llu", (unsigned long long)job->id);
    if (job->no_requeue)
        return cannot_requeue ("Requested operation is presently disabled", id);
    if (job->state == AW_PENDING || job->state == AW_WAITING)
        return cannot_requeue ("Job is pending execution", id);
    if (job->state != AW_RUNNING)
        return aw_slurm_error ("job %s has ended: only running jobs can be requeued here", id);
    return aw_cancel (aw, id, AW_RESTART, -1) < 0
               ? aw_slurm_error ("%s: %s", id, aw_error_text (aw))
               : 0;
}

/* All that can be: those that cannot are reported. */
static int requeue_jobs (const struct aw_selection *selection)
{
    struct aw_connection *aw = aw_slurm_open ();
    struct aw_job_list list = { 0 };
    bool loaded = aw && aw_selection_load (selection, aw, AW_JOBS_ENDED, &list) == 0;
    int rc = loaded ? 0 : -1;
    size_t n = 0;

    for (size_t i = 0; loaded && i < list.n; i++)
        if (aw_selection_has (selection, &list.jobs[i]) && ++n
            && requeue_job (aw, &list.jobs[i]) < 0)
            rc = -1;
    if (loaded && n == 0)
        rc = aw_slurm_error ("Invalid job id specified");
    aw_job_list_finish (&list);
    aw_close (aw);
    return rc;
}

static int requeue (int n, char **words)
{
    struct aw_selection selection = { 0 };
    int rc = n == 0 ? aw_slurm_error ("too few arguments for keyword:requeue") : 0;

    for (int i = 0; i < n && rc == 0; i++)
        rc = aw_selection_add_ids (&selection, words[i]);
    if (rc == 0 && selection.n_others)
        rc = aw_slurm_error ("a task can requeue submitted tasks alone, whose ids begin at %llu",
                             (unsigned long long)AW_JOB_FIRST);
    if (rc == 0)
        rc = selection.n_ids ? requeue_jobs (&selection)
                             : aw_slurm_error ("Invalid job id specified");
    aw_selection_finish (&selection);
    return rc == 0 ? 0 : 1;
}

int aw_slurm_scontrol (int argc, char **argv)
{
    static const char *const queries[] = { "ping", "version", "help", "listpids", "pidinfo" };
    struct aw_slurm_options o = { .table = table,
                                  .n = sizeof (table) / sizeof (table[0]),
                                  .unknown = 1 };
    int first = aw_slurm_parse (&o, argc, argv, true);

    if (o.values[VERSION])
        return aw_slurm_real (argv);
    if (first == argc) {
        aw_slurm_error ("no command given");
        return 1;
    }
    if (strcasecmp (argv[first], "show") == 0)
        return show (argc - first - 1, argv + first + 1, o.values[ONE_LINE], argv);
    if (strcasecmp (argv[first], "requeue") == 0)
        return requeue (argc - first - 1, argv + first + 1);
    for (size_t i = 0; i < sizeof (queries) / sizeof (queries[0]); i++)
        if (strcasecmp (argv[first], queries[i]) == 0)
            return aw_slurm_real (argv);
    aw_slurm_error ("\"%s\" is not possible in a task of async-workflow", argv[first]);
    return 1;
}
