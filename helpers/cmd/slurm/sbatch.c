/* SPDX-License-Identifier: Apache-2.0 */
/* sbatch: submits a script as a task of the pool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/slurm/batch_array.h"
#include "cmd/slurm/batch_depend.h"
#include "cmd/slurm/batch_export.h"
#include "cmd/slurm/batch_options.h"
#include "cmd/slurm/batch_script.h"
#include "cmd/slurm/batch_task.h"
#include "cmd/slurm/job_list.h"
#include "cmd/slurm/slurm.h"

/* What is submitted. Its owner is aw_slurm_sbatch. */
struct batch {
    struct aw_slurm_options options;
    struct aw_batch_request request;
    struct aw_batch_array array;
    struct aw_strings words; /* of #SBATCH lines */
    struct aw_strings environment;
    struct aw_textbuf dependencies;
    char *text, *path; /* of the script */
    char **arguments; /* of the script; borrowed */
    size_t n_arguments;
    unsigned long long *ids; /* of the elements; one where there is no array */
};

/* An array has an element for each index, another job is one. */
static size_t n_elements (const struct batch *b)
{
    return b->options.values[AW_BATCH_ARRAY] ? b->array.n : 1;
}

/* Options: the command line's over the environment's over the script's. 0, or -1, printed. */
static int read_all (struct batch *b, int argc, char **argv)
{
    struct aw_slurm_options *o = &b->options, own = aw_batch_options (AW_SBATCH);
    int first = aw_slurm_parse (&own, argc, argv, false);
    const char *wrap = own.values[AW_BATCH_WRAP];
    size_t size;

    if (own.values[AW_BATCH_HELP] || own.values[AW_BATCH_USAGE] || own.values[AW_BATCH_VERSION])
        exit (aw_slurm_real (argv));
    if (wrap && first < argc)
        return aw_slurm_error ("Script arguments are not permitted with --wrap option.");
    b->text = aw_batch_script_read (first < argc ? argv[first] : NULL, wrap, &size);
    if (!b->text || (!wrap && aw_batch_script_options (b->text, o, &b->words) < 0))
        return -1;
    aw_slurm_parse_environment (o);
    aw_slurm_parse (o, argc, argv, false);
    b->arguments = first < argc ? argv + first + 1 : argv + argc;
    b->n_arguments = first < argc ? (size_t)(argc - first - 1) : 0;
    if (!o->values[AW_BATCH_NAME] && first < argc)
        o->values[AW_BATCH_NAME] =
            strrchr (argv[first], '/') ? strrchr (argv[first], '/') + 1 : argv[first];
    if (!o->values[AW_BATCH_NAME])
        o->values[AW_BATCH_NAME] = wrap ? "wrap" : "sbatch";
    if (aw_slurm_check (o) < 0 || aw_batch_request (o, &b->request) < 0)
        return -1;
    if (o->values[AW_BATCH_ARRAY] && aw_batch_array_read (&b->array, o->values[AW_BATCH_ARRAY]) < 0)
        return -1;
    b->path = aw_batch_script_keep (b->text, size);
    aw_batch_export (o->values[AW_BATCH_EXPORT], &b->environment);
    b->ids = calloc (n_elements (b), sizeof (*b->ids));
    if (b->path && (!b->ids || b->environment.failed))
        return aw_slurm_error ("out of memory");
    return b->path ? 0 : -1;
}

/* What the pool answered: one problem a line. */
static int print_problems (const char *text)
{
    while (*text) {
        int length = (int)strcspn (text, "\n");

        aw_slurm_error ("Batch job submission failed: %.*s", length, text);
        text += length + (text[length] == '\n');
    }
    return -1;
}

/* Submits element I. 0, or -1, printed. */
static int submit (struct batch *b, struct aw_connection *aw, size_t i)
{
    const struct aw_batch_task task = {
        .options = &b->options,
        .request = &b->request,
        .array = b->options.values[AW_BATCH_ARRAY] ? &b->array : NULL,
        .element = i,
        .first = i > 0 ? b->ids[0] : 0,
        .before = b->array.at_once && i >= b->array.at_once ? b->ids[i - b->array.at_once] : 0,
        .dependencies = &b->dependencies,
        .script = b->path,
        .arguments = b->arguments,
        .n_arguments = b->n_arguments,
    };
    struct aw_textbuf text = { 0 };
    int rc = aw_batch_task_put (&task, &text);

    if (rc == 0 && aw_submit (aw, text.data, text.len, b->environment.v, -1, &b->ids[i]) < 0)
        rc = print_problems (aw_error_text (aw));
    aw_textbuf_finish (&text);
    return rc;
}

/* Submits all elements, or none. 0, or -1, printed. */
static int submit_all (struct batch *b, struct aw_connection *aw)
{
    size_t n = n_elements (b), i = 0;
    int rc = aw_batch_depend (aw, b->options.values[AW_BATCH_DEPENDENCY], &b->dependencies);

    while (rc == 0 && i < n)
        rc = submit (b, aw, i++);
    while (rc < 0 && i > 0) {
        char id[24];

        snprintf (id, sizeof (id), "%llu", b->ids[--i]);
        if (b->ids[i])
            aw_cancel (aw, id, 0, -1);
    }
    return rc;
}

/* Waits for all elements. The largest of their exit codes; 1 where one has none. */
static int wait_for (const struct batch *b, struct aw_connection *aw)
{
    size_t n = n_elements (b);
    struct aw_job_list list = { 0 };
    int status = 0;

    if (aw_wait (aw, b->ids, n, -1, NULL) < 0) {
        aw_slurm_error ("%s", aw_error_text (aw));
        return 1;
    }
    if (aw_job_list_load (&list, aw, AW_JOBS_ENDED, b->ids[0], b->ids[n - 1]) < 0)
        status = 1;
    for (size_t i = 0, k = 0; i < list.n; i++) {
        const struct aw_job *job = &list.jobs[i];
        int code = job->state == AW_SUCCESS ? 0 : job->code ? job->code : 1;

        if (k < n && job->id == b->ids[k]) {
            k++;
            status = code > status ? code : status;
        }
    }
    aw_job_list_finish (&list);
    return status;
}

static int run (struct batch *b)
{
    const char *const *values = b->options.values;
    struct aw_connection *aw = aw_slurm_open ();
    int status = aw && submit_all (b, aw) == 0 ? 0 : 1;

    if (status == 0 && values[AW_BATCH_PARSABLE])
        printf ("%llu\n", b->ids[0]);
    else if (status == 0 && !values[AW_BATCH_QUIET])
        printf ("Submitted batch job %llu\n", b->ids[0]);
    status = aw_slurm_end (status);
    if (status == 0 && values[AW_BATCH_WAIT])
        status = wait_for (b, aw);
    aw_close (aw);
    return status;
}

int aw_slurm_sbatch (int argc, char **argv)
{
    struct batch b = { .options = aw_batch_options (AW_SBATCH) };
    int status = read_all (&b, argc, argv) < 0 ? 1 : run (&b);

    aw_batch_array_finish (&b.array);
    aw_strings_finish (&b.words);
    aw_strings_finish (&b.environment);
    aw_textbuf_finish (&b.dependencies);
    free (b.text);
    free (b.path);
    free (b.ids);
    return status;
}
