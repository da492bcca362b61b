/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: fdatasync as a test wants it. Each call adds a line "sync" to the file SLOW_DISK_LOG;
 * call number SLOW_DISK_FAIL, and each one after it, fails with EIO.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync (int fd)
{
    static int calls;
    const char *log = getenv ("SLOW_DISK_LOG");
    const char *fail = getenv ("SLOW_DISK_FAIL");
    int out = log ? open (log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    calls++;
    if (out >= 0) {
        if (write (out, "sync\n", 5) != 5)
            abort ();
        close (out);
    }
    if (fail && calls >= atoi (fail)) {
        errno = EIO;
        return -1;
    }
    return fsync (fd);
}
