/* SPDX-License-Identifier: Apache-2.0 */
/* The sentinel is a program that exists, as srun looks for the command itself where
 * LaunchParameters=test_exec is set. It stands there twice: an option at the end of the line that
 * lacks its value takes the first and leaves the second, which tells this case from a line that
 * is complete. Where it stands is what counts, so that no command of the user is mistaken for it.
 */
#include "restart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "util/error.h"
#include "words.h"

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

int aw_restart (struct aw_error *err)
{
    struct aw_words line;
    struct aw_words environment;
    int rc = -1;

    aw_words_init (&line);
    aw_words_init (&environment);
    if (aw_words_read (&line, "/proc/self/cmdline", err) < 0
        || aw_process_environment (&environment, err) < 0)
        goto done;
    for (int i = 0; i < SENTINELS; i++) {
        if (aw_words_append (&line, SENTINEL) < 0)
            goto no_memory;
    }
    if (aw_words_appendf (&environment, "%s%ld", AW_PROCESS_GUARD, (long)getpid ()) < 0)
        goto no_memory;
    rc = aw_process_become ("/proc/self/exe", &line, &environment, err);
    goto done;
no_memory:
    aw_error_set (err, "%s", strerror (errno));
done:
    aw_words_finish (&line);
    aw_words_finish (&environment);
    return rc;
}

size_t aw_restart_find (const struct aw_words *line)
{
    if (line->count <= SENTINELS)
        return line->count;
    for (size_t i = line->count - SENTINELS; i < line->count; i++) {
        if (strcmp (line->word[i], SENTINEL) != 0)
            return line->count;
    }
    return line->count - SENTINELS;
}
