/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/oom.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number after "oom_kill" in a file of lines "name number": memory.events of version 2 and
 * memory.oom_control of version 1. -1: there is none.
 */
static int read_count (const char *path, uint64_t *count)
{
    FILE *file = fopen (path, "re");
    char name[64];
    uint64_t number;
    int rc = -1;

    if (!file)
        return -1;
    while (rc < 0 && fscanf (file, "%63s %" SCNu64, name, &number) == 2) {
        if (strcmp (name, "oom_kill") != 0)
            continue;
        *count = number;
        rc = 0;
    }
    fclose (file);
    return rc;
}

/* Keeps ROOT/KIND/CGROUP/NAME if there is a count. */
static bool try_path (
    struct aw_oom *oom, const char *root, const char *kind, const char *cgroup, const char *name)
{
    char *path;

    if (asprintf (&path, "%s%s%s/%s", root, kind, cgroup, name) < 0)
        return false;
    if (read_count (path, &oom->seen) < 0) {
        free (path);
        return false;
    }
    oom->path = path;
    return true;
}

/* A line of /proc/self/cgroup: "NUMBER:CONTROLLERS:PATH". */
static bool try_line (struct aw_oom *oom, const char *root, char *line)
{
    char *controllers = strchr (line, ':');
    char *cgroup = controllers ? strchr (++controllers, ':') : NULL;

    if (!cgroup)
        return false;
    *cgroup++ = '\0';
    cgroup[strcspn (cgroup, "\n")] = '\0';
    if (strcmp (controllers, "memory") == 0)
        return try_path (oom, root, "/memory", cgroup, "memory.oom_control");
    if (!*controllers)
        return try_path (oom, root, "", cgroup, "memory.events")
               || try_path (oom, root, "/unified", cgroup, "memory.events");
    return false;
}

void aw_oom_init (struct aw_oom *oom, const char *cgroups, const char *root)
{
    FILE *file = fopen (cgroups, "re");
    char *line = NULL;
    size_t size = 0;

    memset (oom, 0, sizeof (*oom));
    if (!file)
        return;
    while (!oom->path && getline (&line, &size, file) > 0)
        try_line (oom, root, line);
    free (line);
    fclose (file);
}

void aw_oom_finish (struct aw_oom *oom)
{
    int saved = errno;

    free (oom->path);
    memset (oom, 0, sizeof (*oom));
    errno = saved;
}

bool aw_oom_take (struct aw_oom *oom)
{
    uint64_t count;

    if (!oom->path || read_count (oom->path, &count) < 0 || count <= oom->seen)
        return false;
    oom->seen++;
    return true;
}
