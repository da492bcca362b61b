/* SPDX-License-Identifier: Apache-2.0 */
#include "handover.h"

#include <errno.h>
#include <string.h>

#include "options.h"
#include "process.h"
#include "restart.h"
#include "util/error.h"
#include "words.h"

const char *aw_handover_command (int ac, char **av, const char *fallback, struct aw_error *err)
{
    static const char key[] = "command=";
    const char *command = fallback;

    for (int i = 0; i < ac; i++) {
        if (strncmp (av[i], key, strlen (key)) != 0) {
            aw_error_set (err, "plugstack.conf: \"%s\": no such argument: there is %s/path", av[i],
                          key);
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

int aw_handover_check (const struct aw_words *line, size_t options_end, struct aw_error *err)
{
    size_t end = aw_restart_find (line);

    if (end < line->count && options_end == end)
        return 0;
    if (end == line->count || options_end == 0 || options_end >= line->count)
        return aw_error_set (err, "srun's line does not look as expected at its end");
    if (options_end > end)
        return aw_error_set (err, "\"%s\": wants a value", line->word[end - 1]);
    if (strcmp (line->word[options_end], ":") == 0)
        return aw_error_set (err, "\":\": a heterogeneous job cannot run a workflow: "
                                  "give one set of options");
    return aw_error_set (err,
                         "\"%s\": no command can be given with --%s: "
                         "the workflow file has the commands",
                         line->word[options_end], aw_option_name (AW_OPTION_FILE));
}

/* --test-only or what getopt_long takes for it. As the value of an option before it, it would be
 * mistaken: srun's table of options is not ours to know here, and the mistake is a check instead
 * of a run.
 */
static bool is_test_only (const char *word)
{
    return strlen (word) >= strlen ("--te") && strncmp (word, "--test-only", strlen (word)) == 0;
}

static bool is_ours (const struct aw_options *options, size_t word)
{
    return word < options->words && options->ours[word];
}

static int append_run_options (struct aw_words *result, const struct aw_options *options)
{
    const char *file = options->value[AW_OPTION_FILE];

    /* A file called "-x" must not look like an option. */
    if (aw_words_appendf (result, "%s%s", file[0] == '-' ? "./" : "", file) < 0)
        return -1;
    for (int i = 0; i < AW_OPTION_COUNT; i++) {
        if (!options->value[i] || !aw_option_run_name (i))
            continue;
        if (aw_words_appendf (result, "--%s=%s", aw_option_run_name (i), options->value[i]) < 0)
            return -1;
    }
    return 0;
}

static int append_srun_options (struct aw_words *result,
                                const struct aw_options *options,
                                const struct aw_words *line,
                                size_t end)
{
    for (size_t i = 1; i < end; i++) {
        if (is_ours (options, i) || is_test_only (line->word[i]))
            continue;
        if (aw_words_append (result, line->word[i]) < 0)
            return -1;
    }
    return 0;
}

int aw_handover_line (struct aw_words *result,
                      const char *command,
                      const struct aw_options *options,
                      const struct aw_words *line,
                      struct aw_error *err)
{
    size_t end = aw_restart_find (line);
    bool test_only = false;

    if (!options->value[AW_OPTION_FILE] || end == line->count) {
        errno = EINVAL;
        return aw_error_set (err, "srun's line does not look as expected");
    }
    if (strcmp (line->word[end - 1], "--") == 0 && !is_ours (options, end - 1))
        end--;
    for (size_t i = 1; i < end; i++)
        test_only |= !is_ours (options, i) && is_test_only (line->word[i]);
    if (aw_words_append (result, command) < 0 || aw_words_append (result, "run") < 0
        || append_run_options (result, options) < 0
        || (test_only && aw_words_append (result, "--test-only") < 0)
        || aw_words_append (result, "--") < 0
        || append_srun_options (result, options, line, end) < 0)
        return aw_error_set (err, "%s", strerror (errno));
    return 0;
}

int aw_handover (const char *command,
                 const struct aw_options *options,
                 size_t options_end,
                 struct aw_error *err)
{
    struct aw_words line;
    struct aw_words result;
    struct aw_words environment;
    int rc = -1;

    aw_words_init (&line);
    aw_words_init (&result);
    aw_words_init (&environment);
    if (aw_words_read (&line, "/proc/self/cmdline", err) == 0
        && aw_handover_check (&line, options_end, err) == 0
        && aw_handover_line (&result, command, options, &line, err) == 0
        && aw_process_environment (&environment, err) == 0)
        rc = aw_process_become (command, &result, &environment, err);
    aw_words_finish (&line);
    aw_words_finish (&result);
    aw_words_finish (&environment);
    return rc;
}
