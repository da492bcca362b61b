/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/slurm/slurm.h"
#include "util/array.h"

void aw_selection_finish (struct aw_selection *selection)
{
    free (selection->ids);
}

/* Is WORD in LIST, of words with commas between them? */
static bool word_is_in (const char *list, const char *word)
{
    size_t length = strlen (word);

    while (*list) {
        size_t n = strcspn (list, ", ");

        if (n == length && strncasecmp (list, word, n) == 0)
            return true;
        list += n + (list[n] != '\0');
    }
    return false;
}

/*
 * Ids
 */

static int add (struct aw_selection *s, const struct aw_wanted *wanted)
{
    if (wanted->id < AW_JOB_FIRST) {
        s->n_others++;
        return 0;
    }
    if (aw_array_reserve (&s->ids, &s->room, s->n_ids + 1) < 0)
        return aw_slurm_error ("out of memory");
    s->ids[s->n_ids++] = *wanted;
    return 0;
}

/* "3", "1-3": false where it is neither. */
static bool read_range (const char **text, struct aw_wanted *wanted)
{
    size_t n = strspn (*text, "0123456789");

    if (n == 0 || n > 9)
        return false;
    wanted->elements = true;
    wanted->first = wanted->last = (uint32_t)strtoul (*text, NULL, 10);
    *text += n;
    if (**text != '-')
        return true;
    n = strspn (++*text, "0123456789");
    wanted->last = (uint32_t)strtoul (*text, NULL, 10);
    *text += n;
    return n > 0 && n < 10;
}

/* The text behind the "_" of an array's id. 1, 0: it is wrong, or -1, printed. */
static int add_elements (struct aw_selection *s, const char **text, struct aw_wanted *wanted)
{
    if (**text != '[')
        return read_range (text, wanted) ? add (s, wanted) + 1 : 0;
    do {
        ++*text;
        if (!read_range (text, wanted))
            return 0;
        if (add (s, wanted) < 0)
            return -1;
    } while (**text == ',');
    return *(*text)++ == ']';
}

static int add_id (struct aw_selection *s, const char **text)
{
    struct aw_wanted wanted = { 0 };
    const char *start = *text;
    size_t n = strspn (start, "0123456789");
    int rc = n > 0 && n < 19;

    wanted.id = strtoull (start, NULL, 10);
    *text += n;
    if (rc && **text == '_') {
        ++*text;
        rc = add_elements (s, text, &wanted);
    }
    else if (rc)
        rc = add (s, &wanted) + 1;
    if (rc > 0 && (**text == '.' || **text == '+'))
        *text += strcspn (*text, ", ");
    if (rc < 0 || (rc && (!**text || strchr (", ", **text))))
        return rc < 0 ? -1 : 0;
    return aw_slurm_error ("Invalid job id: %s", start);
}

int aw_selection_add_ids (struct aw_selection *s, const char *text)
{
    while (*(text += strspn (text, ", ")))
        if (add_id (s, &text) < 0)
            return -1;
    return 0;
}

static bool is_wanted (const struct aw_wanted *wanted, const struct aw_job *job)
{
    if (wanted->elements)
        return job->array == wanted->id && job->index >= wanted->first
               && job->index <= wanted->last;
    return job->id == wanted->id || job->array == wanted->id;
}

/*
 * All together
 */

int aw_selection_check_states (const struct aw_selection *s)
{
    char word[32];

    for (const char *p = s->states ? s->states : ""; *p;) {
        size_t n = strcspn (p, ", ");

        snprintf (word, sizeof (word), "%.*s", (int)n, p);
        if (n && strcasecmp (word, "all") != 0 && (n > 24 || !aw_job_state_is_known (word)))
            return aw_slurm_error ("Invalid job state specified: %s", word);
        p += n + (p[n] != '\0');
    }
    return 0;
}

static bool is_own (const char *users)
{
    char uid[16];

    snprintf (uid, sizeof (uid), "%u", (unsigned)geteuid ());
    return word_is_in (users, aw_slurm_user ()) || word_is_in (users, uid);
}

bool aw_selection_has (const struct aw_selection *s, const struct aw_job *job)
{
    bool found = s->n_ids == 0;

    for (size_t i = 0; i < s->n_ids && !found; i++)
        found = is_wanted (&s->ids[i], job);
    return found && (!s->names || word_is_in (s->names, job->name))
           && (!s->states || word_is_in (s->states, "all")
               || word_is_in (s->states, job->words->word)
               || word_is_in (s->states, job->words->compact));
}

int aw_selection_load (const struct aw_selection *s,
                       struct aw_connection *aw,
                       int flags,
                       struct aw_job_list *list)
{
    uint64_t first = s->n_ids ? UINT64_MAX : 0, last = s->n_ids ? 0 : INT64_MAX;
    bool more = false;

    if (s->users && !is_own (s->users))
        return 0;
    for (size_t i = 0; i < s->n_ids; i++) {
        first = s->ids[i].id < first ? s->ids[i].id : first;
        last = s->ids[i].id > last ? s->ids[i].id : last;
        more = more || s->ids[i].elements;
    }
    if (aw_job_list_load (list, aw, s->n_ids ? flags | AW_JOBS_ENDED : flags, first, last) < 0)
        return -1;
    /* Elements of an array have later ids than its first one. */
    for (size_t i = 0; i < list->n && s->n_ids; i++)
        more = more || list->jobs[i].array == list->jobs[i].id;
    if (s->n_ids && more)
        return aw_job_list_load (list, aw, flags, last + 1, INT64_MAX);
    return 0;
}
