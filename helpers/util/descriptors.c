/* SPDX-License-Identifier: Apache-2.0 */
/* close_range(2) came with Linux 5.9 and its flag with 5.11; older kernels have /proc/self/fd. */
#include "config.h"

#include "util/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC of linux/close_range.h */

static int each_from_proc (int first, int cloexec)
{
    DIR *dir = opendir ("/proc/self/fd");
    struct dirent *entry;

    if (!dir)
        return -1;
    while ((entry = readdir (dir))) {
        int fd = atoi (entry->d_name); /* "." and ".." give 0 */

        if (fd < first || fd < 1 || fd == dirfd (dir))
            continue;
        if (cloexec)
            fcntl (fd, F_SETFD, FD_CLOEXEC);
        else
            close (fd);
    }
    closedir (dir);
    return 0;
}

static int each_from (int first, unsigned flags)
{
#ifdef SYS_close_range
    if (syscall (SYS_close_range, (unsigned)first, UINT_MAX, flags) == 0)
        return 0;
    if (errno != ENOSYS && errno != EINVAL)
        return -1;
#endif
    return each_from_proc (first, flags != 0);
}

int aw_close_from (int first)
{
    return each_from (first, 0);
}

int aw_cloexec_from (int first)
{
    return each_from (first, CLOEXEC);
}
