/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/script_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/workflow/script_walk.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/template.h"
#include "io/workflow/values.h"

/* The value TEXT of VARIABLE has a newline. */
static void report_newline (struct aw_reader *reader, uint32_t variable, const char *text)
{
    const struct aw_values *values = reader->values;
    size_t line = aw_values_newline_at (values, variable);
    int shown = (int)strcspn (text, "\n");
    char place[64] = "", buf[AW_VALUES_NAME_SIZE];

    if (line > 0)
        snprintf (place, sizeof (place), " (line %zu of its file)", line);
    aw_reader_error (reader,
                     "{%s}: the value \"%.*s...\"%s has a newline, which a script cannot have: use "
                     "\"$%s\"",
                     aw_values_name (values, variable), shown < 40 ? shown : 40, text, place,
                     aw_values_environment (values, variable, buf));
}

/* Reports VARIABLE where one of its values cannot stand in the script. */
static void check_texts (struct aw_reader *reader, uint32_t variable, bool other)
{
    const struct aw_values *values = reader->values;
    const char *name = aw_values_name (values, variable);
    char buf[AW_VALUES_NAME_SIZE];

    for (uint32_t i = 0; i < aw_values_n_texts (values, variable); i++) {
        const char *text = aw_values_nth_text (values, variable, i);

        if (strchr (text, '\n'))
            report_newline (reader, variable, text);
        else if (other && aw_shell_needs_quotes (text))
            aw_reader_error (reader,
                             "{%s}: the value \"%.40s\" would need quotes, which differ by "
                             "language: read the environment variable %s",
                             name, text, aw_values_environment (values, variable, buf));
        else
            continue;
        return;
    }
}

/* Warns where the placeholder at W, of VARIABLE, stands within quotes or a here-document. */
static bool warn_of_quotes (struct aw_reader *reader,
                            const struct aw_script_walk *w,
                            uint32_t variable)
{
    char name[AW_VALUES_NAME_SIZE];

    if (!aw_script_quotes (w))
        return false;
    aw_reader_warn (reader,
                    "{%s} stands within %s, where the shell would keep the backslashes that "
                    "quote its value: %s\"$%s\"",
                    aw_values_name (reader->values, variable),
                    w->document ? "a here-document" : "quotes",
                    w->document ? "use " : "remove the quotes, or use ",
                    aw_values_environment (reader->values, variable, name));
    return true;
}

/* Warns of each variable at most once. */
static void check_quotes (struct aw_reader *reader, const char *script)
{
    bool *warned = calloc (aw_values_n_variables (reader->values) + (size_t)1, sizeof (*warned));
    struct aw_script_walk w = { .script = script, .p = script };
    const char *from = script, *name;
    size_t length;

    while (warned && (name = aw_template_variable (&from, &length))) {
        uint32_t variable = aw_values_find (reader->values, name, length);

        if (aw_script_walk (&w, name - 1) && variable != AW_VALUES_NONE && !warned[variable])
            warned[variable] = warn_of_quotes (reader, &w, variable);
        if (w.p < from) /* else it stands in a comment */
            w.p = from;
    }
    free (warned);
}

void aw_check_script_values (struct aw_reader *reader, const char *script)
{
    bool other = aw_script_is_other_language (script);

    for (uint32_t v = 0; reader->values && v < aw_values_n_variables (reader->values); v++)
        if (aw_template_has (script, aw_values_name (reader->values, v)))
            check_texts (reader, v, other);
    if (reader->values && !other)
        check_quotes (reader, script);
}

/* Has TEXT, a value, a directory that its user may not mean? AT_START: the file's name begins with
 * it, so that it may be meant as a path. */
static bool has_directory (const char *text, bool at_start)
{
    if (!at_start)
        return strchr (text, '/') != NULL;
    for (const char *part = text; part; part = strchr (part, '/')) {
        part += *part == '/';
        if (strncmp (part, "..", 2) == 0 && (!part[2] || part[2] == '/'))
            return true;
    }
    return false;
}

void aw_check_output_values (struct aw_reader *reader,
                             const struct aw_values *values,
                             const char *output)
{
    const char *from = output, *name;
    size_t length;

    while ((name = aw_template_variable (&from, &length))) {
        uint32_t v = aw_values_find (values, name, length), i = 0;
        uint32_t n = v == AW_VALUES_NONE || name[length] == ':' ? 0 : aw_values_n_texts (values, v);

        while (i < n && !has_directory (aw_values_nth_text (values, v, i), name == output + 1))
            i++;
        if (i == n)
            continue;
        aw_reader_warn (reader,
                        "{%s}: the value \"%.40s\" leads to another directory: write {%s:name} "
                        "for its last part alone",
                        aw_values_name (values, v), aw_values_nth_text (values, v, i),
                        aw_values_name (values, v));
        return;
    }
}
