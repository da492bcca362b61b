/* SPDX-License-Identifier: Apache-2.0 */

/* Counts are checked against the file's real size before memory is allocated, so a forged count
 * allocates no more than the file has.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "go_model.h"

#define BYTE_ORDER_MARK 0x01020304U
#define VERSION 1
#define FILE_BYTES_MAX ((uint64_t)1 << 30)

_Static_assert(sizeof (struct ddmd_file_header) == 56, "the header is what the file holds");

static bool write_all (int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = write (fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool read_all (int fd, void *data, size_t size)
{
    char *at = data;

    while (size > 0) {
        ssize_t n = read (fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

int ddmd_file_write (const char *path,
                     const struct ddmd_file_header *header,
                     const void *records,
                     struct aw_error *err)
{
    struct ddmd_file_header h = *header;
    char name[4096];
    bool ok;
    int fd;

    memcpy (h.magic, "DDMD", 4);
    h.byte_order = BYTE_ORDER_MARK;
    h.version = VERSION;
    h.zero = 0;
    /* The process id keeps two writers of one file, a retried task and its stray predecessor,
     * apart.
     */
    if ((size_t)snprintf (name, sizeof (name), "%s.tmp-%ld", path, (long)getpid ())
        >= sizeof (name))
        return aw_error_set (err, "%s: %s", path, strerror (ENAMETOOLONG));
    fd = open (name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return aw_error_set (err, "%s: cannot create: %s", name, strerror (errno));
    ok = write_all (fd, &h, sizeof (h)) && write_all (fd, records, h.count * h.record_bytes)
         && fsync (fd) == 0;
    ok = close (fd) == 0 && ok && rename (name, path) == 0;
    if (!ok) {
        aw_error_set (err, "%s: cannot write: %s", path, strerror (errno));
        unlink (name);
        return -1;
    }
    return 0;
}

/* Read and check the header; the file is left open at the records. */
static int open_file (const char *path,
                      const char *kind,
                      struct ddmd_file_header *h,
                      struct aw_error *err)
{
    struct stat st;
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int saved_errno = errno;

    if (fd < 0) {
        aw_error_set (err, "%s: %s", path, strerror (errno));
        errno = saved_errno;
        return -1;
    }
    errno = EINVAL;
    if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
        aw_error_set (err, "%s: not a regular file", path);
    else if (!read_all (fd, h, sizeof (*h)) || memcmp (h->magic, "DDMD", 4) != 0)
        aw_error_set (err, "%s: not a file of this example", path);
    else if (h->byte_order != BYTE_ORDER_MARK)
        aw_error_set (err, "%s: written on a machine of another byte order", path);
    else if (h->version != VERSION)
        aw_error_set (err, "%s: version %u, only %d is known", path, h->version, VERSION);
    else if (memcmp (h->kind, kind, 4) != 0)
        aw_error_set (err, "%s: a file of kind \"%.4s\", not \"%s\"", path, h->kind, kind);
    else if (h->residues == 0 || h->residues > DDMD_RESIDUES_MAX || h->parts == 0
             || h->part >= h->parts || h->zero != 0 || h->record_bytes == 0)
        aw_error_set (err, "%s: the header makes no sense: the file is damaged", path);
    else if (h->record_bytes > FILE_BYTES_MAX || h->count > FILE_BYTES_MAX / h->record_bytes
             || h->count * h->record_bytes + sizeof (*h) != (uint64_t)st.st_size)
        aw_error_set (err, "%s: %lld bytes do not fit the header's %llu records: cut or damaged",
                      path, (long long)st.st_size, (unsigned long long)h->count);
    else
        return fd;
    close (fd);
    errno = EINVAL;
    return -1;
}

void *ddmd_file_read (const char *path,
                      const char *kind,
                      size_t record_bytes,
                      struct ddmd_file_header *header,
                      struct aw_error *err)
{
    int fd = open_file (path, kind, header, err);
    void *records = NULL;

    if (fd < 0)
        return NULL;
    if (header->record_bytes != record_bytes)
        aw_error_set (err, "%s: records of %llu bytes, not %zu: the file is damaged", path,
                      (unsigned long long)header->record_bytes, record_bytes);
    else {
        records = malloc (header->count * record_bytes + 1);
        if (!records)
            aw_error_set (err, "%s: %s", path, strerror (ENOMEM));
        else if (!read_all (fd, records, header->count * record_bytes)) {
            aw_error_set (err, "%s: cannot read: it shrank or the disk failed", path);
            free (records);
            records = NULL;
        }
    }
    close (fd);
    if (!records)
        errno = EINVAL;
    return records;
}

int ddmd_file_peek (const char *path,
                    const char *kind,
                    struct ddmd_file_header *header,
                    struct aw_error *err)
{
    int fd = open_file (path, kind, header, err);

    if (fd < 0)
        return -1;
    close (fd);
    return 0;
}
