/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/call_input.h"

#include <stdlib.h>
#include <string.h>

#include "io/json_string.h"
#include "io/json_tree.h"
#include "io/textbuf.h"
#include "io/workflow/template.h"
#include "util/packet.h"

enum { MAX_NAME = AW_TOPIC_MAX - (int)sizeof (AW_TOPIC_RESULTS) + 1 };

/* TEXT stands for itself: braces are doubled. */
static void put_plain (struct aw_textbuf *out, const char *text)
{
    for (; text && *text; text++) {
        aw_textbuf_putc (out, *text);
        if (*text == '{' || *text == '}')
            aw_textbuf_putc (out, *text);
    }
}

static void put_key (struct aw_textbuf *out, const char *key)
{
    struct aw_textbuf quoted = { 0 };

    aw_json_put_string (&quoted, key);
    aw_textbuf_putc (&quoted, '\0');
    put_plain (out, quoted.data);
    out->failed = out->failed || quoted.failed;
    aw_textbuf_finish (&quoted);
    aw_textbuf_putc (out, ':');
}

static bool put_value (struct aw_reader *reader, struct aw_textbuf *out, struct json_object *value);

/* Escapes leave placeholders alone: their names have no character that needs one. */
static bool put_string (struct aw_reader *reader, struct aw_textbuf *out, struct json_object *value)
{
    char *template = NULL;
    const char *raw;

    if (aw_reader_text (reader, value, &raw))
        template = aw_template_compile (reader, raw, AW_TEMPLATE_TEXT);
    if (!template)
        return false;
    aw_json_put_string (out, template);
    free (template);
    return true;
}

static bool put_object (struct aw_reader *reader, struct aw_textbuf *out, struct json_object *value)
{
    const char *before = "{{";
    bool good = true;

    json_object_object_foreach (value, key, member)
    {
        size_t mark = aw_reader_enter (reader, key);

        aw_textbuf_puts (out, before);
        put_key (out, key);
        good = put_value (reader, out, member) && good;
        before = ",";
        aw_reader_leave (reader, mark);
    }
    aw_textbuf_puts (out, *before == ',' ? "}}" : "{{}}");
    return good;
}

static bool put_array (struct aw_reader *reader, struct aw_textbuf *out, struct json_object *value)
{
    bool good = true;

    aw_textbuf_putc (out, '[');
    for (size_t i = 0; i < json_object_array_length (value); i++) {
        size_t mark = aw_reader_enter_index (reader, i);

        if (i > 0)
            aw_textbuf_putc (out, ',');
        good = put_value (reader, out, json_object_array_get_idx (value, i)) && good;
        aw_reader_leave (reader, mark);
    }
    aw_textbuf_putc (out, ']');
    return good;
}

static bool put_value (struct aw_reader *reader, struct aw_textbuf *out, struct json_object *value)
{
    if (json_object_is_type (value, json_type_object))
        return put_object (reader, out, value);
    if (json_object_is_type (value, json_type_array))
        return put_array (reader, out, value);
    if (json_object_is_type (value, json_type_string))
        return put_string (reader, out, value);
    put_plain (out, value ? aw_json_tree_text (value) : "null");
    return true;
}

bool aw_read_call_input (struct aw_reader *reader,
                         struct json_object *value,
                         struct aw_recipe *recipe)
{
    struct aw_textbuf out = { 0 };
    bool good = put_value (reader, &out, value);

    aw_textbuf_putc (&out, '\0');
    if (out.failed)
        good = aw_reader_no_memory (reader);
    if (good && out.len > AW_CALL_MAX)
        good = aw_reader_error (reader, "%zu bytes: the input of a call has at most %d", out.len,
                                AW_CALL_MAX);
    if (good && aw_reader_spend (reader, out.len))
        recipe->input = strdup (out.data);
    aw_textbuf_finish (&out);
    return recipe->input || !good ? good : aw_reader_no_memory (reader);
}

/* A worker has many tasks: nothing that it is started with differs by task. */
static void check_text (struct aw_reader *reader, const char *key, const char *text)
{
    static const char *const of_task[] = { "index", "iteration", "task" };
    size_t mark = aw_reader_enter (reader, key), length;
    const char *name = NULL;

    for (size_t i = 0; text && i < sizeof (of_task) / sizeof (of_task[0]); i++)
        if (aw_template_has (text, of_task[i]))
            aw_reader_error (reader,
                             "{%s} differs by task, but a worker takes many tasks: each call "
                             "has it; or put it into \"input\"",
                             of_task[i]);
    if (text)
        name = aw_template_variable (&text, &length);
    if (name)
        aw_reader_error (reader,
                         "{%.*s} differs by task, but a worker takes many tasks: each call has "
                         "it under \"values\"",
                         length > 64 ? 64 : (int)length, name);
    aw_reader_leave (reader, mark);
}

static void check_texts (struct aw_reader *reader, const struct aw_recipe *recipe)
{
    for (char **word = recipe->command; word && *word; word++)
        check_text (reader, "worker", *word);
    check_text (reader, "directory", recipe->directory);
    for (size_t i = 0; i < recipe->n_environment; i++) {
        size_t mark = aw_reader_enter (reader, "environment");

        check_text (reader, recipe->environment[i].name, recipe->environment[i].value);
        aw_reader_leave (reader, mark);
    }
}

static void check_without (struct aw_reader *reader, struct json_object *object)
{
    static const char *const keys[] = { "input", "startup" };

    for (size_t i = 0; i < sizeof (keys) / sizeof (keys[0]); i++)
        if (json_object_object_get_ex (object, keys[i], NULL))
            aw_reader_error (reader, "\"%s\" is for sets with \"worker\": remove it", keys[i]);
}

void aw_check_worker (struct aw_reader *reader,
                      const char *name,
                      struct json_object *object,
                      const struct aw_task_spec *spec)
{
    const struct aw_recipe *recipe = &spec->recipe;

    if (!spec->set.worker) {
        check_without (reader, object);
        return;
    }
    if (strlen (name) > MAX_NAME)
        aw_reader_error (reader,
                         "name too long: at most %d characters, so that \"NAME" AW_TOPIC_RESULTS
                         "\" can be a topic",
                         MAX_NAME);
    if (spec->set.step)
        aw_reader_error (reader, "workers are processes of the pool: remove \"ranks\", \"nodes\", "
                                 "\"launch\" and \"srun\"");
    if (recipe->out || recipe->err)
        aw_reader_error (reader,
                         "\"%s\" is not for calls: the output of each one is in the log store: "
                         "see async-workflow logs",
                         recipe->out ? "stdout" : "stderr");
    if (spec->set.checkpoint_signal)
        aw_reader_error (reader, "\"checkpoint_signal\" is not for calls: remove it");
    check_texts (reader, recipe);
}
