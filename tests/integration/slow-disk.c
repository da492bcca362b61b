/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: fdatasync as a test wants it. Each call adds a line to the file SLOW_DISK_LOG:
 * "store" for what is in a directory logs, else "sync". Call number SLOW_DISK_FAIL, and each one
 * after it, fails with EIO; if that is "store", those for the store do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool in_store (int fd)
{
    char link[32], path[4096];
    ssize_t n;

    snprintf (link, sizeof (link), "/proc/self/fd/%d", fd);
    n = readlink (link, path, sizeof (path) - 1);
    path[n < 0 ? 0 : n] = '\0';
    return strstr (path, "/logs");
}

int fdatasync (int fd)
{
    static int calls;
    const char *log = getenv ("SLOW_DISK_LOG");
    const char *fail = getenv ("SLOW_DISK_FAIL");
    int out = log ? open (log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    bool store = in_store (fd);

    calls++;
    if (out >= 0) {
        if (write (out, store ? "store\n" : "sync\n", store ? 6 : 5) < 0)
            abort ();
        close (out);
    }
    if (fail && (strcmp (fail, "store") == 0 ? store : calls >= atoi (fail))) {
        errno = EIO;
        return -1;
    }
    return fsync (fd);
}
