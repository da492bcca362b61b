/* SPDX-License-Identifier: Apache-2.0 */
#include "io/logs/log_writer.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/textbuf.h"
#include "util/array.h"

enum {
    BUFFER = 1 << 20,
    LARGEST = AW_LOG_RECORD_HEAD + AW_LOG_DATA_MAX,
    MAX_PAIRS = 100000,
    MARK_EVERY = 64 << 20,
};

/* A record in the buffer. */
struct pending {
    struct aw_log_attempt *attempt;
    uint64_t at;
    enum aw_log_kind kind;
};

struct aw_log_writer {
    int log, index;
    char *path;
    uint64_t end; /* of the log: what is written and whole */
    uint64_t index_end;
    uint64_t last_entry; /* position of its record */
    bool index_failed; /* nothing more is written to it: readers read on in the log */
    bool names_synced;
    unsigned char *buffer;
    size_t used;
    struct pending *pending;
    size_t n_pending, room;
    struct aw_textbuf entries;
};

static int create (const char *path)
{
    return open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0666);
}

/* Writes all of DATA at AT, or as much as is possible: returns how much. */
static size_t write_at (int fd, const void *data, size_t size, uint64_t at)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pwrite (fd, (const char *)data + done, size - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static int open_index (struct aw_log_writer *writer)
{
    size_t length = strlen (writer->path) - strlen (AW_LOG_SUFFIX);
    char *path = NULL;
    int fd = -1;

    if (asprintf (&path, "%.*s" AW_LOG_INDEX_SUFFIX, (int)length, writer->path) >= 0) {
        fd = create (path);
        free (path);
    }
    return fd;
}

/* -1 with errno, and no file. */
static int open_pair (struct aw_log_writer *writer, const char *dir, const char *node)
{
    char number[16] = "";

    for (int i = 0; i < MAX_PAIRS; i++) {
        if (i)
            snprintf (number, sizeof (number), ".%d", i);
        free (writer->path);
        if (asprintf (&writer->path, "%s/%s%s" AW_LOG_SUFFIX, dir, node, number) < 0) {
            writer->path = NULL;
            errno = ENOMEM;
            return -1;
        }
        writer->log = create (writer->path);
        if (writer->log >= 0 || errno != EEXIST)
            break;
    }
    if (writer->log < 0)
        return -1;
    if (write_at (writer->log, AW_LOG_HEAD, AW_LOG_RECORD_HEAD, 0) != AW_LOG_RECORD_HEAD) {
        int error = errno;

        unlink (writer->path);
        errno = error;
        return -1;
    }
    writer->end = writer->last_entry = AW_LOG_RECORD_HEAD;
    writer->index = open_index (writer);
    writer->index_failed = writer->index < 0;
    return 0;
}

struct aw_log_writer *aw_log_writer_create (const char *dir, const char *node, struct aw_error *err)
{
    struct aw_log_writer *writer = calloc (1, sizeof (*writer));
    int error = ENOMEM;

    if (writer) {
        writer->log = writer->index = -1;
        writer->buffer = malloc (BUFFER);
    }
    if (!writer || !writer->buffer)
        aw_error_set (err, "out of memory");
    else if (strchr (node, '/'))
        error = aw_error_set (err, "a node's name with a slash: \"%s\"", node) ? EINVAL : 0;
    else if (open_pair (writer, dir, node) == 0)
        return writer;
    else {
        error = errno;
        aw_error_set (err, "%s: %s", writer->path ? writer->path : dir, strerror (error));
    }
    aw_log_writer_destroy (writer);
    errno = error;
    return NULL;
}

void aw_log_writer_destroy (struct aw_log_writer *writer)
{
    int saved = errno;

    if (!writer)
        return;
    if (writer->log >= 0)
        close (writer->log);
    if (writer->index >= 0)
        close (writer->index);
    free (writer->path);
    free (writer->buffer);
    free (writer->pending);
    aw_textbuf_finish (&writer->entries);
    free (writer);
    errno = saved;
}

const char *aw_log_writer_path (const struct aw_log_writer *writer)
{
    return writer->path;
}

/* Adds a record of KIND, whose data stands in the buffer behind the place of its head. */
static void put (struct aw_log_writer *writer,
                 struct aw_log_attempt *attempt,
                 enum aw_log_kind kind,
                 size_t size)
{
    unsigned char *head = writer->buffer + writer->used;
    struct aw_log_record record = { .kind = kind, .size = (uint32_t)size };
    uint64_t at = writer->end + writer->used;

    if (attempt->error)
        return;
    if (aw_array_reserve (&writer->pending, &writer->room, writer->n_pending + 1) < 0) {
        attempt->error = ENOMEM;
        return;
    }
    if (kind == AW_LOG_BEGIN)
        attempt->begin = at;
    else
        record.prev = attempt->prev;
    record.begin = attempt->begin;
    aw_log_record_put (head, &record, head + AW_LOG_RECORD_HEAD);
    attempt->prev = at;
    writer->pending[writer->n_pending++] = (struct pending){ attempt, at, kind };
    writer->used += AW_LOG_RECORD_HEAD + size;
}

void *aw_log_writer_room (struct aw_log_writer *writer)
{
    if (writer->used + LARGEST > BUFFER)
        aw_log_writer_flush (writer);
    return writer->buffer + writer->used + AW_LOG_RECORD_HEAD;
}

void aw_log_writer_begin (struct aw_log_writer *writer,
                          struct aw_log_attempt *attempt,
                          const char *name,
                          uint32_t number)
{
    unsigned char *data = aw_log_writer_room (writer);
    size_t length = strnlen (name, AW_LOG_NAME_MAX - 1);

    number = htole32 (number);
    memcpy (data, &number, sizeof (number));
    memcpy (data + sizeof (number), name, length);
    attempt->key = aw_log_key (name);
    put (writer, attempt, AW_LOG_BEGIN, sizeof (number) + length);
}

void aw_log_writer_put (struct aw_log_writer *writer,
                        struct aw_log_attempt *attempt,
                        enum aw_log_kind kind,
                        size_t size)
{
    put (writer, attempt, kind, size);
}

void aw_log_writer_end (struct aw_log_writer *writer, struct aw_log_attempt *attempt)
{
    (void)aw_log_writer_room (writer);
    put (writer, attempt, AW_LOG_END, 0);
}

static void add_entry (struct aw_log_writer *writer, uint64_t key, uint64_t at)
{
    unsigned char bytes[AW_LOG_ENTRY];

    aw_log_entry_put (bytes, &(struct aw_log_entry){ key, at });
    aw_textbuf_put (&writer->entries, (const char *)bytes, sizeof (bytes));
    writer->last_entry = at;
}

/* The records up to position GOOD are written: adds their entries, and the error to the others. */
static void settle (struct aw_log_writer *writer, uint64_t good, int error)
{
    for (size_t i = 0; i < writer->n_pending; i++) {
        const struct pending *p = &writer->pending[i];

        if (p->at >= good)
            p->attempt->error = error;
        else if (p->kind == AW_LOG_BEGIN || p->kind == AW_LOG_END)
            add_entry (writer, p->attempt->key, p->at);
        else if (p->at - writer->last_entry >= MARK_EVERY)
            add_entry (writer, 0, p->at);
    }
}

static void write_entries (struct aw_log_writer *writer)
{
    size_t size = writer->entries.len;

    if (!writer->index_failed && (writer->entries.failed || size > 0)) {
        writer->index_failed =
            writer->entries.failed
            || write_at (writer->index, writer->entries.data, size, writer->index_end) != size;
        if (writer->index_failed)
            (void)!ftruncate (writer->index, (off_t)writer->index_end);
        writer->index_end += size;
    }
    aw_textbuf_clear (&writer->entries);
}

/* Where the last whole record before position AT ends. */
static uint64_t whole_before (const struct aw_log_writer *writer, uint64_t at)
{
    size_t i = writer->n_pending;

    while (i > 0 && writer->pending[i - 1].at > at)
        i--;
    /* Record i - 1 begins at AT or before it, and is not whole. */
    return i > 0 ? writer->pending[i - 1].at : writer->end;
}

void aw_log_writer_flush (struct aw_log_writer *writer)
{
    uint64_t good = writer->end + writer->used;
    size_t done;
    int error = 0;

    if (writer->used == 0)
        return;
    done = write_at (writer->log, writer->buffer, writer->used, writer->end);
    if (done < writer->used) {
        error = errno;
        good = whole_before (writer, writer->end + done);
        (void)!ftruncate (writer->log, (off_t)good);
    }
    settle (writer, good, error);
    writer->end = good;
    writer->used = 0;
    writer->n_pending = 0;
    write_entries (writer);
}

static int sync_file (int fd)
{
    /* Some file systems cannot, and need not. */
    return fdatasync (fd) < 0 && errno != EINVAL && errno != EROFS ? -1 : 0;
}

/* That the directory has the files. */
static int sync_names (struct aw_log_writer *writer)
{
    char *dir = strndup (writer->path, (size_t)(strrchr (writer->path, '/') - writer->path));
    int fd = dir ? open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int rc = fd < 0 ? -1 : sync_file (fd), error = errno;

    if (fd >= 0)
        close (fd);
    free (dir);
    errno = error;
    writer->names_synced = rc == 0;
    return rc;
}

int aw_log_writer_sync (struct aw_log_writer *writer)
{
    if (!writer->names_synced && sync_names (writer) < 0)
        return -1;
    if (writer->index >= 0 && sync_file (writer->index) < 0)
        return -1;
    return sync_file (writer->log);
}

void aw_log_writer_push (struct aw_log_writer *writer)
{
    (void)sync_file_range (writer->log, 0, 0, SYNC_FILE_RANGE_WRITE);
    if (writer->index >= 0)
        (void)sync_file_range (writer->index, 0, 0, SYNC_FILE_RANGE_WRITE);
}
