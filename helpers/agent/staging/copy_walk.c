/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the files of a source: a pattern or a directory. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/staging/copy_file.h"
#include "util/hash.h"

enum { MAX_DEPTH = 256 }; /* of directories within each other */

/* A walk over the files of a source, which copies or counts them. */
struct walk {
    const struct aw_copy *copy; /* NULL: it only counts */
    struct aw_copied *sum;
    uint64_t stamp;
    struct aw_error *err;
    void (*made) (void *arg, const char *path);
    void *arg;
};

static int visit (struct walk *w, const char *from, const char *to, bool follow, int depth);

static int fail (struct walk *w, const char *path)
{
    int saved = errno;

    aw_error_set (w->err, "%s: %s", path, strerror (saved));
    errno = saved;
    return -1;
}

static void count (struct walk *w, const char *from, const struct stat *st)
{
    w->stamp = aw_hash64 (w->stamp, from, strlen (from));
    w->stamp = aw_hash64 (w->stamp, &st->st_ino, sizeof (st->st_ino));
    w->stamp = aw_hash64 (w->stamp, &st->st_size, sizeof (st->st_size));
    w->stamp = aw_hash64 (w->stamp, &st->st_mtim, sizeof (st->st_mtim));
    if (S_ISREG (st->st_mode)) {
        w->sum->bytes += (uint64_t)st->st_size;
        w->sum->files++;
    }
}

/* Makes the directories above PATH. */
static int make_parents (struct walk *w, const char *path)
{
    char *copy = strdup (path);
    int rc = 0;

    if (!copy)
        return fail (w, path);
    for (char *p = strchr (copy + 1, '/'); p && rc == 0; p = strchr (p + 1, '/')) {
        *p = '\0';
        if (mkdir (copy, 0700) < 0 && errno != EEXIST)
            rc = fail (w, copy);
        *p = '/';
    }
    free (copy);
    return rc;
}

static char *join (const char *directory, const char *name)
{
    size_t n = strlen (directory);
    char *path;

    return asprintf (&path, "%s%s%s", directory, n > 0 && directory[n - 1] == '/' ? "" : "/", name)
                   < 0
               ? NULL
               : path;
}

static int visit_entry (
    struct walk *w, const char *from, const char *to, const char *name, int depth)
{
    char *source = join (from, name);
    char *copy = to ? join (to, name) : NULL;
    int rc = source && (copy || !to) ? visit (w, source, copy, false, depth + 1) : fail (w, from);
    int saved = errno;

    free (source);
    free (copy);
    errno = saved;
    return rc;
}

static int visit_directory (
    struct walk *w, const char *from, const char *to, const struct stat *st, int depth)
{
    struct dirent **names;
    int n, rc = 0, saved;

    if (depth > MAX_DEPTH) {
        errno = ELOOP;
        return fail (w, from);
    }
    if (w->copy && mkdir (to, (st->st_mode & 0777) | S_IRWXU) < 0 && errno != EEXIST)
        return fail (w, to);
    n = scandir (from, &names, NULL, alphasort); /* in order, so that a stamp is repeatable */
    if (n < 0)
        return fail (w, from);
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;

        if (rc == 0 && strcmp (name, ".") != 0 && strcmp (name, "..") != 0)
            rc = visit_entry (w, from, to, name, depth);
    }
    saved = errno;
    for (int i = 0; i < n; i++)
        free (names[i]);
    free (names);
    errno = saved;
    return rc;
}

static int visit_link (struct walk *w, const char *from, const char *to)
{
    char target[4096];
    ssize_t n = readlink (from, target, sizeof (target) - 1);

    if (n < 0)
        return fail (w, from);
    if (!w->copy)
        return 0;
    target[n] = '\0';
    if (unlink (to) < 0 && errno != ENOENT)
        return fail (w, to);
    return symlink (target, to) < 0 ? fail (w, to) : 0;
}

/* NFS answers stat from its cache, and asks the server when a file is opened: another node may have
 * written it just before. A file that cannot be opened keeps the answer of stat.
 */
static void stat_opened (const char *from, struct stat *st)
{
    int fd = open (from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat now;

    if (fd >= 0 && fstat (fd, &now) == 0)
        *st = now;
    if (fd >= 0)
        close (fd);
}

static int visit (struct walk *w, const char *from, const char *to, bool follow, int depth)
{
    struct stat st;

    if (fstatat (AT_FDCWD, from, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
        return fail (w, from);
    if (!w->copy && S_ISREG (st.st_mode))
        stat_opened (from, &st);
    if (!w->copy)
        count (w, from, &st);
    if (S_ISDIR (st.st_mode))
        return visit_directory (w, from, to, &st, depth);
    if (S_ISLNK (st.st_mode))
        return visit_link (w, from, to);
    if (w->copy)
        return aw_copy_file (w->copy, from, to, w->sum, w->err);
    return 0;
}

/* The name of an existing file is not a pattern: tasks' names have brackets. 1 or 0; -1 with errno:
 * it is unknown whether there is such a file.
 */
static int is_pattern (const char *from)
{
    struct stat st;

    if (!strpbrk (from, "*?[") || lstat (from, &st) == 0)
        return 0;
    return errno == ENOENT ? 1 : -1;
}

/* The last part of PATH, without "/" at its end. */
static char *base_name (const char *path)
{
    size_t end = strlen (path), begin;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
        ;
    return strndup (path + begin, end - begin);
}

/* Copies FROM to TO, or INTO the directory TO. */
static int take (struct walk *w, const char *from, const char *to, bool into)
{
    char *name = into ? base_name (from) : NULL;
    char *path = into && name ? join (to, name) : NULL;
    const char *target = into ? path : to;
    int rc, saved;

    if (into && !path)
        rc = fail (w, from);
    else if (w->copy && make_parents (w, target) < 0)
        rc = -1;
    else {
        if (w->copy && w->made)
            w->made (w->arg, target);
        rc = visit (w, from, target, true, 0);
    }
    saved = errno;
    free (name);
    free (path);
    errno = saved;
    return rc;
}

static int take_all (struct walk *w, const char *from, const char *to)
{
    size_t n = to ? strlen (to) : 0;
    int rc, pattern = is_pattern (from);
    glob_t found;

    if (pattern < 0)
        return fail (w, from);
    if (!pattern)
        return take (w, from, to, n > 0 && to[n - 1] == '/');
    rc = glob (from, GLOB_ERR, NULL, &found);
    if (rc != 0) {
        errno = rc == GLOB_NOMATCH ? ENOENT : rc == GLOB_NOSPACE ? ENOMEM : EIO;
        if (rc == GLOB_NOMATCH)
            return aw_error_set (w->err, "%s: nothing matches", from);
        return fail (w, from);
    }
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
        rc = take (w, found.gl_pathv[i], to, to != NULL);
    n = (size_t)errno;
    globfree (&found);
    errno = (int)n;
    return rc;
}

int aw_copy (const struct aw_copy *copy, struct aw_copied *copied, struct aw_error *err)
{
    return aw_copy_reporting (copy, NULL, NULL, copied, err);
}

int aw_copy_reporting (const struct aw_copy *copy,
                       void (*made) (void *arg, const char *path),
                       void *arg,
                       struct aw_copied *copied,
                       struct aw_error *err)
{
    struct walk w = { .copy = copy, .sum = copied, .err = err, .made = made, .arg = arg };

    if (!copy->from || !copy->to || copy->from[0] != '/' || copy->to[0] != '/') {
        errno = EINVAL;
        return aw_error_set (err, "a copy needs two absolute paths");
    }
    return take_all (&w, copy->from, copy->to);
}

int aw_copy_survey (const char *from, struct aw_copied *found, uint64_t *mark, struct aw_error *err)
{
    struct walk w = { .sum = found, .stamp = AW_HASH64_BASIS, .err = err };
    int rc;

    memset (found, 0, sizeof (*found));
    rc = take_all (&w, from, NULL);
    *mark = w.stamp;
    return rc;
}

int aw_copy_sources (const char *from, void (*found) (void *arg, const char *path), void *arg)
{
    int rc, pattern = is_pattern (from);
    glob_t matches;

    if (pattern < 0)
        return -1;
    if (!pattern) {
        found (arg, from);
        return 0;
    }
    rc = glob (from, 0, NULL, &matches);
    if (rc == GLOB_NOMATCH)
        return 0;
    if (rc != 0) {
        errno = rc == GLOB_NOSPACE ? ENOMEM : EIO;
        return -1;
    }
    for (size_t i = 0; i < matches.gl_pathc; i++)
        found (arg, matches.gl_pathv[i]);
    globfree (&matches);
    return 0;
}

int aw_copy_remove (const char *path)
{
    struct dirent **names;
    int n;

    if (unlink (path) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    (void)chmod (path, 0700); /* a task may have made it read-only */
    n = scandir (path, &names, NULL, NULL);
    if (n < 0)
        return errno == ENOENT ? 0 : -1;
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        char *entry = NULL;

        if (strcmp (name, ".") != 0 && strcmp (name, "..") != 0 && (entry = join (path, name)))
            (void)aw_copy_remove (entry); /* a remaining entry makes rmdir fail */
        free (entry);
        free (names[i]);
    }
    free (names);
    return rmdir (path) == 0 || errno == ENOENT ? 0 : -1;
}
