/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/recipe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/textbuf.h"
#include "io/workflow/script_values.h"
#include "io/workflow/shell_hints.h"
#include "io/workflow/values.h"
#include "io/workflow/workflow_stage.h"
#include "io/workflow/workflow_task.h"

static void free_words (char **words)
{
    for (char **word = words; word && *word; word++)
        free (*word);
    free (words);
}

void aw_recipe_finish (struct aw_recipe *recipe)
{
    int saved = errno;

    free_words (recipe->command);
    free_words (recipe->srun);
    free_words (recipe->shell);
    free (recipe->script);
    free (recipe->input);
    free (recipe->base);
    free (recipe->comment);
    free (recipe->directory);
    free (recipe->out);
    free (recipe->err);
    for (size_t i = 0; i < recipe->n_environment; i++) {
        free (recipe->environment[i].name);
        free (recipe->environment[i].value);
    }
    free (recipe->environment);
    aw_staging_finish (&recipe->stage_in);
    aw_staging_finish (&recipe->stage_out);
    aw_values_destroy (recipe->values);
    memset (recipe, 0, sizeof (*recipe));
    errno = saved;
}

bool aw_recipe_read_command (struct aw_reader *reader,
                             struct json_object *value,
                             struct aw_recipe *recipe)
{
    size_t n;
    bool good = true;

    if (json_object_is_type (value, json_type_string))
        return aw_reader_error (reader, "must be an array of a program and its arguments: write "
                                        "them one by one, or use \"script\" for a shell command");
    if (!aw_reader_array (reader, value))
        return false;
    n = json_object_array_length (value);
    if (!n)
        return aw_reader_error (reader, "empty: the first element is the program");
    free_words (recipe->command); /* of another key, which is an error of its own */
    recipe->command = calloc (n + 1, sizeof (*recipe->command));
    if (!recipe->command)
        return aw_reader_no_memory (reader);
    for (size_t i = 0, filled = 0; i < n; i++) {
        size_t mark = aw_reader_enter_index (reader, i);
        const char *raw;
        char *arg = NULL;

        if (aw_reader_text (reader, json_object_array_get_idx (value, i), &raw))
            arg = aw_template_compile (reader, raw, AW_TEMPLATE_TEXT);
        if (arg && !*arg && i == 0)
            aw_reader_error (reader, "empty: the first element is the program");
        if (arg)
            recipe->command[filled++] = arg;
        good = good && arg;
        aw_reader_leave (reader, mark);
    }
    aw_hint_command (reader, value);
    return good;
}

bool aw_recipe_read_shell (struct aw_reader *reader,
                           struct json_object *value,
                           struct aw_recipe *recipe)
{
    const char *text, *p;
    size_t n = 0, size;

    if (!aw_reader_text (reader, value, &text))
        return false;
    p = text + strspn (text, " ");
    size = strcspn (p, " ");
    if (size < 2 || p[size - 2] != 's' || p[size - 1] != 'h')
        return aw_reader_error (
            reader,
            "\"%.40s\" is not a shell: write it as \"bash\" or \"/bin/bash -eu\"; "
            "for another program begin the script with #!",
            text);
    recipe->shell = calloc (strlen (text) / 2 + 2, sizeof (*recipe->shell));
    for (; recipe->shell && *p; p += strspn (p, " ")) {
        size = strcspn (p, " ");
        if (!(recipe->shell[n++] = strndup (p, size)))
            return aw_reader_no_memory (reader);
        p += size;
    }
    return recipe->shell ? aw_reader_spend (reader, strlen (text) + 1)
                         : aw_reader_no_memory (reader);
}

static bool read_variable (struct aw_reader *reader,
                           const char *name,
                           struct json_object *value,
                           struct aw_variable *variable)
{
    const char *raw;
    char *text = NULL;

    if (!*name)
        return aw_reader_error (reader, "a variable without a name");
    if (strchr (name, '='))
        return aw_reader_error (reader, "\"=\" in a variable's name: write \"NAME\": \"value\"");
    if (!strncmp (name, "ASYNC_WORKFLOW_", 15) || !strcmp (name, "CUDA_VISIBLE_DEVICES"))
        return aw_reader_error (reader, "async-workflow sets it for each task: leave it out");
    if (!aw_reader_text (reader, value, &raw))
        return false;
    if (strlen (name) + strlen (raw) > AW_MAX_TEXT - 1)
        return aw_reader_error (
            reader, "longer than %d bytes with its name, the most that a program can receive",
            AW_MAX_TEXT);
    text = aw_template_compile (reader, raw, AW_TEMPLATE_TEXT);
    if (!text)
        return false;
    aw_hint_variable (reader, name, raw);
    variable->name = aw_reader_spend (reader, strlen (name) + 1) ? strdup (name) : NULL;
    variable->value = text;
    if (!variable->name) {
        free (text);
        return false;
    }
    return true;
}

/* Room for MORE variables. */
static bool reserve (struct aw_reader *reader, struct aw_recipe *recipe, size_t more)
{
    size_t n = recipe->n_environment + more;
    struct aw_variable *variables =
        reallocarray (recipe->environment, n ? n : 1, sizeof (*variables));

    if (!variables)
        return aw_reader_no_memory (reader);
    recipe->environment = variables;
    return true;
}

bool aw_recipe_read_environment (struct aw_reader *reader,
                                 struct json_object *value,
                                 struct aw_recipe *recipe)
{
    bool good = true;

    if (!aw_reader_object (reader, value)
        || !reserve (reader, recipe, (size_t)json_object_object_length (value)))
        return false;
    json_object_object_foreach (value, name, text)
    {
        size_t mark = aw_reader_enter (reader, name);

        if (read_variable (reader, name, text, &recipe->environment[recipe->n_environment]))
            recipe->n_environment++;
        else
            good = false;
        aw_reader_leave (reader, mark);
    }
    return good;
}

/* The variable of a parameter: its text as a template, in which braces are doubled. */
static bool add_parameter (struct aw_reader *reader,
                           struct aw_recipe *recipe,
                           const struct aw_parameter *parameter)
{
    struct aw_textbuf name = { 0 }, text = { 0 };

    aw_textbuf_printf (&name, AW_VALUES_ENVIRONMENT "%s", parameter->name);
    for (const char *p = parameter->text; *p; p++)
        aw_textbuf_put (&text,
                        *p == '{'   ? "{{"
                        : *p == '}' ? "}}"
                                    : p,
                        *p == '{' || *p == '}' ? 2 : 1);
    aw_textbuf_putc (&name, '\0');
    aw_textbuf_putc (&text, '\0');
    for (char *p = name.data; p && *p; p++)
        *p = *p == '-' ? '_' : *p;
    if (name.failed || text.failed || !reserve (reader, recipe, 1)) {
        aw_textbuf_finish (&name);
        aw_textbuf_finish (&text);
        return aw_reader_no_memory (reader);
    }
    recipe->environment[recipe->n_environment++] = (struct aw_variable){ name.data, text.data };
    return aw_reader_spend (reader, name.len + text.len);
}

bool aw_recipe_add_parameters (struct aw_reader *reader, struct aw_recipe *recipe)
{
    bool good = true;

    for (size_t i = 0; i < reader->n_parameters; i++) {
        if (reader->parameters[i].in_script)
            good = good && add_parameter (reader, recipe, &reader->parameters[i]);
        reader->parameters[i].in_script = false;
    }
    return good;
}

/* A copy, or NULL for NULL; GOOD becomes false where that failed. */
static char *copy (struct aw_reader *reader, const char *text, bool *good)
{
    char *copied = NULL;

    if (text && aw_reader_spend (reader, strlen (text) + 1)) {
        copied = strdup (text);
        if (!copied)
            aw_reader_no_memory (reader);
    }
    if (text && !copied)
        *good = false;
    return copied;
}

static char **copy_list (struct aw_reader *reader, char *const *list, bool *good)
{
    char **copied;
    size_t n = 0;

    while (list && list[n])
        n++;
    copied = n ? calloc (n + 1, sizeof (*copied)) : NULL;
    if (n && !copied)
        *good = aw_reader_no_memory (reader);
    for (size_t i = 0; copied && i < n && *good; i++)
        copied[i] = copy (reader, list[i], good);
    return copied;
}

bool aw_recipe_inherit (struct aw_reader *reader,
                        const struct aw_recipe *from,
                        struct json_object *object,
                        struct aw_recipe *to)
{
    struct json_object *own = NULL;
    bool good = true;

    if (!json_object_object_get_ex (object, "environment", &own)
        || !json_object_is_type (own, json_type_object))
        own = NULL;
    to->cpus_given = from->cpus_given;
    to->directory = copy (reader, from->directory, &good);
    to->out = copy (reader, from->out, &good);
    to->err = copy (reader, from->err, &good);
    if (!json_object_object_get_ex (object, "srun", NULL))
        to->srun = copy_list (reader, from->srun, &good);
    if (!json_object_object_get_ex (object, "shell", NULL))
        to->shell = copy_list (reader, from->shell, &good);
    if (!reserve (reader, to, from->n_environment))
        return false;
    for (size_t i = 0; i < from->n_environment && good; i++) {
        const struct aw_variable *variable = &from->environment[i];
        struct aw_variable *mine = &to->environment[to->n_environment];

        if (own && json_object_object_get_ex (own, variable->name, NULL))
            continue;
        mine->name = copy (reader, variable->name, &good);
        mine->value = copy (reader, variable->value, &good);
        to->n_environment++; /* finish takes NULL members */
    }
    return good;
}

static void check_variables (struct aw_reader *reader, const char *key, const char *text)
{
    const char *name;
    size_t length;

    while (text && (name = aw_template_variable (&text, &length)))
        if (aw_values_find (reader->values, name, length) == AW_VALUES_NONE)
            aw_reader_error (reader,
                             "{%.*s}, in \"%s\" of the defaults, is no variable of this set: give "
                             "the set its own \"%s\"",
                             length > 64 ? 64 : (int)length, name, key, key);
}

void aw_recipe_check_variables (struct aw_reader *reader, const struct aw_recipe *recipe)
{
    if (reader->values_unknown || reader->has_port)
        return;
    check_variables (reader, "directory", recipe->directory);
    check_variables (reader, "stdout", recipe->out);
    check_variables (reader, "stderr", recipe->err);
    for (char **option = recipe->srun; option && *option; option++)
        check_variables (reader, "srun", *option);
    for (size_t i = 0; i < recipe->n_environment; i++)
        check_variables (reader, "environment", recipe->environment[i].value);
}

/* Does the text differ between tasks of one index, or of one iteration, that differ in KEY? */
static bool differs (const char *text, const char *key)
{
    size_t length;

    return text
           && (aw_template_has (text, key) || aw_template_has (text, "task")
               || (!strcmp (key, "index") && aw_template_variable (&text, &length)));
}

/* How many different texts the variables in TEXT can make of it at most; INFINITY where {index} or
 * {task} makes one for each task. */
static double n_different (const char *text, const struct aw_values *values)
{
    double n = 1.;

    if (text && (aw_template_has (text, "index") || aw_template_has (text, "task")))
        return INFINITY;
    for (uint32_t v = 0; text && v < aw_values_n_variables (values); v++)
        if (aw_template_has (text, aw_values_name (values, v)))
            n *= aw_values_n_texts (values, v);
    return n;
}

static void check_output (struct aw_reader *reader,
                          const char *key,
                          const char *text,
                          const char *directory,
                          const struct aw_values *values,
                          bool many,
                          bool iterated)
{
    const char *within = text && *text == '/'
                             ? NULL
                             : directory; /* a relative path is one in the task's directory */
    size_t mark;

    if (!text || !strncmp (text, "/dev/", 5))
        return;
    mark = aw_reader_enter (reader, key);
    aw_check_output_values (reader, values, text);
    if (many && !differs (text, "index") && !differs (within, "index"))
        aw_reader_warn (reader, "all tasks of the set write to this file: add {index}");
    else if (values
             && n_different (text, values) * n_different (within, values)
                    < aw_values_count (values))
        aw_reader_warn (reader, "tasks with the same values of these variables write to one file: "
                                "add another variable, or {index}");
    else if (iterated && !differs (text, "iteration") && !differs (within, "iteration"))
        aw_reader_warn (reader, "every iteration overwrites this file: add {iteration}, or "
                                "\"once\": true to the set");
    aw_reader_leave (reader, mark);
}

/* Warns if tasks of another set write to the file that TEXT names; else notes that SET's do. */
static void check_shared (struct aw_reader *reader,
                          struct aw_output_files *files,
                          const struct aw_graph *graph,
                          uint32_t set,
                          const char *key,
                          const char *text,
                          const char *directory)
{
    struct aw_textbuf path = { 0 };
    uint32_t other;
    size_t mark;

    if (!text || !strncmp (text, "/dev/", 5) || aw_template_has (text, "task"))
        return;
    if (*text != '/')
        aw_textbuf_printf (&path, "%s/", directory ? directory : "");
    aw_textbuf_puts (&path, text);
    aw_textbuf_putc (&path, '\0');
    other =
        path.failed ? AW_NAMES_NONE : aw_names_get (&files->sets, path.data, strlen (path.data));
    if (path.failed || (other == AW_NAMES_NONE && aw_names_set (&files->sets, path.data, set) < 0))
        aw_reader_no_memory (reader);
    if (other != AW_NAMES_NONE && other != set) {
        mark = aw_reader_enter (reader, key);
        aw_reader_warn (reader,
                        "tasks of %s write to this file too, and each task empties it: add {task}",
                        graph->sets[other].name);
        aw_reader_leave (reader, mark);
    }
    aw_textbuf_finish (&path);
}

void aw_recipe_check_outputs (struct aw_reader *reader,
                              struct aw_output_files *files,
                              const struct aw_graph *graph,
                              uint32_t set,
                              const struct aw_recipe *recipe,
                              bool many,
                              bool iterated)
{
    check_output (reader, "stdout", recipe->out, recipe->directory, recipe->values, many, iterated);
    check_output (reader, "stderr", recipe->err, recipe->directory, recipe->values, many, iterated);
    check_shared (reader, files, graph, set, "stdout", recipe->out, recipe->directory);
    check_shared (reader, files, graph, set, "stderr", recipe->err, recipe->directory);
}
