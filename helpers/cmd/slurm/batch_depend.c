/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/batch_depend.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/slurm/selection.h"
#include "cmd/slurm/slurm.h"

/* Appends the ids of the jobs that TEXT names, "1000000001:1000000002_3", or a whole array. */
static int put_ids (struct aw_connection *aw, char *text, struct aw_textbuf *out)
{
    struct aw_selection s = { 0 };
    struct aw_job_list list = { 0 };
    size_t found = 0;
    int rc = 0;

    for (char *c = text; *c; c++)
        if (*c == ':')
            *c = ',';
    if (strchr (text, '+') || aw_selection_add_ids (&s, text) < 0 || s.n_others || !s.n_ids)
        rc = -1;
    if (rc == 0)
        rc = aw_selection_load (&s, aw, AW_JOBS_ENDED, &list);
    for (size_t i = 0; rc == 0 && i < list.n; i++)
        if (aw_selection_has (&s, &list.jobs[i])) {
            if (out->len && out->data[out->len - 1] != '[')
                aw_textbuf_putc (out, ',');
            aw_textbuf_u64 (out, list.jobs[i].id);
            found++;
        }
    if (rc < 0 || found < s.n_ids)
        rc = aw_slurm_error ("Batch job submission failed: Job dependency problem: %s: give ids of "
                             "submitted tasks",
                             text);
    aw_job_list_finish (&list);
    aw_selection_finish (&s);
    return rc;
}

/* Appends the ids of PART, "afterok:...", to OK or ANY. */
static int put_part (struct aw_connection *aw,
                     char *part,
                     struct aw_textbuf *ok,
                     struct aw_textbuf *any)
{
    char *colon = strchr (part, ':');

    if (colon)
        *colon++ = '\0';
    if (colon && strcmp (part, "afterok") == 0)
        return put_ids (aw, colon, ok);
    if (colon && strcmp (part, "afterany") == 0)
        return put_ids (aw, colon, any);
    return aw_slurm_error ("--dependency=%s is not possible in a task of async-workflow: give "
                           "afterok or afterany, with ids and commas",
                           part);
}

int aw_batch_depend (struct aw_connection *aw, const char *text, struct aw_textbuf *out)
{
    struct aw_textbuf ok = { 0 }, any = { 0 };
    char *copy = strdup (text ? text : ""), *rest = NULL;
    int rc = copy ? 0 : aw_slurm_error ("out of memory");

    aw_textbuf_puts (&ok, "\"after_ok\":[");
    aw_textbuf_puts (&any, "],\"after_any\":[");
    if (copy && strchr (copy, '?'))
        rc = aw_slurm_error ("--dependency=%s: \"?\" is not possible: all must hold", text);
    for (char *part = rc == 0 ? strtok_r (copy, ",", &rest) : NULL; part && rc == 0;
         part = strtok_r (NULL, ",", &rest))
        rc = put_part (aw, part, &ok, &any);
    if (rc == 0) {
        aw_textbuf_put (out, ok.data, ok.len);
        aw_textbuf_put (out, any.data, any.len);
        out->failed = out->failed || ok.failed || any.failed;
    }
    aw_textbuf_finish (&ok);
    aw_textbuf_finish (&any);
    free (copy);
    return rc;
}
