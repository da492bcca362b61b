/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the first set are numbered, variable by variable: the number of the variables so far
 * and the number of the next text make a new number. The tasks of the second set look theirs up. A
 * text is looked up once, however many tasks have it.
 */
#include "io/workflow/key_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/table.h"

enum { NOT_THERE = 0 }; /* else a number + 1 */

/* Numbers for pairs of numbers, in the order in which they were met. */
struct pairs {
    uint32_t *direct; /* by first * n_seconds + second: where that is not too large; else NULL */
    struct aw_table table;
    uint64_t n_seconds;
    uint32_t n;
};

static int pairs_init (struct pairs *p, uint32_t n_firsts, uint32_t n_seconds, size_t n_tasks)
{
    uint64_t size = (uint64_t)n_firsts * n_seconds;

    *p = (struct pairs){ .n_seconds = n_seconds };
    if (size > 4 * (uint64_t)n_tasks)
        return 0;
    p->direct = calloc (size + 1, sizeof (*p->direct));
    return p->direct ? 0 : -1;
}

static void pairs_finish (struct pairs *p)
{
    free (p->direct);
    aw_table_finish (&p->table);
}

static uint32_t pairs_get (const struct pairs *p, uint32_t first, uint32_t second)
{
    uint64_t pair = first * p->n_seconds + second;

    return p->direct ? p->direct[pair] : (uint32_t)(uintptr_t)aw_table_get (&p->table, pair);
}

/* Its number + 1, a new one if need be; NOT_THERE with ENOMEM. */
static uint32_t pairs_add (struct pairs *p, uint32_t first, uint32_t second)
{
    uint64_t pair = first * p->n_seconds + second;
    uint32_t number = pairs_get (p, first, second);

    if (number != NOT_THERE)
        return number;
    number = p->n + 1;
    if (p->direct)
        p->direct[pair] = number;
    else if (aw_table_set (&p->table, pair, (void *)(uintptr_t)number) < 0)
        return NOT_THERE;
    return ++p->n;
}

/* The texts of a variable. */
struct texts {
    const struct aw_values *values;
    uint32_t variable;
    uint32_t n;
    struct aw_table table; /* of numbers + 1 by hash, or by the next free one. Empty until needed */
};

static const char *nth (const struct texts *texts, uint32_t number)
{
    return aw_values_nth_text (texts->values, texts->variable, number);
}

/* The number + 1 of TEXT, or NOT_THERE: then KEY is where it belongs in the table. */
static uint32_t find_text (const struct texts *texts, const char *text, uint64_t *key)
{
    uint32_t number;

    *key = aw_hash64 (AW_HASH64_BASIS, text, strlen (text));
    while ((number = (uint32_t)(uintptr_t)aw_table_get (&texts->table, *key)) != NOT_THERE
           && strcmp (nth (texts, number - 1), text) != 0)
        ++*key;
    return number;
}

static int make_table (struct texts *texts)
{
    uint64_t key;

    for (uint32_t i = 0; i < texts->n; i++)
        if (find_text (texts, nth (texts, i), &key) == NOT_THERE
            && aw_table_set (&texts->table, key, (void *)(uintptr_t)(i + 1)) < 0)
            return -1;
    return 0;
}

/* The numbers + 1 that SECOND's texts have in FIRST. Most often both have the same in the same
 * order; a table is made for the others. Caller frees; NULL with ENOMEM.
 */
static uint32_t *translate (struct texts *first, const struct texts *second)
{
    uint32_t *numbers = calloc ((size_t)second->n + 1, sizeof (*numbers));
    uint64_t key;

    for (uint32_t i = 0; numbers && i < second->n; i++) {
        if (i < first->n && strcmp (nth (first, i), nth (second, i)) == 0) {
            numbers[i] = i + 1;
            continue;
        }
        if (first->table.n_used == 0 && make_table (first) < 0) {
            free (numbers);
            return NULL;
        }
        numbers[i] = find_text (first, nth (second, i), &key);
    }
    return numbers;
}

/* The tasks of two sets by key: their groups + 1 by task. */
struct matching {
    const struct aw_keyed_set *first, *second;
    uint32_t *of_first, *of_second; /* Owned */
    uint32_t n_groups;
};

static void matching_finish (struct matching *m)
{
    free (m->of_first);
    free (m->of_second);
}

/* Takes the VARIABLEth variable into account. NUMBERS: of the second set's texts. */
static int match_variable (struct matching *m,
                           uint32_t variable,
                           const uint32_t *numbers,
                           struct pairs *pairs)
{
    const struct aw_values *first = m->first->values, *second = m->second->values;
    uint32_t x = m->first->variables[variable], y = m->second->variables[variable];

    for (uint32_t i = 0; i < aw_values_count (first); i++) {
        uint32_t *group = &m->of_first[i];

        *group = pairs_add (pairs, variable ? *group - 1 : 0, aw_values_number (first, i, x));
        if (*group == NOT_THERE)
            return -1;
    }
    for (uint32_t i = 0; i < aw_values_count (second); i++) {
        uint32_t *group = &m->of_second[i], number = numbers[aw_values_number (second, i, y)];

        if (number == NOT_THERE || (variable && *group == NOT_THERE))
            *group = NOT_THERE;
        else
            *group = pairs_get (pairs, variable ? *group - 1 : 0, number - 1);
    }
    return 0;
}

static int match_variables (struct matching *m)
{
    const struct aw_values *first = m->first->values, *second = m->second->values;
    size_t n_tasks = (size_t)aw_values_count (first) + aw_values_count (second);
    int rc = 0;

    m->n_groups = 1;
    for (uint32_t v = 0; rc == 0 && v < m->first->n; v++) {
        uint32_t x = m->first->variables[v], y = m->second->variables[v], *numbers;
        struct texts of_first = { first, x, aw_values_n_texts (first, x), { 0 } };
        struct texts of_second = { second, y, aw_values_n_texts (second, y), { 0 } };
        struct pairs pairs;

        numbers = translate (&of_first, &of_second);
        aw_table_finish (&of_first.table);
        if (!numbers)
            return -1;
        rc = pairs_init (&pairs, m->n_groups, of_first.n, n_tasks);
        rc = rc == 0 ? match_variable (m, v, numbers, &pairs) : rc;
        m->n_groups = pairs.n;
        pairs_finish (&pairs);
        free (numbers);
    }
    return rc;
}

static int matching_init (struct matching *m,
                          const struct aw_keyed_set *first,
                          const struct aw_keyed_set *second)
{
    *m = (struct matching){ .first = first, .second = second };
    m->of_first = calloc ((size_t)aw_values_count (first->values) + 1, sizeof (*m->of_first));
    m->of_second = calloc ((size_t)aw_values_count (second->values) + 1, sizeof (*m->of_second));
    if (m->of_first && m->of_second && match_variables (m) == 0)
        return 0;
    matching_finish (m);
    errno = ENOMEM;
    return -1;
}

/* The keys of the first set that the second one does not have. -1 with ENOMEM. */
static int find_missing (const struct matching *m, struct aw_missing_keys *missing)
{
    bool *seen = calloc ((size_t)m->n_groups + 1, sizeof (*seen));

    *missing = (struct aw_missing_keys){ 0 };
    if (!seen)
        return -1;
    for (uint32_t i = 0; i < aw_values_count (m->second->values); i++)
        seen[m->of_second[i]] = true;
    for (uint32_t i = 0; i < aw_values_count (m->first->values); i++) {
        if (seen[m->of_first[i]])
            continue;
        seen[m->of_first[i]] = true;
        if (missing->n++ == 0)
            missing->index = i;
    }
    free (seen);
    return 0;
}

static bool has_unmatched (const struct matching *m)
{
    for (uint32_t i = 0; i < aw_values_count (m->second->values); i++)
        if (m->of_second[i] == NOT_THERE)
            return true;
    return false;
}

/* The same the other way round; only where there are some. */
static int find_missing_reversed (const struct matching *m, struct aw_missing_keys *missing)
{
    struct matching reversed;
    int rc;

    *missing = (struct aw_missing_keys){ 0 };
    if (!has_unmatched (m))
        return 0;
    if (matching_init (&reversed, m->second, m->first) < 0)
        return -1;
    rc = find_missing (&reversed, missing);
    matching_finish (&reversed);
    return rc;
}

static int make_key (struct aw_edge_key *key, const char *name, struct matching *m)
{
    uint32_t n_first = aw_values_count (m->first->values);
    uint32_t n_second = aw_values_count (m->second->values);

    for (uint32_t i = 0; i < n_first; i++)
        m->of_first[i]--;
    for (uint32_t i = 0; i < n_second; i++)
        m->of_second[i]--;
    return aw_edge_key_init (key, name, m->n_groups, m->of_first, n_first, m->of_second, n_second);
}

int aw_key_groups (struct aw_edge_key *key,
                   const char *name,
                   const struct aw_keyed_set *before,
                   const struct aw_keyed_set *after,
                   struct aw_missing_keys *in_after,
                   struct aw_missing_keys *in_before)
{
    struct matching m;
    int rc = -1;

    memset (key, 0, sizeof (*key));
    if (matching_init (&m, before, after) < 0)
        return -1;
    if (find_missing (&m, in_after) == 0 && find_missing_reversed (&m, in_before) == 0) {
        if (in_after->n || in_before->n)
            rc = 0;
        else
            rc = make_key (key, name, &m) < 0 ? -1 : 1;
    }
    matching_finish (&m);
    return rc;
}
