/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the socket's directory of an agent that was killed. If its supervisor was killed too, the
 * next agent on the node does so.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/messages/messages.h"

enum { YOUNG_SECONDS = 60 };

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

/* The name of an agent's directory: a process id and a random part follow the prefix. PID: 0 stands
 * for any.
 */
static bool is_of_agent (const char *name, pid_t pid)
{
    static const char prefix[] = AW_MESSAGES_PREFIX;
    const char *number = name + sizeof (prefix) - 1;

    if (strncmp (name, prefix, sizeof (prefix) - 1) != 0 || *number < '0' || *number > '9')
        return false;
    return number[strspn (number, "0123456789")] == '.'
           && (!pid || strtol (number, NULL, 10) == pid);
}

/* Does nobody listen in directory NAME of PATH any more? An agent that starts just now may not
 * listen yet.
 */
static bool is_dead (int fd, const char *path, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat st;
    bool dead;
    int n = snprintf (address.sun_path, sizeof (address.sun_path), "%s/%s/messages", path, name);
    int own;

    if (n < 0 || (size_t)n >= sizeof (address.sun_path)
        || fstatat (fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid != geteuid ()
        || time (NULL) - st.st_mtime < YOUNG_SECONDS)
        return false;
    own = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (own < 0)
        return false;
    dead = connect (own, (struct sockaddr *)&address, sizeof (address)) < 0
           && (errno == ECONNREFUSED || errno == ENOENT);
    close (own);
    return dead;
}

/* PID: 0 stands for those of all agents that are dead. */
static void clean_in (const char *path, pid_t pid)
{
    DIR *directory = opendir (path);
    struct dirent *entry;

    while (directory && (entry = readdir (directory)))
        if (is_of_agent (entry->d_name, pid)
            && (pid || is_dead (dirfd (directory), path, entry->d_name)))
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
