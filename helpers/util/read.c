/* SPDX-License-Identifier: Apache-2.0 */
/* pread may give less than it is asked for, and be interrupted. */
#include "util/read.h"

#include <errno.h>
#include <unistd.h>

ssize_t aw_read_at (int fd, void *data, size_t size, off_t offset)
{
    char *to = data;
    size_t done = 0;

    while (done < size) {
        ssize_t n = pread (fd, to + done, size - done, offset + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}
