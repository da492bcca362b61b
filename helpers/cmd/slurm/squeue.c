/* SPDX-License-Identifier: Apache-2.0 */
/* squeue: the submitted tasks that have not ended, or those in the states that are asked for. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/async-workflow.h"
#include "cmd/slurm/fields.h"
#include "cmd/slurm/options.h"
#include "cmd/slurm/selection.h"
#include "cmd/slurm/slurm.h"

enum { JOBS, USER, ME, STATES, NAME, NO_HEADER, FORMAT, LONG_FORMAT, LONG, VERSION, TAKEN };

static const struct aw_slurm_option table[] = {
    [JOBS] = AW_SLURM_OPTION (TAKEN, "jobs", 'j', '?'),
    [USER] = AW_SLURM_OPTION (TAKEN, "user", 'u', '='),
    [ME] = AW_SLURM_OPTION (TAKEN, "me", 0, 0),
    [STATES] = AW_SLURM_OPTION (TAKEN, "states", 't', '='),
    [NAME] = AW_SLURM_OPTION (TAKEN, "name", 'n', '='),
    [NO_HEADER] = AW_SLURM_OPTION (TAKEN, "noheader", 'h', 0),
    [FORMAT] = AW_SLURM_OPTION (TAKEN, "format", 'o', '='),
    [LONG_FORMAT] = AW_SLURM_OPTION (TAKEN, "Format", 'O', '='),
    [LONG] = AW_SLURM_OPTION (TAKEN, "long", 'l', 0),
    [VERSION] = AW_SLURM_OPTION (TAKEN, "version", 'V', 0),
    AW_SLURM_OPTION (NOTHING, "array", 'r', 0),
    AW_SLURM_OPTION (NOTHING, "all", 'a', 0),
    AW_SLURM_OPTION (NOTHING, "verbose", 'v', 0),
    AW_SLURM_OPTION (NOTHING, "local", 0, 0),
    AW_SLURM_OPTION (NOTHING, "partition", 'p', '='),
    AW_SLURM_OPTION (NOTHING, "account", 'A', '='),
    AW_SLURM_OPTION (NOTHING, "qos", 'q', '='),
    AW_SLURM_OPTION (NOTHING, "clusters", 'M', '='),
    AW_SLURM_OPTION (REFUSED, "sort", 'S', '='),
    AW_SLURM_OPTION (REFUSED, "iterate", 'i', '='),
    AW_SLURM_OPTION (REFUSED, "nodelist", 'w', '='),
    AW_SLURM_OPTION (REFUSED, "steps", 's', '?'),
    AW_SLURM_OPTION (REFUSED, "start", 0, 0),
    AW_SLURM_OPTION (REFUSED, "licenses", 'L', '='),
    AW_SLURM_OPTION (REFUSED, "reservation", 'R', '='),
    AW_SLURM_OPTION (REFUSED, "json", 0, '?'),
    AW_SLURM_OPTION (REFUSED, "yaml", 0, '?'),
    /* End of options */
};

static const char short_format[] = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R",
                  long_format[] = "%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R";

enum { MIN_JOB_AGE = 300 }; /* seconds: the default of Slurm */

static bool has_ended (const struct aw_job *job)
{
    return strchr ("WPR", job->state) == NULL;
}

static int set_format (struct aw_format *format, const char *const *values)
{
    const char *text = values[FORMAT]             ? values[FORMAT]
                       : getenv ("SQUEUE_FORMAT") ? getenv ("SQUEUE_FORMAT")
                       : values[LONG]             ? long_format
                                                  : short_format;

    format->header = !values[NO_HEADER];
    return values[LONG_FORMAT] ? aw_format_squeue_long (format, values[LONG_FORMAT])
                               : aw_format_squeue (format, text);
}

static int set_selection (struct aw_selection *selection, const char *const *values)
{
    *selection = (struct aw_selection){
        .users = values[ME] ? aw_slurm_user () : values[USER],
        .names = values[NAME],
        .states = values[STATES],
    };
    if (values[JOBS] && aw_selection_add_ids (selection, values[JOBS]) < 0)
        return -1;
    return aw_selection_check_states (selection);
}

static bool is_shown (const struct aw_selection *selection, const struct aw_job *job)
{
    return (selection->states || !has_ended (job)) && aw_selection_has (selection, job);
}

/* Slurm forgets a job some minutes after its end (MinJobAge), and has no answer about a single one
 * that it has forgotten: tools conclude from it that the job has ended. Before, the answer is
 * empty.
 */
static bool is_forgotten (const struct aw_selection *selection, const struct aw_job_list *list)
{
    if (selection->n_ids != 1 || selection->states || selection->n_others)
        return false;
    for (size_t i = 0; i < list->n; i++)
        if (aw_selection_has (selection, &list->jobs[i])
            && (!has_ended (&list->jobs[i]) || list->jobs[i].ended + MIN_JOB_AGE > time (NULL)))
            return false;
    return true;
}

static int print (const struct aw_selection *selection,
                  const struct aw_job_list *list,
                  struct aw_format *format)
{
    if (is_forgotten (selection, list)) {
        aw_slurm_error ("Invalid job id specified");
        return 1;
    }
    aw_format_print_header (format);
    for (size_t i = 0; i < list->n; i++)
        if (is_shown (selection, &list->jobs[i]))
            aw_format_print (format, &list->jobs[i]);
    return selection->n_others ? 1 : 0;
}

static int list_jobs (const struct aw_selection *selection, struct aw_format *format)
{
    int flags = (selection->states ? AW_JOBS_ENDED : 0) | AW_JOBS_DETAILS;
    struct aw_connection *aw = aw_slurm_open ();
    struct aw_job_list list = { 0 };
    int status = 1;

    if (!aw_format_needs_details (format))
        flags &= ~AW_JOBS_DETAILS;
    if (aw && aw_selection_load (selection, aw, flags, &list) == 0)
        status = print (selection, &list, format);
    aw_job_list_finish (&list);
    aw_close (aw);
    return aw_slurm_end (status);
}

int aw_slurm_squeue (int argc, char **argv)
{
    struct aw_slurm_options o = { .table = table,
                                  .n = sizeof (table) / sizeof (table[0]),
                                  .unknown = 1 };
    struct aw_selection selection = { 0 };
    struct aw_format format = { 0 };
    int first = aw_slurm_parse (&o, argc, argv, true), status = 1;

    if (o.values[VERSION])
        return aw_slurm_real (argv);
    /* The ids of -j may be the next word. */
    if (o.values[JOBS] && !*o.values[JOBS] && first < argc)
        o.values[JOBS] = argv[first++];
    if (first < argc)
        aw_slurm_error ("Unrecognized option: %s", argv[first]);
    else if (aw_slurm_check (&o) == 0 && set_selection (&selection, o.values) == 0) {
        if (selection.n_others && !selection.n_ids)
            return aw_slurm_real (argv);
        if (selection.n_others)
            aw_slurm_error ("ask for jobs of Slurm and for submitted tasks one after the other");
        if (set_format (&format, o.values) == 0)
            status = list_jobs (&selection, &format);
    }
    aw_format_finish (&format);
    aw_selection_finish (&selection);
    return status;
}
