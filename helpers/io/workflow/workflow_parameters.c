/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/workflow_parameters.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/outside.h"
#include "io/workflow/reader_keys.h"
#include "io/workflow/template.h"
#include "io/workflow/workflow.h"
#include "util/utf8.h"

static bool check_parameter_name (struct aw_reader *reader, const char *name)
{
    for (int i = 0; i < AW_RESERVED_PLACEHOLDERS; i++)
        if (!strcmp (name, aw_task_placeholders[i]))
            return aw_reader_error (reader, "{%s} is built in: give the parameter another name",
                                    name);
    if (!*name)
        return aw_reader_error (reader, "empty name: give it one");
    if (strnlen (name, AW_WORKFLOW_MAX_NAME + 1) > AW_WORKFLOW_MAX_NAME)
        return aw_reader_error (reader, "name too long: at most %d characters",
                                AW_WORKFLOW_MAX_NAME);
    if (!aw_template_is_name (name))
        return aw_reader_error (reader, "a parameter's name has only letters, digits, \"_\" and "
                                        "\"-\", and begins with a letter or \"_\"");
    return true;
}

/* Values are put in as they are: a placeholder within one would stay. */
static void warn_of_placeholders (struct aw_reader *reader, const char *text)
{
    for (int i = 0; i < AW_TASK_PLACEHOLDERS; i++) {
        const char *found = text;
        size_t n = strlen (aw_task_placeholders[i]);

        while ((found = strchr (found, '{'))) {
            found++;
            if (!strncmp (found, aw_task_placeholders[i], n) && found[n] == '}') {
                aw_reader_warn (
                    reader,
                    "{%s} within a parameter is not replaced: write it where the parameter is used",
                    aw_task_placeholders[i]);
                break;
            }
        }
    }
}

/* Text or a number as it is put into texts; NULL for what is neither, reported. */
static const char *text_of (struct aw_reader *reader,
                            struct json_object *value,
                            char buf[AW_SHOWN_SIZE])
{
    const char *text = NULL;

    switch (json_object_get_type (value)) {
    case json_type_string:
        aw_reader_text (reader, value, &text);
        return text;
    case json_type_int:
    case json_type_double:
        return aw_reader_number_text (reader, value, buf) ? buf : NULL;
    default:
        aw_reader_error (reader, "must be text or a number, not %s", aw_reader_type (value));
        return NULL;
    }
}

/* {"env": VARIABLE, "default": VALUE}. */
struct from_environment {
    const char *variable, *otherwise; /* borrowed from the tree or BUF; NULL: not given */
    char buf[AW_SHOWN_SIZE];
};

static void read_variable (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct from_environment *from = object;
    const char *text;

    if (!aw_reader_text (reader, value, &text))
        return;
    if (!*text || strchr (text, '=') || *text == '$')
        aw_reader_error (reader, "\"%.64s\" is not a variable's name: write it as \"SCRATCH\"",
                         text);
    else
        from->variable = text;
}

static void read_default (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct from_environment *from = object;

    from->otherwise = text_of (reader, value, from->buf);
}

/* What the variable holds, at a start; else what it held then, by the record. NULL: nothing. */
static const char *look_up (struct aw_reader *reader, const char *name, const char *variable)
{
    struct aw_outside *outside = reader->outside;
    const char *text;

    if (outside->recorded)
        return aw_strings_getenv (&outside->environment, name);
    text = getenv (variable);
    if (!text || !*text)
        return NULL;
    if (!aw_utf8_is_text (text) || strlen (text) > AW_MAX_TEXT) {
        aw_reader_error (reader, "the value of %s in the environment is not UTF-8, or too long",
                         variable);
        return NULL;
    }
    aw_strings_setenv (&outside->environment, name, text);
    return text;
}

/* The value of {"env": ...}; NULL, reported, where there is none. GIVEN: it is not needed. */
static const char *environment_text (struct aw_reader *reader,
                                     const char *name,
                                     struct json_object *value,
                                     bool given,
                                     struct from_environment *from)
{
    static const struct aw_key keys[] = {
        { "env", .read = read_variable },
        { "default", .read = read_default },
    };
    size_t before = reader->problems->n_errors;
    const char *text;

    aw_keys_read (reader, keys, 2, "known keys: env, default", value, from);
    if (reader->problems->n_errors > before)
        return NULL;
    if (!from->variable) {
        aw_reader_error (reader, "\"env\", the name of a variable, is missing");
        return NULL;
    }
    if (!reader->outside) {
        aw_reader_error (reader,
                         "an added workflow does not read the environment: write the value");
        return NULL;
    }
    reader->outside->from_environment = true;
    if (given)
        return "";
    text = look_up (reader, name, from->variable);
    if (!text)
        text = from->otherwise;
    if (!text)
        aw_reader_error (reader,
                         "the environment has no %s: set it, give --param %s=VALUE, or add a "
                         "\"default\"",
                         from->variable, name);
    return text;
}

static void read_parameter (struct aw_reader *reader, const char *name, struct json_object *value)
{
    struct from_environment from = { 0 };
    bool object = json_object_is_type (value, json_type_object);
    const char *given, *text;
    char buf[AW_SHOWN_SIZE];

    if (!check_parameter_name (reader, name))
        return;
    given = reader->outside ? aw_strings_getenv (&reader->outside->given, name) : NULL;
    text = object ? environment_text (reader, name, value, given, &from)
                  : text_of (reader, value, buf);
    if (given)
        text = given;
    if (!text)
        text = "1"; /* it is known: texts with its name are not wrong */
    warn_of_placeholders (reader, text);
    aw_reader_add_parameter (reader, name, text, object || given);
}

void aw_parameters_read (struct aw_reader *reader, struct json_object *object)
{
    size_t top = aw_reader_enter (reader, "parameters");

    if (object && aw_reader_object (reader, object)) {
        json_object_object_foreach (object, name, value)
        {
            size_t mark = aw_reader_enter (reader, name);

            read_parameter (reader, name, value);
            aw_reader_leave (reader, mark);
        }
    }
    aw_reader_leave (reader, top);
    if (reader->outside)
        aw_outside_check (reader->outside, reader);
}
