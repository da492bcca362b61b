/* SPDX-License-Identifier: Apache-2.0 */
#include "io/journal/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal/sync_thread.h"
#include "util/write.h"

#define AW_RUN_PARTIAL ".partial.XXXXXX" /* a file that is being written */

/* A name that is one component of a path, and not a hidden one. */
static char *file_name (const char *name)
{
    char *copy = strdup (name && *name ? name : "run");

    for (char *p = copy; p && *p; p++)
        if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f
            || (p == copy && (*p == '.' || *p == '-')))
            *p = '_';
    return copy;
}

const char *aw_run_dir_hint (int error)
{
    return error == ENOSPC || error == EDQUOT  ? ": free some space there"
           : error == EACCES || error == EPERM ? ": give yourself access to it, with chmod u+rwX"
           : error == EROFS                    ? ": copy it to where it can be written"
                                               : "";
}

int aw_run_dir_check_umask (struct aw_error *err)
{
    mode_t mask = umask (077);

    umask (mask);
    if (!(mask & 0700))
        return 0;
    return aw_error_set (err,
                         "umask %04o takes your own access to new files: set another first, as "
                         "umask 022",
                         (unsigned)mask);
}

char *aw_run_dir_name (const char *name, const char *job)
{
    char *base = file_name (name);
    char *id = file_name (job && *job ? job : "local");
    char *both = NULL;

    if (base && id && asprintf (&both, "%s-%s", base, id) < 0)
        both = NULL;
    free (base);
    free (id);
    return both;
}

static int check_own (const struct stat *st, mode_t kind, const char *name, struct aw_error *err)
{
    if ((st->st_mode & S_IFMT) != kind)
        return aw_error_set (err,
                             S_ISLNK (st->st_mode) ? "%s: a symbolic link"
                             : kind == S_IFDIR     ? "%s: not a directory"
                                                   : "%s: not a regular file",
                             name);
    if (st->st_uid != geteuid ())
        return aw_error_set (err, "%s: it belongs to another user: its commands would be executed",
                             name);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return aw_error_set (
            err, "%s: others can write to it, and its commands would be executed: chmod go-w it",
            name);
    return 0;
}

/* Exists NAME in the directory FD, and is it a directory in which files can be made? 0, or -1 with
 * text. */
static int check_writable (int fd, const char *name, struct aw_error *err)
{
    struct stat st;

    if (fstatat (fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : aw_error_set (err, "%s: %s", name, strerror (errno));
    if (fstatat (fd, name, &st, 0) < 0)
        return errno == ENOENT
                   ? aw_error_set (err,
                                   "%s: a link to what does not exist: restore that, or remove the "
                                   "link",
                                   name)
                   : aw_error_set (err, "%s: %s", name, strerror (errno));
    if (!S_ISDIR (st.st_mode))
        return aw_error_set (err, "%s: not a directory: remove or rename it", name);
    if (faccessat (fd, name, W_OK | X_OK, 0) < 0)
        return aw_error_set (err, "%s: cannot be written: %s%s", name, strerror (errno),
                             aw_run_dir_hint (errno));
    return 0;
}

int aw_run_dir_check_writable (const char *dir, struct aw_error *err)
{
    static const char *const places[] = { AW_RUN_LOGS, AW_RUN_MESSAGES, AW_RUN_SUBMITTED };
    int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

    if (fd < 0 || faccessat (fd, ".", R_OK | W_OK | X_OK, 0) < 0)
        rc = aw_error_set (err, "cannot be written: %s%s", strerror (errno),
                           aw_run_dir_hint (errno));
    for (size_t i = 0; rc == 0 && i < sizeof (places) / sizeof (places[0]); i++)
        rc = check_writable (fd, places[i], err);
    if (rc == 0 && faccessat (fd, AW_RUN_JOURNAL, W_OK, 0) < 0 && errno != ENOENT)
        rc = aw_error_set (err, "%s: cannot be written: %s%s", AW_RUN_JOURNAL, strerror (errno),
                           aw_run_dir_hint (errno));
    if (rc < 0)
        aw_error_prefix (err, dir);
    if (fd >= 0)
        close (fd);
    return rc < 0 ? -1 : aw_run_dir_check_umask (err);
}

int aw_run_dir_check_own (const char *dir, struct aw_error *err)
{
    static const char *const files[] = { AW_RUN_WORKFLOW, AW_RUN_VALUES, AW_RUN_JOURNAL };
    /* One directory for all checks, even if its name changes meanwhile. */
    int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    int rc = -1;

    if (fd < 0 || fstat (fd, &st) < 0)
        aw_error_set (err, "%s: %s", dir, strerror (errno));
    else
        rc = check_own (&st, S_IFDIR, dir, err);
    for (size_t i = 0; rc == 0 && i < sizeof (files) / sizeof (files[0]); i++) {
        if (fstatat (fd, files[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            rc = check_own (&st, S_IFREG, files[i], err);
        else if (errno != ENOENT)
            rc = aw_error_set (err, "%s: %s", files[i], strerror (errno));
        if (rc < 0)
            aw_error_prefix (err, dir);
    }
    if (fd >= 0)
        close (fd);
    return rc;
}

int aw_run_dir_write_file (const char *dir,
                           const char *file,
                           mode_t mode,
                           const char *text,
                           size_t size,
                           struct aw_error *err)
{
    char *path = aw_run_dir_path (dir, file);
    char *partial = path ? aw_run_dir_path (dir, AW_RUN_PARTIAL) : NULL;
    int fd = partial ? mkostemp (partial, O_CLOEXEC) : -1;
    int rc = fd < 0 ? -1 : aw_write_all (fd, text, size);

    if (rc == 0)
        rc = fchmod (fd, mode);
    if (rc == 0 && fsync (fd) < 0 && errno != EINVAL && errno != EROFS)
        rc = -1;
    if (fd >= 0 && close (fd) < 0)
        rc = -1;
    if (rc == 0)
        rc = rename (partial, path);
    if (rc < 0)
        aw_error_set (err, "%s/%s: %s%s", dir, file, strerror (errno), aw_run_dir_hint (errno));
    if (rc < 0 && fd >= 0)
        unlink (partial);
    free (partial);
    free (path);
    return rc;
}

int aw_run_dir_has (const char *dir, const char *file, struct aw_error *err)
{
    char *path = aw_run_dir_path (dir, file);
    int error = !path ? ENOMEM : access (path, F_OK) < 0 ? errno : 0;

    free (path);
    if (error && error != ENOENT)
        return aw_error_set (err, "%s/%s: %s", dir, file, strerror (error));
    return !error;
}

int aw_run_dir_check_workflow (const char *dir, struct aw_error *err)
{
    struct stat st;
    int there;

    if (stat (dir, &st) < 0)
        return aw_error_set (err, "%s: %s", dir, strerror (errno));
    if (!S_ISDIR (st.st_mode))
        return aw_error_set (err, "%s: not a directory: give a run directory", dir);
    there = aw_run_dir_has (dir, AW_RUN_WORKFLOW, err);
    if (there == 0)
        return aw_error_set (err, "%s: not a run directory: %s is missing", dir, AW_RUN_WORKFLOW);
    return there < 0 ? -1 : 0;
}

int aw_run_dir_write_workflow (const char *dir, const char *text, size_t size, struct aw_error *err)
{
    int there = aw_run_dir_has (dir, AW_RUN_WORKFLOW, err);

    if (there != 0)
        return there < 0 ? -1
                         : aw_error_set (err, "%s/%s: %s", dir, AW_RUN_WORKFLOW, strerror (EEXIST));
    return aw_run_dir_write_file (dir, AW_RUN_WORKFLOW, 0600, text, size, err);
}

int aw_run_dir_sync (const char *dir, struct aw_error *err)
{
    int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int parent = fd < 0 ? -1 : openat (fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct aw_sync_file files[] = { { fd, dir, true }, { parent, dir, true } };
    const struct aw_sync_list list = { .files = files, .n = 2 };
    int rc;

    if (parent < 0)
        rc = aw_error_set (err, "%s: cannot be opened for fsync: %s", dir, strerror (errno));
    else
        rc = aw_sync (&list, err);
    if (fd >= 0)
        close (fd);
    if (parent >= 0)
        close (parent);
    return rc;
}

bool aw_run_dir_file_is_gone (int fd, const char *path)
{
    struct stat mine, there;

    if (stat (path, &there) < 0)
        return errno == ENOENT || errno == ENOTDIR;
    return fstat (fd, &mine) == 0 && (mine.st_dev != there.st_dev || mine.st_ino != there.st_ino);
}

char *aw_run_dir_path (const char *dir, const char *file)
{
    size_t dir_size = strlen (dir), file_size = strlen (file);
    char *path = malloc (dir_size + file_size + 2);

    if (!path)
        return NULL;
    memcpy (path, dir, dir_size); /* printf takes longer, and each start of a task does this */
    path[dir_size] = '/';
    memcpy (path + dir_size + 1, file, file_size + 1);
    return path;
}

char *aw_run_dir_log (const char *dir,
                      const struct aw_graph *graph,
                      uint32_t task,
                      uint32_t attempt,
                      const char *suffix)
{
    struct aw_task place = aw_graph_task (graph, task);
    char *set = file_name (graph->sets[place.set].name);
    char iteration[16] = "", retry[24] = "";
    char *path = NULL;

    if (!set)
        return NULL;
    if (aw_graph_names_iteration (graph, place.set))
        snprintf (iteration, sizeof (iteration), "@%u", place.iteration);
    if (attempt)
        snprintf (retry, sizeof (retry), ".retry%u", attempt);
    if (asprintf (&path, "%s/" AW_RUN_LOGS "/%s%s.%u%s.%s", dir, set, iteration, place.index, retry,
                  suffix)
        < 0)
        path = NULL;
    free (set);
    return path;
}
