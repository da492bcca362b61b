/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/batch_export.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* Does VARIABLE ("NAME=value") describe the job of this process, or an option that was used? */
static bool is_of_job (const char *variable)
{
    static const char *const prefixes[] = { "SLURM_ARRAY_", "SLURM_RESTART_COUNT=",
                                            "SLURM_JOB_NAME=", "SLURM_SUBMIT_", "SBATCH_" };

    for (size_t i = 0; i < sizeof (prefixes) / sizeof (prefixes[0]); i++)
        if (strncmp (variable, prefixes[i], strlen (prefixes[i])) == 0)
            return true;
    return false;
}

static void add_all (struct aw_strings *to, bool job)
{
    for (char **variable = environ; *variable; variable++)
        if (job || !is_of_job (*variable))
            aw_strings_add (to, *variable);
}

/* Those of the task. */
static void add_own (struct aw_strings *to)
{
    for (char **variable = environ; *variable; variable++)
        if (strncmp (*variable, "SLURM_", 6) == 0
            || strncmp (*variable, "ASYNC_WORKFLOW_", 15) == 0)
            aw_strings_add (to, *variable);
}

static void add_named (struct aw_strings *to, const char *name)
{
    const char *value = getenv (name);

    if (value)
        aw_strings_setenv (to, name, value);
}

/* What a login would set. */
static void add_login (struct aw_strings *to)
{
    static const char *const names[] = { "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TMPDIR" };

    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
        add_named (to, names[i]);
    aw_strings_setenv (to, "PATH", "/usr/local/bin:/usr/bin:/bin");
}

/* The next part of *TEXT, up to a comma outside quotes, without the quotes. The caller frees it. */
static char *take_part (const char **text)
{
    char *part = malloc (strlen (*text) + 1), *to = part, quote = 0;
    const char *p = *text;

    for (; part && *p && (quote || *p != ','); p++) {
        if (*p == quote)
            quote = 0;
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
        else
            *to++ = *p;
    }
    if (part)
        *to = '\0';
    *text = p + (*p == ',');
    return part;
}

static bool is_all (const char *text)
{
    return !text || strcmp (text, "ALL") == 0 || strncmp (text, "ALL,", 4) == 0;
}

/* Adds the variables that TEXT names. */
static void add_given (const char *text, struct aw_strings *environment)
{
    while (text && *text && !environment->failed) {
        char *part = take_part (&text), *equals = part ? strchr (part, '=') : NULL;

        if (!part)
            environment->failed = true;
        else if (equals) {
            *equals = '\0';
            aw_strings_setenv (environment, part, equals + 1);
        }
        else if (strcmp (part, "ALL") != 0 && strcmp (part, "NONE") != 0
                 && strcmp (part, "NIL") != 0)
            add_named (environment, part);
        free (part);
    }
}

void aw_batch_export (const char *text, struct aw_strings *environment)
{
    if (is_all (text))
        add_all (environment, false);
    else
        add_login (environment);
    add_given (text, environment);
}

void aw_srun_export (const char *text, struct aw_strings *environment)
{
    if (is_all (text))
        add_all (environment, true);
    else {
        add_login (environment);
        add_own (environment);
    }
    add_given (text, environment);
}
