/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/scratch.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/staging/copy.h"

enum { MOST_STREAMS = 4096 };

static uint64_t take_number (const char *name)
{
    const char *text = getenv (name);
    uint64_t value = text ? strtoull (text, NULL, 10) : 0;

    unsetenv (name);
    return value;
}

static void take_ports (struct aw_scratch *scratch)
{
    const char *text = getenv (AW_SCRATCH_PORTS);

    scratch->gives =
        text && sscanf (text, "%hu-%hu", &scratch->port_first, &scratch->port_last) == 2;
    unsetenv (AW_SCRATCH_PORTS);
}

int aw_scratch_configure (struct aw_scratch *scratch, const char *node, struct aw_error *err)
{
    const char *above = getenv (AW_SCRATCH_DIR);
    uint64_t streams = take_number (AW_SCRATCH_STREAMS);

    scratch->bytes = take_number (AW_SCRATCH_BYTES);
    scratch->streams = streams < MOST_STREAMS ? (uint32_t)streams : MOST_STREAMS;
    scratch->path = NULL;
    take_ports (scratch);
    if (above && above[0] == '/' && asprintf (&scratch->path, "%s/%s", above, node) < 0) {
        scratch->path = NULL;
        return aw_error_set (err, "out of memory");
    }
    unsetenv (AW_SCRATCH_DIR);
    return 0;
}

/* Makes one private directory. */
static int make_one (const char *path, struct aw_error *err)
{
    struct stat st;

    if (mkdir (path, 0700) == 0)
        return 0;
    if (errno != EEXIST || lstat (path, &st) < 0)
        return aw_error_set (err, "%s: %s: name another place with --scratch", path,
                             strerror (errno));
    if (!S_ISDIR (st.st_mode) || st.st_uid != geteuid () || (st.st_mode & 077) != 0) {
        errno = EPERM;
        return aw_error_set (err, "%s: exists, but is not a private directory of this user", path);
    }
    return 0;
}

/* PATH without its last part, for the caller to free. */
static char *parent_of (const char *path)
{
    const char *slash = strrchr (path, '/');

    return slash && slash > path ? strndup (path, (size_t)(slash - path)) : NULL;
}

int aw_scratch_make (const char *path, struct aw_error *err)
{
    char *run = parent_of (path);
    int rc;

    if (!run)
        return aw_error_set (err, "\"%s\" cannot be a scratch directory", path);
    rc = make_one (run, err);
    if (rc == 0)
        rc = make_one (path, err);
    if (rc < 0)
        rmdir (run); /* it stays where it is another agent's, too */
    free (run);
    return rc;
}

uint64_t aw_scratch_free (const char *path)
{
    struct statvfs st;

    return statvfs (path, &st) < 0 ? UINT64_MAX : (uint64_t)st.f_bavail * st.f_frsize;
}

bool aw_scratch_in_memory (const char *path)
{
    struct statfs st;

    /* Of 32 bits, with or without sign. */
    return statfs (path, &st) == 0
           && ((uint32_t)st.f_type == TMPFS_MAGIC || (uint32_t)st.f_type == RAMFS_MAGIC);
}

void aw_scratch_remove (const char *path)
{
    const char *slash = strrchr (path, '/');
    char run[PATH_MAX];

    aw_copy_remove (path);
    if (slash && slash > path && slash - path < PATH_MAX) {
        snprintf (run, sizeof (run), "%.*s", (int)(slash - path), path);
        rmdir (run); /* another agent of this machine may have its own in it */
    }
}
