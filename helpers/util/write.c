/* SPDX-License-Identifier: Apache-2.0 */
/* write and send may take less than they are given, and be interrupted. */
#include "util/write.h"

#include <errno.h>
#include <stdbool.h>
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

int aw_send_all (int fd, const void *data, size_t size)
{
    return put_all (fd, data, size, true);
}
