/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/fields.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/async-workflow.h"
#include "cmd/slurm/slurm.h"
#include "util/array.h"

struct aw_field {
    char letter; /* of squeue --format; 0: none */
    const char *name; /* of squeue --Format; NULL: none */
    const char *head; /* of squeue */
    const char *sacct; /* its name and head; NULL: none */
    int width; /* of sacct */
    void (*put) (struct aw_textbuf *text, const struct aw_job *job, bool sacct);
};

/*
 * Values
 */

/* The id as Slurm shows it: "1000000007", or "1000000007_3". */
static void put_job_id (struct aw_textbuf *text, const struct aw_job *job)
{
    aw_textbuf_u64 (text, job->array ? job->array : job->id);
    if (job->array)
        aw_textbuf_printf (text, "_%u", job->index);
}

void aw_put_time (struct aw_textbuf *text, uint32_t seconds, const char *none)
{
    time_t t = seconds;
    char buf[32];
    struct tm tm;

    if (!seconds || !localtime_r (&t, &tm)
        || strftime (buf, sizeof (buf), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        aw_textbuf_puts (text, none);
    else
        aw_textbuf_puts (text, buf);
}

void aw_put_elapsed (struct aw_textbuf *text, uint64_t seconds, bool all)
{
    unsigned days = (unsigned)(seconds / 86400), hours = (unsigned)(seconds / 3600 % 24),
             minutes = (unsigned)(seconds / 60 % 60);

    if (days)
        aw_textbuf_printf (text, "%u-", days);
    if (days || hours || all)
        aw_textbuf_printf (text, days || all ? "%02u:" : "%u:", hours);
    aw_textbuf_printf (text, days || hours || all ? "%02u:%02u" : "%u:%02u", minutes,
                       (unsigned)(seconds % 60));
}

uint64_t aw_job_elapsed (const struct aw_job *job)
{
    time_t end = job->ended || job->state != AW_RUNNING ? job->ended : time (NULL);

    return job->started && end > job->started ? (uint64_t)end - job->started : 0;
}

const char *aw_job_reason (const struct aw_job *job)
{
    return job->state == AW_WAITING                          ? "Dependency"
           : job->state == AW_PENDING                        ? "Resources"
           : job->state == AW_SKIPPED                        ? "DependencyNeverSatisfied"
           : strcmp (job->words->word, "TIMEOUT") == 0       ? "TimeLimit"
           : strcmp (job->words->word, "FAILED") == 0        ? "NonZeroExitCode"
           : strcmp (job->words->word, "OUT_OF_MEMORY") == 0 ? "OutOfMemory"
           : strcmp (job->words->word, "NODE_FAIL") == 0     ? "NodeFail"
                                                             : "None";
}

#define PUT(name, ...)                                                                     \
    static void put_##name (struct aw_textbuf *text, const struct aw_job *job, bool sacct) \
    {                                                                                      \
        (void)job;                                                                         \
        (void)sacct;                                                                       \
        __VA_ARGS__;                                                                       \
    }

/* A variable of the task's environment. */
static void put_variable (struct aw_textbuf *text, const char *name, const char *none)
{
    const char *value = getenv (name);

    aw_textbuf_puts (text, value ? value : none);
}

PUT (id, put_job_id (text, job))
PUT (raw, sacct ? put_job_id (text, job) : aw_textbuf_u64 (text, job->id))
PUT (array, aw_textbuf_u64 (text, job->array ? job->array : job->id))
PUT (index, job->array ? aw_textbuf_u64 (text, job->index) : aw_textbuf_puts (text, "N/A"))
PUT (name, aw_textbuf_puts (text, job->name))
PUT (user, aw_textbuf_puts (text, aw_slurm_user ()))
PUT (uid, aw_textbuf_u64 (text, geteuid ()))
PUT (gid, aw_textbuf_u64 (text, getegid ()))
PUT (state, aw_textbuf_puts (text, job->words->word))
PUT (compact, aw_textbuf_puts (text, job->words->compact))
PUT (elapsed, aw_put_elapsed (text, aw_job_elapsed (job), sacct))
PUT (seconds, aw_textbuf_u64 (text, aw_job_elapsed (job)))
PUT (limit,
     job->limit ? aw_put_elapsed (text, job->limit, sacct) : aw_textbuf_puts (text, "UNLIMITED"))
PUT (nodes, aw_textbuf_puts (text, "1"))
PUT (cpus, aw_textbuf_u64 (text, job->cpus))
PUT (node, aw_textbuf_puts (text, *job->node || !sacct ? job->node : "None assigned"))
PUT (reason, aw_textbuf_puts (text, aw_job_reason (job)))
PUT (partition, put_variable (text, "SLURM_JOB_PARTITION", sacct ? "" : "(null)"))
PUT (account, put_variable (text, "SLURM_JOB_ACCOUNT", sacct ? "" : "(null)"))
PUT (qos, put_variable (text, "SLURM_JOB_QOS", sacct ? "" : "(null)"))
PUT (cluster, put_variable (text, "SLURM_CLUSTER_NAME", ""))
PUT (submitted, aw_put_time (text, job->submitted, sacct ? "Unknown" : "N/A"))
PUT (started, aw_put_time (text, job->started, sacct ? "Unknown" : "N/A"))
PUT (ended, aw_put_time (text, job->ended, sacct ? "Unknown" : "N/A"))
PUT (directory, aw_textbuf_puts (text, job->directory))
PUT (comment, aw_textbuf_puts (text, *job->comment || sacct ? job->comment : "(null)"))
PUT (code, aw_textbuf_printf (text, "%d:%d", job->code, job->signal))
PUT (restarts, aw_textbuf_u64 (text, job->attempt))
PUT (nothing, (void)text)

static void put_node_or_reason (struct aw_textbuf *text, const struct aw_job *job, bool sacct)
{
    (void)sacct;
    if (job->state == AW_WAITING || job->state == AW_PENDING)
        aw_textbuf_printf (text, "(%s)", aw_job_reason (job));
    else
        aw_textbuf_puts (text, job->node);
}

static void put_left (struct aw_textbuf *text, const struct aw_job *job, bool sacct)
{
    uint64_t elapsed = aw_job_elapsed (job);

    if (job->limit)
        aw_put_elapsed (text, job->limit > elapsed ? job->limit - elapsed : 0, sacct);
    else
        aw_textbuf_puts (text, "UNLIMITED");
}

static void put_memory (struct aw_textbuf *text, const struct aw_job *job, bool sacct)
{
    (void)sacct;
    if (job->mem >> 30 && !(job->mem & ((1 << 30) - 1)))
        aw_textbuf_printf (text, "%lluG", (unsigned long long)(job->mem >> 30));
    else
        aw_textbuf_printf (text, job->mem ? "%lluM" : "%llu", (unsigned long long)(job->mem >> 20));
}

static void put_gpus (struct aw_textbuf *text, const struct aw_job *job, bool sacct)
{
    if (job->gpus > 0)
        aw_textbuf_printf (text, "gres%cgpu%c%g", sacct ? '/' : ':', sacct ? '=' : ':', job->gpus);
    else if (!sacct)
        aw_textbuf_puts (text, "N/A");
}

static const struct aw_field fields[] = {
    { 'i', "JobArrayID", "JOBID", "JobID", 12, put_id },
    { 'A', "JobID", "JOBID", "JobIDRaw", 12, put_raw },
    { 'F', "ArrayJobID", "ARRAY_JOB_ID", NULL, 0, put_array },
    { 'K', "ArrayTaskID", "ARRAY_TASK_ID", NULL, 0, put_index },
    { 'j', "Name", "NAME", "JobName", 10, put_name },
    { 'u', "UserName", "USER", "User", 9, put_user },
    { 'U', "UserID", "USER", "UID", 6, put_uid },
    { 'G', "GroupID", "GROUP", "GID", 6, put_gid },
    { 't', "StateCompact", "ST", NULL, 0, put_compact },
    { 'T', "State", "STATE", "State", 10, put_state },
    { 'M', "TimeUsed", "TIME", "Elapsed", 10, put_elapsed },
    { 0, NULL, NULL, "ElapsedRaw", 10, put_seconds },
    { 'l', "TimeLimit", "TIME_LIMIT", "Timelimit", 10, put_limit },
    { 'L', "TimeLeft", "TIME_LEFT", NULL, 0, put_left },
    { 'D', "NumNodes", "NODES", "NNodes", 8, put_nodes },
    { 'C', "NumCPUs", "CPUS", "AllocCPUS", 10, put_cpus },
    { 'c', "MinCpus", "MIN_CPUS", "NCPUS", 10, put_cpus },
    { 0, NULL, NULL, "ReqCPUS", 8, put_cpus },
    { 'm', "MinMemory", "MIN_MEMORY", "ReqMem", 10, put_memory },
    { 'b', "tres-per-node", "TRES_PER_NODE", "AllocTRES", 10, put_gpus },
    { 'N', "NodeList", "NODELIST", "NodeList", 15, put_node },
    { 'B', "BatchHost", "EXEC_HOST", NULL, 0, put_node },
    { 'R', "ReasonList", "NODELIST(REASON)", NULL, 0, put_node_or_reason },
    { 'r', "Reason", "REASON", "Reason", 22, put_reason },
    { 'P', "Partition", "PARTITION", "Partition", 10, put_partition },
    { 'a', "Account", "ACCOUNT", "Account", 10, put_account },
    { 'q', "QOS", "QOS", "QOS", 10, put_qos },
    { 0, "Cluster", "CLUSTER", "Cluster", 10, put_cluster },
    { 'V', "SubmitTime", "SUBMIT_TIME", "Submit", 19, put_submitted },
    { 0, "EligibleTime", "ELIGIBLE_TIME", "Eligible", 19, put_submitted },
    { 'S', "StartTime", "START_TIME", "Start", 19, put_started },
    { 'e', "EndTime", "END_TIME", "End", 19, put_ended },
    { 'Z', "WorkDir", "WORK_DIR", "WorkDir", 20, put_directory },
    { 'k', "Comment", "COMMENT", "Comment", 14, put_comment },
    { 0, "exit_code", "EXIT_CODE", "ExitCode", 8, put_code },
    { 0, "RestartCnt", "RESTART_COUNT", "Restarts", 8, put_restarts },
    { 0, NULL, NULL, "MaxRSS", 10, put_nothing },
    { 0, NULL, NULL, "TotalCPU", 10, put_nothing },
    { 0, NULL, NULL, "NTasks", 8, put_nothing },
    { 0, NULL, NULL, "DerivedExitCode", 15, put_code },
};
enum { N_FIELDS = sizeof (fields) / sizeof (fields[0]) };

/*
 * Formats
 */

static struct aw_column *add_column (struct aw_format *format)
{
    if (aw_array_reserve (&format->columns, &format->room, format->n + 1) < 0) {
        aw_slurm_error ("out of memory");
        return NULL;
    }
    format->columns[format->n] = (struct aw_column){ .left = true };
    return &format->columns[format->n++];
}

/* Reads "%[.][WIDTH]LETTER" at *TEXT, behind its "%". */
static int read_column (struct aw_column *column, const char **text)
{
    char *end;

    if (**text == '.') {
        column->left = false;
        ++*text;
    }
    column->width = (int)strtol (*text, &end, 10);
    *text = end;
    for (size_t i = 0; i < N_FIELDS && **text; i++)
        if (fields[i].letter == **text) {
            column->field = &fields[i];
            column->head = fields[i].head;
            ++*text;
            return 0;
        }
    return aw_slurm_error ("Invalid job format specification: %%%c is not known here", **text);
}

int aw_format_squeue (struct aw_format *format, const char *text)
{
    while (*text) {
        struct aw_column *column = add_column (format);
        const char *percent = strchrnul (text, '%');

        if (!column || !(column->before = strndup (text, (size_t)(percent - text))))
            return -1;
        text = *percent ? percent + 1 : percent;
        if (*percent && read_column (column, &text) < 0)
            return -1;
    }
    return 0;
}

/* The field with the name that is the N bytes at TEXT; NULL, printed. */
static const struct aw_field *find_field (const char *text, size_t n, bool sacct)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        const char *name = sacct ? fields[i].sacct : fields[i].name;

        if (name && strlen (name) == n && strncasecmp (name, text, n) == 0)
            return &fields[i];
    }
    aw_slurm_error ("Invalid field requested: \"%.*s\"", (int)n, text);
    return NULL;
}

/* "NAME[SIGN WIDTH],...": the widths follow a ":" or "%". */
static int read_list (struct aw_format *format, const char *text, char sign)
{
    while (*text) {
        size_t n = strcspn (text, ","), name = 0;
        struct aw_column *column;

        while (name < n && text[name] != sign)
            name++;
        if (n == 0) {
            text++;
            continue;
        }
        column = add_column (format);
        if (!column || !(column->field = find_field (text, name, format->sacct)))
            return -1;
        column->head = format->sacct ? column->field->sacct : column->field->head;
        column->width = format->sacct ? column->field->width : 20;
        column->left = !format->sacct;
        if (name < n && (isdigit ((unsigned char)text[name + 1]) || text[name + 1] == '-'))
            column->width = atoi (text + name + 1);
        if (column->width < 0) {
            column->width = -column->width;
            column->left = true;
        }
        text += n + (text[n] == ',');
    }
    return 0;
}

int aw_format_squeue_long (struct aw_format *format, const char *text)
{
    return read_list (format, text, ':');
}

int aw_format_sacct (struct aw_format *format, const char *text)
{
    format->sacct = true;
    return read_list (format, text, '%');
}

void aw_format_finish (struct aw_format *format)
{
    for (size_t i = 0; i < format->n; i++)
        free (format->columns[i].before);
    free (format->columns);
    aw_textbuf_finish (&format->line);
}

bool aw_format_needs_details (const struct aw_format *format)
{
    for (size_t i = 0; i < format->n; i++)
        if (format->columns[i].field
            && (format->columns[i].field->put == put_directory
                || format->columns[i].field->put == put_comment))
            return true;
    return false;
}

/*
 * Lines
 */

/* Fits the text from START on into the column. MARK replaces the last character of what is cut
 * off. */
static void fit (struct aw_format *format, const struct aw_column *column, size_t start, char mark)
{
    struct aw_textbuf *line = &format->line;
    size_t length = line->len - start, width = (size_t)column->width;

    if (format->separator || width == 0)
        return;
    if (length > width) {
        line->len = start + width;
        if (mark)
            line->data[line->len - 1] = mark;
        return;
    }
    for (size_t i = length; i < width; i++)
        aw_textbuf_putc (line, ' ');
    if (!column->left && !line->failed) {
        memmove (line->data + start + width - length, line->data + start, length);
        memset (line->data + start, ' ', width - length);
    }
}

/* JOB NULL: the header. */
static void print_line (struct aw_format *format, const struct aw_job *job)
{
    struct aw_textbuf *line = &format->line;

    aw_textbuf_clear (line);
    for (size_t i = 0; i < format->n; i++) {
        const struct aw_column *column = &format->columns[i];
        size_t start;

        aw_textbuf_puts (line, column->before ? column->before : "");
        start = line->len;
        if (job && column->field)
            column->field->put (line, job, format->sacct);
        else if (column->field)
            aw_textbuf_puts (line, column->head);
        fit (format, column, start, job ? format->mark : 0);
        if (format->separator && (format->trailing || i + 1 < format->n))
            aw_textbuf_putc (line, format->separator);
        else if (format->sacct)
            aw_textbuf_puts (line, format->separator ? "" : " ");
    }
    aw_textbuf_putc (line, '\n');
    fwrite (line->data, 1, line->len, stdout);
}

/* sacct rules a line below. */
static void print_rule (const struct aw_format *format)
{
    for (size_t i = 0; i < format->n; i++) {
        for (int n = 0; n < format->columns[i].width; n++)
            putchar ('-');
        putchar (' ');
    }
    putchar ('\n');
}

void aw_format_print_header (struct aw_format *format)
{
    if (!format->header)
        return;
    print_line (format, NULL);
    if (format->sacct && !format->separator)
        print_rule (format);
}

void aw_format_print (struct aw_format *format, const struct aw_job *job)
{
    print_line (format, job);
}
