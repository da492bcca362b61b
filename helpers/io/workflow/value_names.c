/* SPDX-License-Identifier: Apache-2.0 */
/* What variables may be called. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/workflow/template.h"
#include "io/workflow/value_sources.h"
#include "io/workflow/workflow.h"

/* What a new variable is, and where it stands. */
struct variable {
    struct aw_reader *reader;
    const char *name;
    const char *path, *where; /* NULL: in no file */
};

__attribute__ ((format (printf, 2, 3))) static bool report (const struct variable *v,
                                                            const char *fmt,
                                                            ...)
{
    char text[512];
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    if (v->path)
        return aw_reader_error (v->reader, "%s: %s: %s", v->path, v->where, text);
    return aw_reader_error (v->reader, "%s", text);
}

static bool check_name (const struct variable *v)
{
    const char *name = v->name;

    for (int i = 0; i < AW_TASK_PLACEHOLDERS; i++)
        if (!strcmp (name, aw_task_placeholders[i]))
            return report (v, "{%s} is built in: give the variable another name", name);
    if (strnlen (name, AW_WORKFLOW_MAX_NAME + 1) > AW_WORKFLOW_MAX_NAME)
        return report (v, "\"%.20s...\": name too long: at most %d characters", name,
                       AW_WORKFLOW_MAX_NAME);
    if (!aw_template_is_name (name))
        return report (v,
                       "\"%s\": a variable's name has only letters, digits, \"_\" and \"-\", "
                       "and begins with a letter or \"_\"",
                       name);
    if (aw_names_get (&v->reader->parameter_numbers, name, strlen (name)) != AW_NAMES_NONE)
        return report (v, "\"%s\" is a parameter too: give one of them another name", name);
    return true;
}

/* Are the two names one in the environment, where "-" becomes "_"? */
static bool same_in_environment (const char *a, const char *b)
{
    while (*a && (*a == *b || (*a == '-' && *b == '_') || (*a == '_' && *b == '-'))) {
        a++;
        b++;
    }
    return *a == *b;
}

bool aw_value_variable (struct aw_reader *reader,
                        struct aw_values *values,
                        const char *name,
                        const char *path,
                        const char *where)
{
    const struct variable v = { reader, name, path, where };
    uint32_t n = aw_values_n_variables (values);

    if (!check_name (&v))
        return false;
    if (n >= AW_VALUES_MAX_VARIABLES)
        return report (&v, "more than %d variables", AW_VALUES_MAX_VARIABLES);
    for (uint32_t i = 0; i < n; i++) {
        const char *other = aw_values_name (values, i);

        if (strcmp (other, name) == 0)
            return report (&v, "a second \"%s\": give it another name", name);
        if (same_in_environment (other, name))
            return report (&v,
                           "\"%s\" and \"%s\" would be one variable of the environment: give "
                           "one of them another name",
                           other, name);
    }
    if (aw_values_add_variable (values, name) < 0)
        return aw_reader_no_memory (reader);
    return true;
}
