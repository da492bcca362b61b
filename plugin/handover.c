/* SPDX-License-Identifier: Apache-2.0 */
#include "handover.h"

#include <errno.h>
#include <string.h>

#include "options.h"
#include "process.h"
#include "restart.h"
#include "util/error.h"
#include "util/strings.h"

const char *aw_handover_command (int ac, char **av, const char *fallback, struct aw_error *err)
{
    static const char key[] = "command=";
    const char *command = fallback;

    for (int i = 0; i < ac; i++) {
        if (strncmp (av[i], key, strlen (key)) != 0) {
            aw_error_set (err, "plugstack.conf: unknown argument \"%s\": give %s/path", av[i], key);
            return NULL;
        }
        command = av[i] + strlen (key);
    }
    if (command[0] != '/') {
        aw_error_set (err, "plugstack.conf: %s%s: not an absolute path", key, command);
        return NULL;
    }
    return command;
}

int aw_handover_check (const struct aw_strings *line, size_t options_end, struct aw_error *err)
{
    size_t end = aw_restart_find (line);

    if (end < line->n && options_end == end)
        return 0;
    if (end == line->n || options_end == 0 || options_end >= line->n)
        return aw_error_set (err, "srun's command line does not end as expected");
    if (options_end > end)
        return aw_error_set (err, "%s: needs a value", line->v[end - 1]);
    if (strcmp (line->v[options_end], ":") == 0)
        return aw_error_set (err, "heterogeneous jobs cannot run a workflow: "
                                  "give one set of options, without \":\"");
    return aw_error_set (err,
                         "\"%s\": no command is allowed with --%s: "
                         "the workflow file has the commands",
                         line->v[options_end], aw_option_table[AW_OPTION_FILE].srun_name);
}

/* --test-only or an abbreviation of it. The same word as the value of the option before it is
 * mistaken for it, as we do not know srun's options here. Then the workflow is checked, not run.
 */
static bool is_test_only (const char *word)
{
    return strlen (word) >= strlen ("--te") && strncmp (word, "--test-only", strlen (word)) == 0;
}

static bool is_ours (const struct aw_options *options, size_t word)
{
    return word < options->words && options->ours[word];
}

static void append_run_options (struct aw_strings *result, const struct aw_options *options)
{
    const char *file = options->value[AW_OPTION_FILE];

    /* A file called "-x" must not look like an option. */
    if (file)
        aw_strings_addf (result, "%s%s", file[0] == '-' ? "./" : "", file);
    for (int i = 0; i < AW_OPTION_SRUN_COUNT; i++) {
        const struct aw_option_entry *entry = &aw_option_table[i];
        const struct aw_strings *list = &options->list[i];

        for (size_t k = 0; k < list->n; k++)
            aw_strings_addf (result, "--%s=%s", entry->name, list->v[k]);
        if (options->value[i] && i != AW_OPTION_FILE && entry->kind != AW_KIND_LIST)
            aw_strings_addf (result, "--%s%s%s", entry->name, entry->argument ? "=" : "",
                             options->value[i]);
    }
}

int aw_handover_line (struct aw_strings *result,
                      const char *command,
                      const struct aw_options *options,
                      const struct aw_strings *line,
                      struct aw_error *err)
{
    size_t end = aw_restart_find (line);
    bool test_only = false;

    if (!aw_options_has_run (options) || end == line->n) {
        errno = EINVAL;
        return aw_error_set (err, "srun's command line is not as expected");
    }
    if (strcmp (line->v[end - 1], "--") == 0 && !is_ours (options, end - 1))
        end--;
    for (size_t i = 1; i < end; i++)
        test_only |= !is_ours (options, i) && is_test_only (line->v[i]);
    aw_strings_add (result, command);
    aw_strings_add (result, "run");
    append_run_options (result, options);
    if (test_only)
        aw_strings_add (result, "--test-only");
    aw_strings_add (result, "--");
    for (size_t i = 1; i < end; i++)
        if (!is_ours (options, i) && !is_test_only (line->v[i]))
            aw_strings_add (result, line->v[i]);
    return result->failed ? aw_error_set (err, "out of memory") : 0;
}

int aw_handover (const char *command,
                 const struct aw_options *options,
                 size_t options_end,
                 struct aw_error *err)
{
    struct aw_strings line;
    struct aw_strings result;
    struct aw_strings environment;
    int rc = -1;

    aw_strings_init (&line);
    aw_strings_init (&result);
    aw_strings_init (&environment);
    if (aw_process_read (&line, "/proc/self/cmdline", err) == 0
        && aw_handover_check (&line, options_end, err) == 0
        && aw_handover_line (&result, command, options, &line, err) == 0
        && aw_process_environment (&environment, err) == 0)
        rc = aw_process_become (command, &result, &environment, err);
    aw_strings_finish (&line);
    aw_strings_finish (&result);
    aw_strings_finish (&environment);
    return rc;
}
