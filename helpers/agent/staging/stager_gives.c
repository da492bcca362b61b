/* SPDX-License-Identifier: Apache-2.0 */
/* What other nodes may have of the copies that were staged in here. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/staging/stager_state.h"
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

enum aw_gives aw_stager_gives (const struct aw_stager *s, const struct aw_take *take)
{
    for (const struct aw_stager_item *item = s->in; item; item = item->next) {
        if (!is_copy (item, take))
            continue;
        if (item->state == AW_STAGER_ITEM_QUEUED || item->state == AW_STAGER_ITEM_COPYING)
            return AW_GIVES_LATER;
        if (item->state == AW_STAGER_ITEM_THERE)
            return has_file (item, take->file) ? AW_GIVES_NOW : AW_GIVES_NOT;
    }
    return AW_GIVES_NOT;
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

int aw_stager_open (const struct aw_stager *s, const char *file)
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
