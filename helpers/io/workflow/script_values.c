/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/script_values.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/script_walk.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/template.h"
#include "io/workflow/values.h"

/* Reports VARIABLE where one of its values cannot stand in the script. */
static void check_texts (struct aw_reader *reader, uint32_t variable, bool other)
{
    const struct aw_values *values = reader->values;
    const char *name = aw_values_name (values, variable);
    char buf[AW_VALUES_NAME_SIZE];

    for (uint32_t i = 0; i < aw_values_n_texts (values, variable); i++) {
        const char *text = aw_values_nth_text (values, variable, i);

        if (strchr (text, '\n'))
            aw_reader_error (reader,
                             "{%s}: a value has a newline, which a script cannot have: use "
                             "\"$%s\"",
                             name, aw_values_environment (values, variable, buf));
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
