/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the socket's directory of an agent that was killed. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/messages/messages.h"

/* Removes only a directory of this user with at most a socket in it. */
static void remove_one (int fd, const char *name)
{
    struct stat st;
    int inner;

    if (fstatat (fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR (st.st_mode)
        || st.st_uid != geteuid ())
        return;
    inner = openat (fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner >= 0) {
        unlinkat (inner, "messages", 0);
        close (inner);
    }
    unlinkat (fd, name, AT_REMOVEDIR);
}

static void clean_in (const char *path, pid_t pid)
{
    DIR *directory = opendir (path);
    char prefix[64];
    struct dirent *entry;

    snprintf (prefix, sizeof (prefix), AW_MESSAGES_PREFIX "%ld.", (long)pid);
    while (directory && (entry = readdir (directory)))
        if (strncmp (entry->d_name, prefix, strlen (prefix)) == 0)
            remove_one (dirfd (directory), entry->d_name);
    if (directory)
        closedir (directory);
}

void aw_messages_clean (pid_t pid)
{
    const char *tmp = getenv ("TMPDIR");

    if (tmp && *tmp == '/')
        clean_in (tmp, pid);
    clean_in ("/tmp", pid);
}
