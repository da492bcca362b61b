/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/task_ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned long long *aw_task_ids (const char *command,
                                 const char *first,
                                 const struct aw_words *more)
{
    unsigned long long *ids = calloc ((size_t)more->n + 1, sizeof (*ids));

    if (!ids)
        fprintf (stderr, "async-workflow %s: out of memory\n", command);
    for (int i = 0; ids && i <= more->n; i++) {
        const char *word = i ? more->words[i - 1] : first;
        size_t n = strspn (word, "0123456789");

        if (n > 0 && n <= 18 && !word[n]) {
            ids[i] = strtoull (word, NULL, 10);
            continue;
        }
        fprintf (stderr,
                 "async-workflow %s: \"%s\": not an id: give what async-workflow submit has "
                 "printed\n",
                 command, word);
        free (ids);
        return NULL;
    }
    return ids;
}
