/* SPDX-License-Identifier: Apache-2.0 */
/* What other nodes may have of the copies that were staged in here. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/staging/copier.h"
#include "agent/staging/stager_state.h"
#include "agent/staging/taker.h"
#include "io/wire/frame.h"

void aw_stager_watch (struct aw_stager *s, void (*moved) (void *arg), void *arg)
{
    s->moved = moved;
    s->moved_arg = arg;
}

/* Has ITEM made FILE, or a directory that it is in? */
static bool has_file (const struct aw_stager_item *item, const char *file)
{
    for (size_t i = 0; i < item->made.n; i++) {
        const char *made = aw_stager_place (item->stager, item->made.v[i]);
        size_t n = made ? strlen (made) : 0;

        while (n > 0 && made[n - 1] == '/')
            n--;
        if (n > 0 && strncmp (file, made, n) == 0 && (file[n] == '/' || !file[n]))
            return true;
    }
    return false;
}

static bool is_copy (const struct aw_stager_item *item, const struct aw_take *take)
{
    const char *to = aw_stager_place (item->stager, item->copy.to);

    return to && strcmp (to, take->to) == 0 && strcmp (item->copy.from, take->from) == 0;
}

/* What has made the file of TAKE, or will. NULL: nothing. */
static const struct aw_stager_item *item_of (const struct aw_stager *s, const struct aw_take *take)
{
    const struct aw_stager_item *item = s->in;

    while (item
           && (!is_copy (item, take)
               || (item->state != AW_STAGER_ITEM_QUEUED && item->state != AW_STAGER_ITEM_COPYING
                   && item->state != AW_STAGER_ITEM_THERE)))
        item = item->next;
    return item;
}

enum aw_gives aw_stager_gives (const struct aw_stager *s, const struct aw_take *take)
{
    const struct aw_stager_item *item = item_of (s, take);

    if (!item)
        return AW_GIVES_NOT;
    if (item->state == AW_STAGER_ITEM_THERE)
        return has_file (item, take->file) ? AW_GIVES_NOW : AW_GIVES_NOT;
    /* With bytes it has its room. */
    return item->state == AW_STAGER_ITEM_COPYING && item->bytes > 0 && has_file (item, take->file)
               ? AW_GIVES_NOW
               : AW_GIVES_LATER;
}

/* Has FD opened FILE of DIRECTORY itself, and nothing that ".." or a link in it leads to? */
static bool is_at (int fd, const char *directory, const char *file)
{
    char link[64], path[PATH_MAX], real[PATH_MAX];
    size_t n = realpath (directory, real) ? strlen (real) : 0;
    ssize_t size;

    snprintf (link, sizeof (link), "/proc/self/fd/%d", fd);
    size = readlink (link, path, sizeof (path) - 1);
    path[size > 0 ? size : 0] = '\0';
    return n > 0 && strncmp (path, real, n) == 0 && path[n] == '/'
           && strcmp (path + n + 1, file) == 0;
}

static int open_at (const struct aw_stager *s, const char *file)
{
    int fd = -1;
    char *path;

    if (!s->scratch || asprintf (&path, "%s/%s", s->scratch, file) < 0)
        return -1;
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    free (path);
    if (fd < 0 || is_at (fd, s->scratch, file))
        return fd;
    close (fd);
    return -1;
}

/* The process that copies the file of TAKE; -1: none does. */
static pid_t copier_of (const struct aw_stager *s, const struct aw_take *take)
{
    const struct aw_stager_item *item = item_of (s, take);

    return item && item->copier ? aw_copier_pid (item->copier) : -1;
}

/* Where the file of TAKE is while it is copied, in the scratch directory. The caller frees it;
 * NULL: nowhere.
 */
static char *place_of_part (const struct aw_stager *s, const struct aw_take *take)
{
    pid_t pid = copier_of (s, take);
    char *path = NULL, *hidden, *place;

    if (pid <= 0 || asprintf (&path, "%s/%s", s->scratch, take->file) < 0)
        return NULL;
    hidden = aw_copy_hidden_name (path, pid);
    place = hidden ? strdup (aw_stager_place (s, hidden)) : NULL;
    free (hidden);
    free (path);
    return place;
}

static bool is_same (int fd, const struct aw_take *take)
{
    const struct stat want = {
        .st_size = (off_t)take->bytes,
        .st_mtim = { (time_t)(take->time / 1000000000), (long)(take->time % 1000000000) },
    };
    struct stat st;

    return fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && aw_same_file (&st, &want);
}

int aw_stager_open (const struct aw_stager *s, const struct aw_take *take)
{
    int fd = open_at (s, take->file);
    char *part;

    if (fd >= 0 && is_same (fd, take))
        return fd;
    if (fd >= 0)
        close (fd);
    part = place_of_part (s, take);
    fd = part ? open_at (s, part) : -1;
    free (part);
    return fd;
}

enum aw_has aw_stager_has (const struct aw_stager *s, const struct aw_take *take, int fd)
{
    pid_t pid = copier_of (s, take);
    char *part = pid > 0 && kill (pid, 0) == 0 ? place_of_part (s, take) : NULL;
    bool copies = part && (fd < 0 || is_at (fd, s->scratch, part));

    free (part);
    /* Looked at last, as the file may be completed now: it gets its time when it has proved right.
     */
    if (fd >= 0 && is_same (fd, take))
        return AW_HAS_ALL;
    return copies ? AW_HAS_PART : AW_HAS_NOT;
}
