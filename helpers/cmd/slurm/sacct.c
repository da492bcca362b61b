/* SPDX-License-Identifier: Apache-2.0 */
/* sacct: all submitted tasks of the run, also those that have ended. Tasks have no steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/async-workflow.h"
#include "cmd/slurm/fields.h"
#include "cmd/slurm/options.h"
#include "cmd/slurm/selection.h"
#include "cmd/slurm/slurm.h"

enum {
    JOBS,
    USER,
    UID,
    STATES,
    NAME,
    NO_HEADER,
    FORMAT,
    PARSABLE,
    PARSABLE2,
    DELIMITER,
    BRIEF,
    BEGIN,
    END,
    VERSION,
    TAKEN
};

static const struct aw_slurm_option table[] = {
    [JOBS] = AW_SLURM_OPTION (TAKEN, "jobs", 'j', '='),
    [USER] = AW_SLURM_OPTION (TAKEN, "user", 'u', '='),
    [UID] = AW_SLURM_OPTION (TAKEN, "uid", 0, '='),
    [STATES] = AW_SLURM_OPTION (TAKEN, "state", 's', '='),
    [NAME] = AW_SLURM_OPTION (TAKEN, "name", 0, '='),
    [NO_HEADER] = AW_SLURM_OPTION (TAKEN, "noheader", 'n', 0),
    [FORMAT] = AW_SLURM_OPTION (TAKEN, "format", 'o', '='),
    [PARSABLE] = AW_SLURM_OPTION (TAKEN, "parsable", 'p', 0),
    [PARSABLE2] = AW_SLURM_OPTION (TAKEN, "parsable2", 'P', 0),
    [DELIMITER] = AW_SLURM_OPTION (TAKEN, "delimiter", 0, '='),
    [BRIEF] = AW_SLURM_OPTION (TAKEN, "brief", 'b', 0),
    [BEGIN] = AW_SLURM_OPTION (TAKEN, "starttime", 'S', '='),
    [END] = AW_SLURM_OPTION (TAKEN, "endtime", 'E', '='),
    [VERSION] = AW_SLURM_OPTION (TAKEN, "version", 'V', 0),
    AW_SLURM_OPTION (NOTHING, "allocations", 'X', 0),
    AW_SLURM_OPTION (NOTHING, "allusers", 'a', 0),
    AW_SLURM_OPTION (NOTHING, "duplicates", 'D', 0),
    AW_SLURM_OPTION (NOTHING, "clusters", 'M', '='),
    AW_SLURM_OPTION (NOTHING, "cluster", 0, '='),
    AW_SLURM_OPTION (NOTHING, "allclusters", 'L', 0),
    AW_SLURM_OPTION (NOTHING, "local", 0, 0),
    AW_SLURM_OPTION (NOTHING, "accounts", 'A', '='),
    AW_SLURM_OPTION (NOTHING, "account", 0, '='),
    AW_SLURM_OPTION (NOTHING, "partition", 'r', '='),
    AW_SLURM_OPTION (NOTHING, "qos", 'q', '='),
    AW_SLURM_OPTION (NOTHING, "array", 0, 0),
    AW_SLURM_OPTION (NOTHING, "truncate", 'T', 0),
    AW_SLURM_OPTION (NOTHING, "verbose", 'v', 0),
    AW_SLURM_OPTION (NOTHING, "units", 0, '='),
    AW_SLURM_OPTION (NOTHING, "noconvert", 0, 0),
    AW_SLURM_OPTION (REFUSED, "long", 'l', 0),
    AW_SLURM_OPTION (REFUSED, "nodelist", 'N', '='),
    AW_SLURM_OPTION (REFUSED, "completion", 'c', 0),
    AW_SLURM_OPTION (REFUSED, "batch-script", 'B', 0),
    AW_SLURM_OPTION (REFUSED, "env-vars", 0, 0),
    AW_SLURM_OPTION (REFUSED, "helpformat", 'e', 0),
    AW_SLURM_OPTION (REFUSED, "json", 0, '?'),
    AW_SLURM_OPTION (REFUSED, "yaml", 0, '?'),
    /* End of options */
};

static const char usual[] = "jobid,jobname,partition,account,alloccpus,state,exitcode",
                  brief[] = "jobid,state,exitcode";

static int set_format (struct aw_format *format, const char *const *values)
{
    const char *given = values[FORMAT] ? values[FORMAT] : getenv ("SACCT_FORMAT");

    format->header = !values[NO_HEADER];
    if (values[PARSABLE] || values[PARSABLE2])
        format->separator = values[DELIMITER] && *values[DELIMITER] ? *values[DELIMITER] : '|';
    format->trailing = values[PARSABLE] && !values[PARSABLE2];
    format->mark = '+';
    return aw_format_sacct (format, values[BRIEF] ? brief : given ? given : usual);
}

/* "2026-01-31[T12:00[:00]]", "now", "now-2hours" and so on. 0, or -1, printed. */
static int read_time (const char *text, time_t *when)
{
    static const struct {
        const char *unit;
        long seconds;
    } units[] = { { "seconds", 1 },
                  { "minutes", 60 },
                  { "hours", 3600 },
                  { "days", 86400 },
                  { "weeks", 604800 } };
    struct tm tm = { .tm_isdst = -1 };
    char *end;
    long n;

    if (strncasecmp (text, "now", 3) == 0) {
        *when = time (NULL);
        if (!text[3])
            return 0;
        n = strtol (text + 3, &end, 10);
        for (size_t i = 0; i < sizeof (units) / sizeof (units[0]); i++)
            if (end > text + 3 && strncmp (end, units[i].unit, strlen (end)) == 0) {
                *when += n * units[i].seconds;
                return 0;
            }
    }
    else if (((end = strptime (text, "%Y-%m-%dT%H:%M:%S", &tm)) && !*end)
             || (memset (&tm, 0, sizeof (tm)),
                 (end = strptime (text, "%Y-%m-%dT%H:%M", &tm)) && !*end)
             || (memset (&tm, 0, sizeof (tm)), (end = strptime (text, "%Y-%m-%d", &tm)) && !*end)) {
        tm.tm_isdst = -1;
        *when = mktime (&tm);
        return 0;
    }
    return aw_slurm_error ("Invalid time specification: %s: give 2026-01-31T12:00, or now-2hours",
                           text);
}

/* Was the job there between the two times? */
static bool is_between (const struct aw_job *job, time_t begin, time_t end)
{
    return (!job->ended || job->ended >= begin) && job->submitted <= end;
}

static int list_jobs (const struct aw_selection *selection,
                      struct aw_format *format,
                      time_t begin,
                      time_t end)
{
    int flags = AW_JOBS_ENDED | (aw_format_needs_details (format) ? AW_JOBS_DETAILS : 0);
    struct aw_connection *aw = aw_slurm_open ();
    struct aw_job_list list = { 0 };
    int status = 1;

    if (aw && aw_selection_load (selection, aw, flags, &list) == 0) {
        aw_format_print_header (format);
        for (size_t i = 0; i < list.n; i++)
            if (aw_selection_has (selection, &list.jobs[i])
                && is_between (&list.jobs[i], begin, end))
                aw_format_print (format, &list.jobs[i]);
        status = selection->n_others ? 1 : 0;
    }
    aw_job_list_finish (&list);
    aw_close (aw);
    return aw_slurm_end (status);
}

static int run (const struct aw_slurm_options *o,
                struct aw_selection *selection,
                struct aw_format *format)
{
    /* A time in the future, so that what was submitted in this second is there. */
    time_t begin = 0, end = INT64_C (1) << 40;

    *selection = (struct aw_selection){
        .users = o->values[USER] ? o->values[USER] : o->values[UID],
        .names = o->values[NAME],
        .states = o->values[STATES],
    };
    if ((o->values[JOBS] && aw_selection_add_ids (selection, o->values[JOBS]) < 0)
        || aw_selection_check_states (selection) < 0 || set_format (format, o->values) < 0
        || (o->values[BEGIN] && read_time (o->values[BEGIN], &begin) < 0)
        || (o->values[END] && strcasecmp (o->values[END], "now") != 0
            && read_time (o->values[END], &end) < 0))
        return 1;
    if (selection->n_others)
        aw_slurm_error ("ask for jobs of Slurm and for submitted tasks one after the other");
    return list_jobs (selection, format, begin, end);
}

int aw_slurm_sacct (int argc, char **argv)
{
    struct aw_slurm_options o = {
        .table = table, .n = sizeof (table) / sizeof (table[0]), .unknown = 1, .joins = 'j'
    };
    struct aw_selection selection = { 0 }, ids = { 0 };
    struct aw_format format = { 0 };
    int first = aw_slurm_parse (&o, argc, argv, true), status = 1;
    bool real = o.values[VERSION];

    if (o.values[JOBS] && aw_selection_add_ids (&ids, o.values[JOBS]) == 0)
        real = real || (ids.n_others && !ids.n_ids);
    aw_selection_finish (&ids);
    if (real)
        return aw_slurm_real (argv);
    if (first < argc)
        aw_slurm_error ("Unknown arguments: %s", argv[first]);
    else if (aw_slurm_check (&o) == 0)
        status = run (&o, &selection, &format);
    aw_format_finish (&format);
    aw_selection_finish (&selection);
    free (o.joined);
    return status;
}
