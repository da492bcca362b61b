/* SPDX-License-Identifier: Apache-2.0 */
/* The sentinel is a program that exists, as srun checks the command itself if
 * LaunchParameters=test_exec is set. It is appended twice: an option without its value at the end
 * of the line takes the first and leaves the second, which differs from a complete line. Only its
 * place counts, so that no command of the user is mistaken for it.
 */
#include "restart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "util/error.h"
#include "util/strings.h"

#define SENTINEL "/proc/self/exe"
#define SENTINELS 2

bool aw_restart_is_done (void)
{
    char name[] = AW_PROCESS_GUARD;
    char expected[32];
    const char *value;

    name[sizeof (name) - 2] = '\0'; /* the "=" */
    value = getenv (name);
    snprintf (expected, sizeof (expected), "%ld", (long)getpid ());
    return value && strcmp (value, expected) == 0;
}

/* With --multi-prog srun would read the sentinel as a file of commands, and complain of that. */
static int check_multi (const struct aw_strings *line,
                        const struct aw_strings *environment,
                        struct aw_error *err)
{
    const char *how =
        aw_strings_getenv (environment, "SLURM_SRUN_MULTI") ? "SLURM_SRUN_MULTI" : NULL;

    for (size_t i = 0; !how && i < line->n; i++)
        how = strcmp (line->v[i], "--multi-prog") == 0 ? line->v[i] : NULL;
    return how ? aw_error_set (
               err, "%s: cannot be given with a workflow: the workflow file has the commands", how)
               : 0;
}

int aw_restart (struct aw_error *err)
{
    struct aw_strings line, environment;
    int rc = -1;

    aw_strings_init (&line);
    aw_strings_init (&environment);
    if (aw_process_read (&line, "/proc/self/cmdline", err) == 0
        && aw_process_environment (&environment, err) == 0
        && check_multi (&line, &environment, err) == 0) {
        for (int i = 0; i < SENTINELS; i++)
            aw_strings_add (&line, SENTINEL);
        aw_strings_addf (&environment, "%s%ld", AW_PROCESS_GUARD, (long)getpid ());
        rc = line.failed || environment.failed
                 ? aw_error_set (err, "out of memory")
                 : aw_process_become ("/proc/self/exe", &line, &environment, err);
    }
    aw_strings_finish (&line);
    aw_strings_finish (&environment);
    return rc;
}

size_t aw_restart_find (const struct aw_strings *line)
{
    if (line->n <= SENTINELS)
        return line->n;
    for (size_t i = line->n - SENTINELS; i < line->n; i++) {
        if (strcmp (line->v[i], SENTINEL) != 0)
            return line->n;
    }
    return line->n - SENTINELS;
}
