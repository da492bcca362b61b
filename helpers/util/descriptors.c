/* SPDX-License-Identifier: Apache-2.0 */
/* close_range(2) came with Linux 5.9 and its flag with 5.11; older kernels have /proc/self/fd. It
 * is read by system calls alone: a child of vfork must not allocate, as opendir does.
 */
#include "config.h"

#include "util/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The limit before it was raised; valid if raised is true. */
static struct rlimit inherited;
static bool raised;

enum { CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC of linux/close_range.h */

/* struct linux_dirent64 of getdents64(2), up to its name. */
enum { RECORD_SIZE_AT = 2 * sizeof (uint64_t), NAME_AT = RECORD_SIZE_AT + 3 };

/* -1: NAME is not a number ("." and ".."). */
static int number_of (const char *name)
{
    int fd = 0;

    if (*name < '0' || *name > '9')
        return -1;
    for (; *name >= '0' && *name <= '9'; name++)
        fd = 10 * fd + (*name - '0');
    return fd;
}

/* The N bytes at RECORDS came from getdents64 on DIRECTORY. */
static void each_of_records (const char *records, long n, int directory, int first, int cloexec)
{
    uint16_t size;

    for (long at = 0; at < n; at += size) {
        int fd = number_of (records + at + NAME_AT);

        memcpy (&size, records + at + RECORD_SIZE_AT, sizeof (size));
        if (fd < first || fd < 0 || fd == directory)
            continue;
        if (cloexec)
            fcntl (fd, F_SETFD, FD_CLOEXEC);
        else
            close (fd);
    }
}

static int each_from_proc (int first, int cloexec)
{
    int directory = open ("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char records[4096];
    long n;

    if (directory < 0)
        return -1;
    while ((n = syscall (SYS_getdents64, directory, records, sizeof (records))) > 0)
        each_of_records (records, n, directory, first, cloexec);
    close (directory);
    return n < 0 ? -1 : 0;
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

int aw_open_standard (void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int flags = fcntl (fd, F_GETFD), null;

        if (flags < 0 ? errno != EBADF : !(flags & FD_CLOEXEC))
            continue;
        null = open ("/dev/null", O_RDWR); /* becomes FD where that is the lowest closed one */
        if (null < 0 || (null != fd && dup2 (null, fd) < 0))
            return -1;
        if (null != fd)
            close (null);
    }
    return 0;
}

int aw_close_from (int first)
{
    return each_from (first, 0);
}

int aw_cloexec_from (int first)
{
    return each_from (first, CLOEXEC);
}

void aw_descriptors_raise (void)
{
    struct rlimit limit;

    if (!raised && getrlimit (RLIMIT_NOFILE, &inherited) < 0)
        return;
    raised = true;
    limit = inherited;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit (RLIMIT_NOFILE, &limit);
}

bool aw_descriptors_restore (void)
{
    if (raised)
        (void)setrlimit (RLIMIT_NOFILE, &inherited);
    return raised;
}
