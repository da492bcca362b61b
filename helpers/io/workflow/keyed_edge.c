/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/keyed_edge.h"

#include <stdio.h>
#include <string.h>

#include "io/workflow/key_groups.h"
#include "io/workflow/value_sources.h"
#include "io/workflow/workflow.h"

enum { SHOWN_KEY = 200 }; /* bytes */

static bool report_unknown (struct aw_reader *reader,
                            const char *name,
                            const struct aw_edge_end *end)
{
    const char *names[AW_VALUES_MAX_VARIABLES];
    uint32_t n = aw_values_n_variables (end->values);
    char kind[AW_WORKFLOW_MAX_NAME + 32];

    for (uint32_t i = 0; i < n; i++)
        names[i] = aw_values_name (end->values, i);
    snprintf (kind, sizeof (kind), "variable of %.64s", end->set);
    return aw_reader_unknown (reader, kind, name, names, n,
                              "write the name of a variable in its \"foreach\"");
}

/* Stores the variables of the set that BRACKETS name, and their number. */
static bool find_variables (struct aw_reader *reader,
                            const char *brackets,
                            const struct aw_edge_end *end,
                            uint32_t *variables,
                            uint32_t *n)
{
    char name[AW_WORKFLOW_MAX_NAME + 1];

    if (!end->values)
        return aw_reader_error (
            reader, "[%.80s]: %.64s has no variables: give it a \"foreach\", or write [i] or no []",
            brackets, end->set);
    for (*n = 0; *brackets; ++*n) {
        size_t length = strcspn (brackets, ",");

        if (*n == AW_VALUES_MAX_VARIABLES)
            return aw_reader_error (reader, "more than %d variables in []",
                                    AW_VALUES_MAX_VARIABLES);
        snprintf (name, sizeof (name), "%.*s", (int)(length < sizeof (name) ? length : 64),
                  brackets);
        variables[*n] = aw_values_find (end->values, brackets, length);
        if (variables[*n] == AW_VALUES_NONE)
            return report_unknown (reader, name, end);
        for (uint32_t i = 0; i < *n; i++)
            if (variables[i] == variables[*n])
                return aw_reader_error (reader, "\"%s\" is in [] twice: remove one", name);
        brackets += length + (brackets[length] == ',');
    }
    return true;
}

/* "sample=s7, chromosome=X" of the task of INDEX. Returns BUF. */
static const char *show_key (const struct aw_keyed_set *set, uint32_t index, char *buf, size_t size)
{
    size_t length = 0;

    buf[0] = '\0';
    for (uint32_t i = 0; i < set->n && length < size; i++)
        length += (size_t)snprintf (buf + length, size - length, "%s%.64s=%.64s", i ? ", " : "",
                                    aw_values_name (set->values, set->variables[i]),
                                    aw_values_text (set->values, index, set->variables[i]));
    return buf;
}

/* OTHER has keys that the set does not have. */
static void report_missing (struct aw_reader *reader,
                            const char *brackets,
                            const char *set,
                            const char *other,
                            const struct aw_keyed_set *keys,
                            const struct aw_missing_keys *missing)
{
    char key[SHOWN_KEY], more[64] = "";

    if (missing->n > 1)
        snprintf (more, sizeof (more), ", and %u more key%s", missing->n - 1,
                  missing->n > 2 ? "s" : "");
    if (missing->n > 0)
        aw_reader_error (
            reader,
            "[%.80s]: %.64s has no task with %s, which %.64s has%s: both sets need the same values",
            brackets, set, show_key (keys, missing->index, key, sizeof (key)), other, more);
}

bool aw_keyed_edge_read (struct aw_reader *reader,
                         const char *brackets,
                         const struct aw_edge_end *before,
                         const struct aw_edge_end *after,
                         struct aw_edge_key *key)
{
    uint32_t x_variables[AW_VALUES_MAX_VARIABLES], y_variables[AW_VALUES_MAX_VARIABLES];
    struct aw_keyed_set x = { before->values, x_variables, 0 };
    struct aw_keyed_set y = { after->values, y_variables, 0 };
    struct aw_missing_keys in_after, in_before;
    int rc;

    if (!find_variables (reader, brackets, before, x_variables, &x.n)
        || !find_variables (reader, brackets, after, y_variables, &y.n))
        return false;
    rc = aw_key_groups (key, brackets, &x, &y, &in_after, &in_before);
    if (rc < 0)
        return aw_reader_no_memory (reader);
    if (rc == 0) {
        report_missing (reader, brackets, before->set, after->set, &y, &in_before);
        report_missing (reader, brackets, after->set, before->set, &x, &in_after);
    }
    return rc > 0;
}
