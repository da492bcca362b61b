/* SPDX-License-Identifier: Apache-2.0 */
/* Making a run directory, and removing one in which nothing has happened. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal/run_dir.h"
#include "io/journal/run_origin.h"

enum { MAX_NUMBER = 100000 };

/* DIR and DIR/logs, both or none. -1 with errno; EEXIST: something of that name is there. */
static int make (const char *dir)
{
    char *logs = aw_run_dir_path (dir, AW_RUN_LOGS);
    int rc = logs ? mkdir (dir, 0700) : -1, saved;

    if (rc == 0 && mkdir (logs, 0700) < 0) {
        saved = errno;
        rmdir (dir);
        errno = saved;
        rc = -1;
    }
    free (logs);
    return rc;
}

static int make_numbered (const char *name, const char *job, char *path, size_t size)
{
    char *base = aw_run_dir_name (name, job);
    int rc = -1;

    errno = ENOMEM;
    for (int i = 0; base && i <= MAX_NUMBER; i++) {
        int n = snprintf (path, size, i ? "%s.%d" : "%s", base, i);
        if (n < 0 || (size_t)n >= size) {
            errno = ENAMETOOLONG;
            break;
        }
        rc = make (path);
        if (rc == 0 || errno != EEXIST)
            break;
    }
    free (base);
    return rc;
}

static const char *hint_of_new (int error)
{
    return error == EACCES || error == EPERM || error == EROFS
               ? ": give a directory that you can write, with --dir"
               : aw_run_dir_hint (error);
}

static int cannot_make (const char *dir, struct aw_error *err)
{
    int error = errno;

    if (error == EEXIST && aw_run_dir_has (dir, AW_RUN_WORKFLOW, err) > 0)
        return aw_error_set (err,
                             "%s: %s: give another directory, or continue its run with --resume",
                             dir, strerror (error));
    errno = error;
    return aw_error_set (err, "%s: %s%s", dir, strerror (errno),
                         errno == EEXIST   ? ": give another directory"
                         : errno == ENOENT ? ": make the directory above it first"
                                           : hint_of_new (errno));
}

int aw_run_dir_check_new (const char *dir, struct aw_error *err)
{
    char *copy = strdup (dir ? dir : "run");
    const char *parent;
    struct stat st;
    int rc = 0;

    if (!copy)
        return aw_error_set (err, "out of memory");
    parent = dirname (copy);
    errno = EEXIST;
    if (dir && (lstat (dir, &st) == 0 || errno != ENOENT))
        rc = cannot_make (dir, err);
    else if (access (parent, W_OK | X_OK) < 0)
        rc = cannot_make (dir ? dir : "the run directory", err);
    free (copy);
    return rc < 0 ? -1 : aw_run_dir_check_umask (err);
}

char *aw_run_dir_create (const char *dir, const char *name, const char *job, struct aw_error *err)
{
    char path[PATH_MAX];
    char *absolute;

    if (aw_run_dir_check_umask (err) < 0)
        return NULL;
    if (dir && *dir) {
        if (make (dir) < 0) {
            cannot_make (dir, err);
            return NULL;
        }
    }
    else if (make_numbered (name, job, path, sizeof (path)) < 0) {
        aw_error_set (err, "run directory %s-%s: %s: give another with --dir", name ? name : "run",
                      job && *job ? job : "local", strerror (errno));
        return NULL;
    }
    absolute = realpath (dir && *dir ? dir : path, NULL);
    if (!absolute)
        aw_error_set (err, "run directory %s: %s", dir && *dir ? dir : path, strerror (errno));
    return absolute;
}

static int remove_in (const char *dir, const char *file, int (*call) (const char *))
{
    char *path = aw_run_dir_path (dir, file);
    int rc = path ? call (path) : -1;

    free (path);
    return rc < 0 && errno != ENOENT ? -1 : 0;
}

void aw_run_dir_discard (const char *dir)
{
    static const char *const files[] = { AW_RUN_WORKFLOW, AW_RUN_VALUES, AW_RUN_JOURNAL,
                                         AW_RUN_JOB };

    if (remove_in (dir, AW_RUN_LOGS, rmdir) < 0)
        return; /* something is in it */
    for (size_t i = 0; i < sizeof (files) / sizeof (files[0]); i++)
        remove_in (dir, files[i], unlink);
    rmdir (dir);
}
