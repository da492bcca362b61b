/* SPDX-License-Identifier: Apache-2.0 */
/* write and send may take less than they are given, and be interrupted. */
#include "util/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int put_all (int fd, const void *data, size_t size, bool sends)
{
    const char *rest = data;

    while (size > 0) {
        ssize_t n =
            sends ? send (fd, rest, size, MSG_NOSIGNAL | MSG_DONTWAIT) : write (fd, rest, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        rest += n;
        size -= (size_t)n;
    }
    return 0;
}

int aw_write_all (int fd, const void *data, size_t size)
{
    return put_all (fd, data, size, false);
}

/* Opens PATH for writing; MADE: it was not there. -1 with errno. */
static int open_output (const char *path, bool *made)
{
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
    int fd = open (path, flags | O_EXCL, 0666);

    *made = fd >= 0;
    return !*made && errno == EEXIST ? open (path, flags | O_TRUNC, 0666) : fd;
}

int aw_write_output (const char *path, const void *data, size_t size)
{
    bool made;
    int fd, rc, saved;

    if (!path || strcmp (path, "-") == 0)
        return aw_write_all (STDOUT_FILENO, data, size);
    fd = open_output (path, &made);
    if (fd < 0)
        return -1;
    rc = aw_write_all (fd, data, size);
    saved = errno;
    if (close (fd) < 0 && rc == 0) {
        rc = -1;
        saved = errno;
    }
    if (rc < 0 && made)
        unlink (path);
    errno = saved;
    return rc;
}

int aw_send_all (int fd, const void *data, size_t size)
{
    return put_all (fd, data, size, true);
}
