/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/batch_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/slurm/job_list.h"
#include "cmd/slurm/slurm.h"
#include "cmd/task_text.h"
#include "io/workflow/submission.h"
#include "util/strings.h"

/* Node failures that a job survives, unless it is not to be requeued. */
enum { REQUEUES = 3 };

/* The name of the task set: NAME, without what such a name cannot have, and without the number that
 * Nextflow puts behind it, so that all tasks of a process count as one set.
 */
static void put_set_name (struct aw_textbuf *out, const char *name)
{
    char set[AW_SUBMITTED_NAME + 1], *end;

    snprintf (set, sizeof (set), "%s", name);
    end = strrchr (set, '(');
    if (end > set + 1 && end[-1] == '_' && end[1 + strspn (end + 1, "0123456789")] == ')')
        end[-1] = '\0';
    for (char *c = set; *c; c++)
        if (!strchr (AW_NAME_CHARACTERS, *c))
            *c = '_';
    if (*set == '-' || *set == '.' || !*set)
        snprintf (set, sizeof (set), "job");
    aw_task_put_text (out, "name", set);
}

/* The comment: the mark (cmd/slurm/job_list.h), and the user's. */
static int put_comment (struct aw_textbuf *out, const struct aw_batch_task *task)
{
    const char *own = task->options->values[AW_BATCH_COMMENT];
    char *mark =
        aw_job_mark (task->options->values[AW_BATCH_NO_REQUEUE] != NULL, task->array != NULL,
                     task->first, task->array ? task->array->indexes[task->element] : 0,
                     task->options->values[AW_BATCH_NAME]);
    struct aw_textbuf comment = { 0 };

    if (mark)
        aw_textbuf_printf (&comment, "%s %.4000s", mark, own ? own : "");
    for (size_t i = 0; i < comment.len; i++)
        if (comment.data[i] == '\n' || comment.data[i] == '\t')
            comment.data[i] = ' ';
    aw_textbuf_putc (&comment, '\0');
    if (mark && !comment.failed)
        aw_task_put_text (out, "comment", comment.data);
    out->failed = out->failed || !mark || comment.failed;
    aw_textbuf_finish (&comment);
    free (mark);
    return 0;
}

static void put_number (struct aw_textbuf *out, const char *name, uint64_t value)
{
    aw_textbuf_printf (out, "\"%s\":\"%llu\",", name, (unsigned long long)value);
}

static void put_array_variables (struct aw_textbuf *out, const struct aw_batch_task *task)
{
    const struct aw_batch_array *array = task->array;

    put_number (out, "SLURM_ARRAY_TASK_ID", array->indexes[task->element]);
    put_number (out, "SLURM_ARRAY_TASK_COUNT", array->n);
    put_number (out, "SLURM_ARRAY_TASK_MIN", array->indexes[0]);
    put_number (out, "SLURM_ARRAY_TASK_MAX", array->indexes[array->n - 1]);
    put_number (out, "SLURM_ARRAY_TASK_STEP", array->step);
}

/* Variables that a job of Slurm has, but for those that the node or the id decides. */
static void put_environment (struct aw_textbuf *out, const struct aw_batch_task *task)
{
    const struct aw_batch_request *r = task->request;
    char *directory = getcwd (NULL, 0), host[256] = "";

    aw_textbuf_puts (out, "\"environment\":{");
    aw_task_put_text (out, "SLURM_JOB_NAME", task->options->values[AW_BATCH_NAME]);
    aw_task_put_text (out, "SLURM_SUBMIT_DIR", directory);
    if (gethostname (host, sizeof (host) - 1) == 0)
        aw_task_put_text (out, "SLURM_SUBMIT_HOST", host);
    aw_task_put_text (out, "SLURM_JOB_USER", aw_slurm_user ());
    put_number (out, "SLURM_JOB_UID", geteuid ());
    put_number (out, "SLURM_CPUS_ON_NODE", r->cpus);
    if (r->ntasks_given) {
        put_number (out, "SLURM_NTASKS", r->ntasks);
        put_number (out, "SLURM_NPROCS", r->ntasks);
    }
    if (r->cpus_given)
        put_number (out, "SLURM_CPUS_PER_TASK", r->cpus_per_task);
    if (r->mem)
        put_number (out, "SLURM_MEM_PER_NODE", r->mem);
    if (task->array)
        put_array_variables (out, task);
    if (!out->failed)
        out->data[out->len - 1] = '}';
    aw_textbuf_putc (out, ',');
    free (directory);
}

static void add_option (struct aw_strings *words, const char *option, const char *value)
{
    if (!value)
        return;
    aw_strings_add (words, option);
    aw_strings_add (words, value);
}

/* The command: slurm_script, which becomes the script. */
static int put_command (struct aw_textbuf *out, const struct aw_batch_task *task)
{
    const char *const *values = task->options->values;
    struct aw_strings words = { 0 };
    char first[24];

    snprintf (first, sizeof (first), "%llu", task->first);
    add_option (&words, "-o",
                values[AW_BATCH_OUTPUT] ? values[AW_BATCH_OUTPUT]
                : task->array           ? "slurm-%A_%a.out"
                                        : "slurm-%j.out");
    add_option (&words, "-e", values[AW_BATCH_ERROR]);
    add_option (&words, "-i", values[AW_BATCH_INPUT]);
    add_option (&words, "-m", values[AW_BATCH_OPEN_MODE]);
    if (task->array)
        add_option (&words, "-A", first);
    aw_strings_add (&words, "--");
    aw_strings_add (&words, task->script);
    for (size_t i = 0; i < task->n_arguments; i++)
        aw_strings_add (&words, task->arguments[i]);
    aw_task_put_words (out, "command", "slurm_script", words.v, words.n);
    out->failed = out->failed || words.failed;
    aw_strings_finish (&words);
    return 0;
}

static void put_resources (struct aw_textbuf *out, const struct aw_batch_request *r)
{
    if (r->gpus > 0) {
        aw_textbuf_printf (out, "\"gpus\":%.15g,", r->gpus);
        aw_task_put_text (out, "gpu_type", *r->gpu_type ? r->gpu_type : NULL);
    }
    if (r->mem)
        aw_textbuf_printf (out, "\"mem\":\"%lluM\",", (unsigned long long)r->mem);
    if (r->time_limit > 0)
        aw_textbuf_printf (out, "\"time_limit\":%.15g,", r->time_limit);
    aw_textbuf_printf (out, "\"cpus\":%u,", r->cpus);
}

/* "[R][B:]USR1[@60]". 0, or -1, printed. */
static int put_signal (struct aw_textbuf *out, const char *text)
{
    const char *signal = text, *at;
    char word[48];
    size_t n;

    while (signal && (*signal == 'B' || *signal == 'R') && strchr (signal, ':')
           && strspn (signal, "BR:") >= (size_t)(strchr (signal, ':') + 1 - signal))
        signal = strchr (signal, ':') + 1;
    if (!signal)
        return 0;
    at = strchrnul (signal, '@');
    n = (size_t)(at - signal);
    if (n == 0 || n > 16 || strlen (at) > 16 || strspn (signal, "0123456789") == n)
        return aw_slurm_error ("Invalid signal specification: %s: give a name, such as USR1@60",
                               text);
    if (strncasecmp (signal, "SIG", 3) == 0) {
        signal += 3;
        n -= 3;
    }
    snprintf (word, sizeof (word), "%.*s%s", (int)n, signal, *at ? at : "@60");
    aw_task_put_text (out, "checkpoint_signal", word);
    return 0;
}

int aw_batch_task_put (const struct aw_batch_task *task, struct aw_textbuf *out)
{
    const char *const *values = task->options->values;

    aw_textbuf_puts (out, "{\"slurm_commands\":true,");
    put_set_name (out, values[AW_BATCH_NAME]);
    aw_task_put_text (out, "directory", values[AW_BATCH_CHDIR]);
    put_resources (out, task->request);
    if (put_comment (out, task) < 0 || put_command (out, task) < 0
        || put_signal (out, values[AW_BATCH_SIGNAL]) < 0)
        return -1;
    put_environment (out, task);
    if (!values[AW_BATCH_NO_REQUEUE])
        aw_textbuf_printf (out, "\"retries\":{\"count\":%d,\"on\":[\"node_fail\"]},", REQUEUES);
    aw_textbuf_put (out, task->dependencies->data, task->dependencies->len);
    if (task->before && !out->failed)
        aw_textbuf_printf (out, "%s%llu", out->data[out->len - 1] == '[' ? "" : ",", task->before);
    aw_textbuf_puts (out, "]}");
    return out->failed ? aw_slurm_error ("out of memory") : 0;
}
