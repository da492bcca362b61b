/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/listen.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { LISTENS = 0x0a }; /* the state TCP_LISTEN in /proc/net/tcp */

static size_t read_table (const char *path, uint32_t port, uint64_t *inodes, size_t n)
{
    FILE *table = fopen (path, "re");
    char line[512];

    while (table && n < AW_LISTENERS_MAX && fgets (line, sizeof (line), table)) {
        unsigned local, state;
        uint64_t inode;

        /* sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode */
        if (sscanf (line,
                    " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*d %" SCNu64,
                    &local, &state, &inode)
                == 3
            && local == port && state == LISTENS)
            inodes[n++] = inode;
    }
    if (table)
        fclose (table);
    return n;
}

size_t aw_listeners (uint32_t port, uint64_t inodes[AW_LISTENERS_MAX])
{
    size_t n = read_table ("/proc/net/tcp", port, inodes, 0);

    return read_table ("/proc/net/tcp6", port, inodes, n);
}

static bool is_one_of (const char *link, const uint64_t *inodes, size_t n)
{
    uint64_t inode;

    if (sscanf (link, "socket:[%" SCNu64 "]", &inode) != 1)
        return false;
    for (size_t i = 0; i < n; i++)
        if (inodes[i] == inode)
            return true;
    return false;
}

bool aw_holds_socket (pid_t pid, const uint64_t *inodes, size_t n)
{
    struct dirent *entry;
    bool found = false;
    char path[64];
    DIR *dir;

    snprintf (path, sizeof (path), "/proc/%d/fd", (int)pid);
    dir = opendir (path);
    while (dir && !found && (entry = readdir (dir))) {
        char link[64];
        ssize_t size = readlinkat (dirfd (dir), entry->d_name, link, sizeof (link) - 1);

        link[size > 0 ? size : 0] = '\0';
        found = is_one_of (link, inodes, n);
    }
    if (dir)
        closedir (dir);
    return found;
}
