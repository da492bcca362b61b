/* SPDX-License-Identifier: Apache-2.0 */
#include "io/logs/log_file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/read.h"

static int check (struct aw_log_file *file, uid_t owner)
{
    char head[AW_LOG_RECORD_HEAD];
    struct stat st;
    ssize_t n;

    if (fstat (file->fd, &st) < 0)
        return -1;
    if (!S_ISREG (st.st_mode) || st.st_uid != owner) {
        errno = EPERM;
        return -1;
    }
    n = aw_read_at (file->fd, head, sizeof (head), 0);
    if (n < 0)
        return -1;
    if (n < (ssize_t)sizeof (head) || memcmp (head, AW_LOG_HEAD, sizeof (head)) != 0) {
        errno = EBADMSG;
        return -1;
    }
    file->size = (uint64_t)st.st_size;
    return 0;
}

int aw_log_file_open (struct aw_log_file *file, int dir, const char *name, uid_t owner)
{
    file->from = file->n = 0;
    file->fd = openat (dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (file->fd < 0)
        return -1;
    if (check (file, owner) == 0)
        return 0;
    aw_log_file_finish (file);
    return -1;
}

void aw_log_file_finish (struct aw_log_file *file)
{
    int saved = errno;

    if (file->fd >= 0)
        close (file->fd);
    file->fd = -1;
    errno = saved;
}

int aw_log_file_grow (struct aw_log_file *file)
{
    struct stat st;

    if (fstat (file->fd, &st) < 0)
        return -1;
    file->size = (uint64_t)st.st_size;
    file->n = 0;
    return 0;
}

int aw_log_file_record (struct aw_log_file *file, uint64_t at, struct aw_log_record *record)
{
    if (at < AW_LOG_RECORD_HEAD || at + AW_LOG_RECORD_HEAD > file->size)
        return 0;
    if (at < file->from || at + AW_LOG_RECORD_HEAD > file->from + file->n) {
        ssize_t n = aw_read_at (file->fd, file->buffer, sizeof (file->buffer), (off_t)at);

        file->from = at;
        file->n = n > 0 ? (size_t)n : 0;
        if (n < AW_LOG_RECORD_HEAD)
            return n < 0 ? -1 : 0;
    }
    return aw_log_record_get (file->buffer + (at - file->from), record)
           && aw_log_after (at, record) <= file->size;
}

int aw_log_file_data (struct aw_log_file *file,
                      uint64_t at,
                      const struct aw_log_record *record,
                      void *data)
{
    ssize_t n = aw_read_at (file->fd, data, record->size, (off_t)(at + AW_LOG_RECORD_HEAD));

    if (n < 0)
        return -1;
    return n == (ssize_t)record->size && aw_log_record_is_whole (record, data);
}

int aw_log_file_begin (struct aw_log_file *file, uint64_t at, char *name, uint32_t *number)
{
    unsigned char data[sizeof (*number) + AW_LOG_NAME_MAX];
    struct aw_log_record record;
    int rc = aw_log_file_record (file, at, &record);

    if (rc <= 0)
        return rc;
    if (record.kind != AW_LOG_BEGIN || record.size < sizeof (*number)
        || record.size >= sizeof (data))
        return 0;
    rc = aw_log_file_data (file, at, &record, data);
    if (rc <= 0)
        return rc;
    memcpy (number, data, sizeof (*number));
    *number = le32toh (*number);
    memcpy (name, data + sizeof (*number), record.size - sizeof (*number));
    name[record.size - sizeof (*number)] = '\0';
    return 1;
}
