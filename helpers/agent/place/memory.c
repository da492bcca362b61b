/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/self/cgroup has the groups, one hierarchy per line:
 *
 *     0::/system.slice/slurmstepd.scope/job_7/step_0      version 2: memory.max
 *     9:memory:/slurm/uid_1000/job_7/step_0               version 1: memory.limit_in_bytes
 *
 * Limits of parent groups hold, too. Inside a container a path may not exist; then its parents that
 * do exist count.
 */
#include "config.h"

#include "agent/place/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1 says "none" by the largest number of pages that it can count. */
static const uint64_t NO_LIMIT = (uint64_t)1 << 60;

/* The limit in PATH, 0 where there is none ("max", or no such file). */
static uint64_t read_limit (const char *path)
{
    FILE *file = fopen (path, "re");
    char text[64] = "";
    uint64_t limit;

    if (!file)
        return 0;
    if (!fgets (text, sizeof (text), file))
        text[0] = '\0';
    fclose (file);
    limit = *text >= '0' && *text <= '9' ? strtoull (text, NULL, 10) : 0;
    return limit < NO_LIMIT ? limit : 0;
}

/* The smallest of MOUNT/GROUP/FILE and those of its parents. Shortens GROUP. */
static uint64_t walk_up (const char *mount, char *group, const char *file)
{
    uint64_t tightest = 0;
    char path[2 * PATH_MAX];

    for (;;) {
        char *slash;
        uint64_t limit;

        snprintf (path, sizeof (path), "%s%s/%s", mount, group, file);
        limit = read_limit (path);
        if (limit > 0 && (tightest == 0 || limit < tightest))
            tightest = limit;
        slash = strrchr (group, '/');
        if (!slash)
            return tightest;
        *slash = '\0';
    }
}

/* Is WORD in LIST, with commas? */
static bool has_word (const char *list, const char *word)
{
    size_t length = strlen (word);

    for (; *list; list += strcspn (list, ","), list += *list == ',')
        if (strcspn (list, ",") == length && strncmp (list, word, length) == 0)
            return true;
    return false;
}

uint64_t aw_memory_limit (const char *root)
{
    char path[PATH_MAX], mount[PATH_MAX];
    char line[PATH_MAX];
    uint64_t tightest = 0;
    FILE *file;

    snprintf (path, sizeof (path), "%s/proc/self/cgroup", root);
    file = fopen (path, "re");
    while (file && fgets (line, sizeof (line), file)) {
        char *controllers = strchr (line, ':');
        char *group = controllers ? strchr (controllers + 1, ':') : NULL;
        uint64_t limit = 0;

        line[strcspn (line, "\n")] = '\0';
        if (!group)
            continue;
        *group++ = '\0';
        if (*++controllers == '\0') {
            snprintf (mount, sizeof (mount), "%s/sys/fs/cgroup", root);
            limit = walk_up (mount, group, "memory.max");
        }
        else if (has_word (controllers, "memory")) {
            snprintf (mount, sizeof (mount), "%s/sys/fs/cgroup/memory", root);
            limit = walk_up (mount, group, "memory.limit_in_bytes");
        }
        if (limit > 0 && (tightest == 0 || limit < tightest))
            tightest = limit;
    }
    if (file)
        fclose (file);
    return tightest;
}
