/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/job_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/list.h"
#include "cmd/slurm/slurm.h"
#include "io/textbuf.h"
#include "util/array.h"

static const struct aw_job_word states[] = {
    { AW_WAITING, NULL, "PENDING", "PD" },
    { AW_PENDING, NULL, "PENDING", "PD" },
    { AW_RUNNING, NULL, "RUNNING", "R" },
    { AW_SUCCESS, NULL, "COMPLETED", "CD" },
    { AW_FAILED, "timeout", "TIMEOUT", "TO" },
    { AW_FAILED, "node_fail", "NODE_FAIL", "NF" },
    { AW_FAILED, "out_of_memory", "OUT_OF_MEMORY", "OOM" },
    { AW_FAILED, "cancelled", "CANCELLED", "CA" },
    { AW_FAILED, NULL, "FAILED", "F" },
    { AW_CANCELLED, NULL, "CANCELLED", "CA" },
    { AW_SKIPPED, NULL, "CANCELLED", "CA" },
};
enum { N_STATES = sizeof (states) / sizeof (states[0]) };

/* States of Slurm that no submitted task is ever in. */
static const char *const others[] = {
    "CF", "CONFIGURING", "CG", "COMPLETING", "S",  "SUSPENDED",    "PR", "PREEMPTED",
    "BF", "BOOT_FAIL",   "DL", "DEADLINE",   "RH", "REQUEUE_HOLD", "RQ", "REQUEUED",
    "RF", "REQUEUE_FED", "ST", "STOPPED",    "SE", "SPECIAL_EXIT", "SO", "STAGE_OUT",
    "SI", "SIGNALING",   "RS", "RESIZING",   "RV", "REVOKED",      "RD", "RESV_DEL_HOLD"
};

bool aw_job_state_is_known (const char *text)
{
    for (size_t i = 0; i < N_STATES; i++)
        if (strcasecmp (text, states[i].word) == 0 || strcasecmp (text, states[i].compact) == 0)
            return true;
    for (size_t i = 0; i < sizeof (others) / sizeof (others[0]); i++)
        if (strcasecmp (text, others[i]) == 0)
            return true;
    return false;
}

static const struct aw_job_word *find_state (char state, const char *status)
{
    size_t i = 0;

    while (i + 1 < N_STATES
           && (states[i].state != state
               || (states[i].status && strcmp (states[i].status, status) != 0)))
        i++;
    return &states[i];
}

/*
 * The mark: "", "_3" or "1000000007_3", then, after "/", a name with %XX
 */

char *aw_job_mark (bool no_requeue, bool in_array, uint64_t first, uint32_t index, const char *name)
{
    struct aw_textbuf text = { 0 };

    if (no_requeue)
        aw_textbuf_putc (&text, '!');
    if (in_array && first)
        aw_textbuf_u64 (&text, first);
    if (in_array)
        aw_textbuf_printf (&text, "_%u", index);
    if (name)
        aw_textbuf_putc (&text, '/');
    for (; name && *name; name++)
        if ((unsigned char)*name <= ' ' || *name == '%')
            aw_textbuf_printf (&text, "%%%02x", (unsigned char)*name);
        else
            aw_textbuf_putc (&text, *name);
    aw_textbuf_putc (&text, '\0');
    if (!text.failed)
        return text.data;
    aw_textbuf_finish (&text);
    return NULL;
}

static void decode (char *text)
{
    char *to = text;
    unsigned byte;

    for (; *text; to++) {
        if (*text == '%' && sscanf (text + 1, "%2x", &byte) == 1) {
            *to = (char)byte;
            text += 3;
        }
        else
            *to = *text++;
    }
    *to = '\0';
}

static void read_mark (struct aw_job *job, char *mark)
{
    char *name, *index;

    job->no_requeue = *mark == '!';
    mark += job->no_requeue;
    name = strchr (mark, '/');
    index = strchr (mark, '_');
    if (name) {
        *name++ = '\0';
        decode (name);
        job->name = name;
    }
    if (!index || (name && index > name))
        return;
    job->array = index > mark ? strtoull (mark, NULL, 10) : job->id;
    job->index = (uint32_t)strtoul (index + 1, NULL, 10);
}

/*
 * The answer
 */

/* The next word up to END, cut off there. */
static char *word (char **at)
{
    char *start = *at;

    *at += strcspn (*at, " \t");
    if (**at)
        *(*at)++ = '\0';
    return start;
}

static uint64_t number (char **at)
{
    return strtoull (word (at), NULL, 10);
}

/* Reads LINE, and how many jobs it is true of. */
static uint64_t read_line (struct aw_job *job, char *line)
{
    char *comment = strchr (line, '\t'), *directory, *status, *mark;
    uint64_t count;

    if (!comment)
        return 0;
    *comment++ = '\0';
    directory = strchr (comment, '\t');
    if (directory)
        *directory++ = '\0';
    job->id = number (&line);
    count = number (&line);
    job->state = *word (&line);
    status = word (&line);
    job->words = find_state (job->state, status);
    job->code = (int)number (&line);
    job->signal = (int)number (&line);
    job->attempt = (uint32_t)number (&line);
    job->cpus = (uint32_t)number (&line);
    job->gpus = strtod (word (&line), NULL);
    job->mem = number (&line);
    job->limit = number (&line);
    job->submitted = (uint32_t)number (&line);
    job->started = (uint32_t)number (&line);
    job->ended = (uint32_t)number (&line);
    job->node = word (&line);
    if (strcmp (job->node, "-") == 0)
        job->node = "";
    job->name = word (&line);
    mark = word (&comment);
    job->comment = comment;
    job->directory = directory ? directory : "";
    read_mark (job, mark);
    return count;
}

static int add_line (struct aw_job_list *list, char *line)
{
    struct aw_job job = { 0 };
    uint64_t count = read_line (&job, line);

    if (aw_array_reserve (&list->jobs, &list->room, list->n + count) < 0)
        return aw_slurm_error ("out of memory");
    for (uint64_t i = 0; i < count; i++) {
        list->jobs[list->n] = job;
        list->jobs[list->n].id += i;
        if (job.array == job.id)
            list->jobs[list->n].array += i;
        list->n++;
    }
    return 0;
}

static int add_text (struct aw_job_list *list, char *text)
{
    if (aw_array_reserve (&list->texts, &list->texts_room, list->n_texts + 1) < 0) {
        free (text);
        return aw_slurm_error ("out of memory");
    }
    list->texts[list->n_texts++] = text;
    while (*text) {
        char *end = strchrnul (text, '\n');
        bool last = !*end;

        *end = '\0';
        if (add_line (list, text) < 0)
            return -1;
        text = last ? end : end + 1;
    }
    return 0;
}

int aw_job_list_load (
    struct aw_job_list *list, struct aw_connection *aw, int flags, uint64_t first, uint64_t last)
{
    unsigned long long next = first;

    do {
        char request[96], *text;

        snprintf (request, sizeof (request), "WPR%s %llu %llu%s",
                  flags & AW_JOBS_ENDED ? "SFCD" : "", next, (unsigned long long)last,
                  flags & AW_JOBS_DETAILS ? " details" : "");
        text = aw_list (aw, request, &next);
        if (!text)
            return aw_slurm_error ("%s", aw_error_text (aw));
        if (add_text (list, text) < 0)
            return -1;
    } while (next);
    return 0;
}

void aw_job_list_finish (struct aw_job_list *list)
{
    for (size_t i = 0; i < list->n_texts; i++)
        free (list->texts[i]);
    free (list->texts);
    free (list->jobs);
}
