/* SPDX-License-Identifier: Apache-2.0 */
/* Copies one file: the bytes, then the name. copy_walk.c finds the files. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/staging/copy_file.h"
#include "agent/staging/file_sum.h"
#include "agent/staging/taker.h"
#include "util/write.h"

enum { CHUNK = 1 << 20 };

/* The name of the file that is being written, for aw_copy_abandon. */
static char *volatile half_written;

void aw_copy_abandon (void)
{
    int saved = errno;

    if (half_written)
        unlink (half_written);
    errno = saved;
}

static int fail (struct aw_error *err, const char *path, const char *what)
{
    int saved = errno;

    aw_error_set (err, "%s: %s%s%s", path, what, *what ? ": " : "", strerror (saved));
    errno = saved;
    return -1;
}

static ssize_t read_some (int fd, void *buffer, size_t size)
{
    ssize_t n;

    do
        n = read (fd, buffer, size);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Reads IN to its end, writing to OUT unless that is -1. */
static int pump (int in, int out, uint64_t *bytes, uint32_t *sum)
{
    char *buffer = malloc (CHUNK);
    ssize_t n = -1;

    *bytes = 0;
    *sum = 0;
    if (!buffer)
        return -1;
    while ((n = read_some (in, buffer, CHUNK)) > 0) {
        *sum = (uint32_t)crc32 (*sum, (const unsigned char *)buffer, (unsigned)n);
        *bytes += (uint64_t)n;
        if (out >= 0 && aw_write_all (out, buffer, (size_t)n) < 0) {
            n = -1;
            break;
        }
    }
    free (buffer);
    return n < 0 ? -1 : 0;
}

/* Copies within the kernel. 0, or -1 with errno; BYTES may be above 0 then. */
static int copy_in_kernel (int in, int out, uint64_t *bytes)
{
    ssize_t n;

    *bytes = 0;
    do {
        n = copy_file_range (in, NULL, out, NULL, (size_t)1 << 30, 0);
        if (n > 0)
            *bytes += (uint64_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? -1 : 0;
}

/* Drops the file from the page cache, so that it is read from the device if possible. */
static int check_sum (int fd, uint32_t want, const char *path, struct aw_error *err)
{
    uint64_t bytes;
    uint32_t sum;

    if (fdatasync (fd) < 0)
        return fail (err, path, "cannot write");
    posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
    if (lseek (fd, 0, SEEK_SET) < 0 || pump (fd, -1, &bytes, &sum) < 0)
        return fail (err, path, "cannot be read again");
    if (sum != want) {
        aw_error_set (err, "%s: checksum %08x differs from that of the written data, %08x", path,
                      sum, want);
        errno = EIO;
        return -1;
    }
    return 0;
}

static bool kernel_cannot (int number)
{
    return number == EXDEV || number == EINVAL || number == ENOSYS || number == EOPNOTSUPP
           || number == ETXTBSY || number == EPERM;
}

/* Copies IN to OUT. SUM is set if COPY needs it. */
static int fill (int in,
                 int out,
                 const struct aw_copy *copy,
                 const char *path,
                 struct aw_copied *copied,
                 uint32_t *sum,
                 struct aw_error *err)
{
    uint64_t *bytes = &copied->bytes;
    struct stat st;

    if (copy->checksum || copy->keep_sum) {
        if (pump (in, out, bytes, sum) < 0)
            return fail (err, path, "cannot write");
        return copy->checksum ? check_sum (out, *sum, path, err) : 0;
    }
    if (ioctl (out, FICLONE, in) == 0) {
        if (fstat (out, &st) < 0)
            return fail (err, path, "");
        *bytes = (uint64_t)st.st_size;
        return 0;
    }
    /* copy_file_range finds 0 bytes in files of /proc and similar ones: they are read. */
    if (copy_in_kernel (in, out, bytes) == 0 && *bytes > 0)
        return 0;
    if (*bytes > 0 || (errno != 0 && !kernel_cannot (errno) && errno != ENOENT))
        return fail (err, path, "cannot write");
    if (pump (in, out, bytes, sum) < 0)
        return fail (err, path, "cannot write");
    return 0;
}

char *aw_copy_hidden_name (const char *to, pid_t pid)
{
    const char *slash = strrchr (to, '/');
    char *name;

    if (asprintf (&name, "%.*s.%s.aw-copy-%ld", (int)(slash + 1 - to), to, slash + 1, (long)pid)
        < 0)
        return NULL;
    return name;
}

/* A copy of what changed meanwhile does not look like its source: nobody takes it from here. */
static void keep_time (int in, int out, const struct stat *st)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, st->st_mtim };
    struct stat now;

    if (fstat (in, &now) == 0 && aw_same_file (st, &now))
        (void)futimens (out, times);
}

static int create (const char *name)
{
    return open (name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool is_empty (int fd)
{
    struct stat st;

    return fstat (fd, &st) == 0 && st.st_size == 0;
}

/* Makes the file NAME, and fills it with what another node has if COPY says so: TAKEN. What has
 * come wrong is not filled again, but another file is made: other nodes may be taking it. They need
 * not begin again where nothing has come. The descriptor, or -1 with errno.
 */
static int take (const struct aw_copy *copy,
                 const char *name,
                 const struct stat *st,
                 const char *to,
                 struct aw_copied *copied,
                 uint32_t *sum)
{
    int out = create (name), rc = copy->taker ? 1 : -1;

    while (out >= 0 && rc > 0) {
        rc = aw_taker_take (copy->taker, to, st, out, sum);
        if (rc != 0 && !is_empty (out)) {
            close (out);
            unlink (name);
            out = create (name);
        }
    }
    copied->damaged = copy->taker ? aw_taker_got_damage (copy->taker) : 0;
    if (rc == 0)
        copied->bytes = copied->from_nodes = (uint64_t)st->st_size;
    return out;
}

static int write_file (int in,
                       const char *name,
                       const struct stat *st,
                       const struct aw_copy *copy,
                       const char *to,
                       struct aw_copied *copied,
                       struct aw_error *err)
{
    uint32_t sum = 0;
    int rc, out = take (copy, name, st, to, copied, &sum);
    bool taken = copied->from_nodes > 0;

    if (out < 0)
        return fail (err, to, "cannot be created");
    errno = 0;
    if (!taken)
        rc = fill (in, out, copy, to, copied, &sum, err);
    else
        rc = copy->checksum ? check_sum (out, sum, to, err) : 0;
    if (rc == 0 && fchmod (out, (st->st_mode & 0777) | S_IRUSR | S_IWUSR) < 0)
        rc = fail (err, to, "mode");
    if (rc == 0 && copy->keep_sum)
        aw_file_sum_keep (out, sum); /* before the time, with which it is given as complete */
    if (rc == 0 && copy->times)
        keep_time (in, out, st);
    if (rc == 0 && copy->sync && fsync (out) < 0)
        rc = fail (err, to, "cannot write");
    if (close (out) < 0 && rc == 0)
        rc = fail (err, to, "cannot write");
    if (rc == 0 && rename (name, to) < 0)
        rc = fail (err, to, "cannot be renamed into place");
    return rc;
}

int aw_copy_file (const struct aw_copy *copy,
                  const char *from,
                  const char *to,
                  struct aw_copied *copied,
                  struct aw_error *err)
{
    int in = open (from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *name = in >= 0 ? aw_copy_hidden_name (to, getpid ()) : NULL;
    struct aw_copied one = { 0 };
    struct stat st;
    int rc, saved;

    if (in < 0)
        return fail (err, from, "");
    if (!name)
        rc = fail (err, to, "");
    else if (fstat (in, &st) < 0)
        rc = fail (err, from, "");
    else if (!S_ISREG (st.st_mode)) {
        rc = aw_error_set (err, "%s: neither a file nor a directory", from);
        errno = EINVAL;
    }
    else {
        half_written = name;
        rc = write_file (in, name, &st, copy, to, &one, err);
    }
    saved = errno;
    if (rc < 0 && name)
        unlink (name);
    half_written = NULL;
    free (name);
    close (in);
    if (one.damaged)
        copied->damaged = one.damaged;
    if (rc == 0) {
        copied->bytes += one.bytes;
        copied->from_nodes += one.from_nodes;
        copied->files++;
    }
    errno = saved;
    return rc;
}
