/* SPDX-License-Identifier: Apache-2.0 */
#include "io/logs/log_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/logs/log_file.h"
#include "util/array.h"
#include "util/read.h"
#include "util/strings.h"
#include "util/table.h"

enum { CHUNK = 128 << 10 }; /* what a cache holds */

struct aw_log_store {
    char *dir; /* for messages */
    int fd; /* of DIR/logs */
    uid_t owner; /* of the run directory */
    struct aw_strings names; /* of the logs in it */
    struct aw_log_file file; /* the one that is open */
    uint32_t number; /* its place among the names */
    uint64_t *chain; /* scratch */
    size_t room;
    char data[AW_LOG_DATA_MAX]; /* of a record */
};

static bool is_log (const char *name)
{
    size_t length = strlen (name), suffix = strlen (AW_LOG_SUFFIX);

    return length > suffix && name[0] != '.' && strcmp (name + length - suffix, AW_LOG_SUFFIX) == 0;
}

static bool knows (const struct aw_log_store *store, const char *name)
{
    for (size_t i = 0; i < store->names.n; i++)
        if (strcmp (store->names.v[i], name) == 0)
            return true;
    return false;
}

/* Adds what is new: the numbers of the others stay. 0, or -1 with errno. */
static int list (struct aw_log_store *store)
{
    int copy = openat (store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir (copy);
    struct dirent *entry;

    if (!dir) {
        if (copy >= 0)
            close (copy);
        return -1;
    }
    while ((errno = 0, entry = readdir (dir)))
        if (is_log (entry->d_name) && !knows (store, entry->d_name))
            aw_strings_add (&store->names, entry->d_name);
    if (errno == 0 && store->names.failed)
        errno = ENOMEM;
    closedir (dir);
    return errno ? -1 : 0;
}

struct aw_log_store *aw_log_store_open (const char *dir, struct aw_error *err)
{
    struct aw_log_store *store = calloc (1, sizeof (*store));
    struct stat st;
    int above;

    if (!store) {
        aw_error_set (err, "%s: out of memory", dir);
        return NULL;
    }
    store->fd = store->file.fd = -1;
    above = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    store->dir = strdup (dir);
    if (store->dir && above >= 0 && fstat (above, &st) == 0) {
        store->owner = st.st_uid;
        store->fd = openat (above, "logs", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    }
    if (store->fd < 0 || list (store) < 0) {
        aw_error_set (err, "%s/logs: %s", dir, strerror (errno));
        aw_log_store_close (store);
        store = NULL;
    }
    if (above >= 0)
        close (above);
    return store;
}

void aw_log_store_close (struct aw_log_store *store)
{
    int saved = errno;

    if (!store)
        return;
    aw_log_file_finish (&store->file);
    if (store->fd >= 0)
        close (store->fd);
    aw_strings_finish (&store->names);
    free (store->dir);
    free (store->chain);
    free (store);
    errno = saved;
}

int aw_log_store_look_again (struct aw_log_store *store, struct aw_error *err)
{
    return list (store) < 0 ? aw_error_set (err, "%s/logs: %s", store->dir, strerror (errno)) : 0;
}

static int fail (const struct aw_log_store *store, uint32_t number, struct aw_error *err)
{
    return aw_error_set (err, "%s/logs/%s: %s", store->dir, store->names.v[number],
                         strerror (errno));
}

/* Makes log NUMBER the open one. 1; 0: it is no log of this run's owner; -1 with text. */
static int open_file (struct aw_log_store *store, uint32_t number, struct aw_error *err)
{
    if (store->file.fd >= 0 && store->number == number)
        return aw_log_file_grow (&store->file) < 0 ? fail (store, number, err) : 1;
    aw_log_file_finish (&store->file);
    store->number = number;
    if (aw_log_file_open (&store->file, store->fd, store->names.v[number], store->owner) == 0)
        return 1;
    if (errno == EBADMSG || errno == EPERM || errno == ELOOP || errno == ENOENT)
        return 0;
    return fail (store, number, err);
}

/*
 * Finding
 */

struct search {
    struct aw_log_store *store;
    struct aw_table by_key; /* of places */
    uint64_t only; /* the key, if it is a single one; else 0 */
};

static int take_begin (struct search *search, uint64_t at)
{
    struct aw_log_store *store = search->store;
    struct aw_log_place *place;
    char name[AW_LOG_NAME_MAX];
    uint32_t attempt;
    int rc = aw_log_file_begin (&store->file, at, name, &attempt);

    if (rc <= 0)
        return rc;
    place = aw_table_get (&search->by_key, aw_log_key (name));
    if (!place || strcmp (place->name, name) != 0)
        return 1;
    if (place->found && place->file == store->number && place->begin == at)
        return 1;
    if (place->wanted == AW_LOG_LAST ? place->found && place->attempt > attempt
                                     : place->wanted != attempt)
        return 1;
    place->found = true;
    place->whole = false;
    place->attempt = attempt;
    place->file = store->number;
    place->begin = place->next = at;
    place->end = 0;
    return 1;
}

static int take_end (struct search *search, uint64_t at, const struct aw_log_record *record)
{
    struct aw_log_store *store = search->store;
    struct aw_log_place *place;
    char name[AW_LOG_NAME_MAX];
    uint32_t attempt;
    int rc;

    if (!aw_log_record_is_whole (record, ""))
        return 0;
    rc = aw_log_file_begin (&store->file, record->begin, name, &attempt);
    if (rc <= 0)
        return rc;
    place = aw_table_get (&search->by_key, aw_log_key (name));
    if (place && place->found && place->file == store->number && place->begin == record->begin)
        place->end = at;
    return 1;
}

/* Takes what the record at AT says of the tasks that are searched for. 1; 0: there is none; -1 with
 * errno.
 */
static int take (struct search *search, uint64_t at, struct aw_log_record *record)
{
    int rc = aw_log_file_record (&search->store->file, at, record);

    if (rc <= 0)
        return rc;
    if (record->kind == AW_LOG_BEGIN)
        return take_begin (search, at);
    if (record->kind == AW_LOG_END)
        return take_end (search, at, record);
    return 1;
}

/* Most entries are of others. */
static bool is_wanted (const struct search *search, uint64_t key)
{
    if (search->only)
        return key == search->only;
    return key && aw_table_get (&search->by_key, key);
}

/* Goes through the N entries at BYTES. LAST: the last position. False: they are damaged. */
static int take_entries (struct search *search,
                         const unsigned char *bytes,
                         size_t n,
                         uint64_t *last)
{
    struct aw_log_record record;

    for (size_t i = 0; i < n; i++) {
        struct aw_log_entry entry = aw_log_entry_get (bytes + i * AW_LOG_ENTRY);

        if (entry.at < *last)
            return 0;
        *last = entry.at;
        if (is_wanted (search, entry.key) && take (search, entry.at, &record) < 0)
            return -1;
    }
    return 1;
}

static int open_index (struct aw_log_store *store)
{
    const char *name = store->names.v[store->number];
    char *index = NULL;
    struct stat st;
    int fd = -1;

    if (asprintf (&index, "%.*s" AW_LOG_INDEX_SUFFIX, (int)(strlen (name) - strlen (AW_LOG_SUFFIX)),
                  name)
        < 0)
        return -1;
    fd = openat (store->fd, index, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    free (index);
    if (fd >= 0 && (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) || st.st_uid != store->owner)) {
        close (fd);
        fd = -1;
    }
    return fd;
}

/* Reads the index of the open log. LAST: position of the record of its last entry. 1; 0: it is
 * missing or damaged; -1 with errno: the log cannot be read.
 */
static int search_index (struct search *search, uint64_t *last)
{
    int fd = open_index (search->store), rc = fd >= 0;
    unsigned char *chunk = malloc (CHUNK);
    uint64_t at = 0;
    ssize_t n = 0;

    while (rc > 0 && chunk
           && (n = aw_read_at (fd, chunk, CHUNK, (off_t)at)) >= (ssize_t)AW_LOG_ENTRY) {
        rc = take_entries (search, chunk, (size_t)n / AW_LOG_ENTRY, last);
        at += (uint64_t)n / AW_LOG_ENTRY * AW_LOG_ENTRY;
    }
    if (fd >= 0)
        close (fd);
    if (rc >= 0 && (!chunk || n < 0))
        rc = 0;
    free (chunk);
    return rc;
}

/* The open log: what its index says, and what comes after that. 0, or -1 with errno. */
static int search_file (struct search *search)
{
    struct aw_log_file *file = &search->store->file;
    struct aw_log_record record;
    uint64_t at = AW_LOG_RECORD_HEAD;
    int rc = search_index (search, &at);

    if (rc < 0)
        return -1;
    if (rc == 0 || aw_log_file_record (file, at, &record) != 1)
        at = AW_LOG_RECORD_HEAD;
    while ((rc = take (search, at, &record)) > 0)
        at = aw_log_after (at, &record);
    return rc;
}

int aw_log_store_find (struct aw_log_store *store,
                       struct aw_log_place *places,
                       size_t n,
                       struct aw_error *err)
{
    struct search search = { .store = store, .only = n == 1 ? aw_log_key (places[0].name) : 0 };
    int rc = 0;

    aw_log_file_finish (&store->file); /* on NFS only a file that is opened shows what is new */
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (aw_table_set (&search.by_key, aw_log_key (places[i].name), &places[i]) < 0)
            rc = aw_error_set (err, "%s: out of memory", store->dir);
    for (uint32_t i = 0; rc == 0 && i < store->names.n; i++) {
        rc = open_file (store, i, err);
        if (rc > 0)
            rc = search_file (&search) < 0 ? fail (store, i, err) : 0;
    }
    aw_table_finish (&search.by_key);
    return rc;
}

/*
 * Reading
 */

/* Shows the record at AT, whose head is RECORD. 0; -1 with text. */
static int show (struct aw_log_store *store,
                 uint64_t at,
                 const struct aw_log_record *record,
                 aw_log_fn *fn,
                 void *arg,
                 struct aw_error *err)
{
    int rc = aw_log_file_data (&store->file, at, record, store->data);

    if (rc < 0)
        return fail (store, store->number, err);
    if (rc == 0)
        return aw_error_set (err, "%s/logs/%s: damaged at byte %llu: the output after it is lost",
                             store->dir, store->names.v[store->number], (unsigned long long)at);
    if (err)
        err->text[0] = '\0';
    return fn (arg, record->kind, store->data, record->size);
}

/* The records of PLACE, which has an end, from the last to the first, into store->chain. Their
 * number; -1 with text.
 */
static ssize_t collect (struct aw_log_store *store,
                        const struct aw_log_place *place,
                        struct aw_error *err)
{
    struct aw_log_record record;
    uint64_t at = place->end;
    size_t n = 0;

    while (aw_log_file_record (&store->file, at, &record) == 1 && record.begin == place->begin
           && record.kind != AW_LOG_BEGIN && record.prev < at) {
        if (aw_array_reserve (&store->chain, &store->room, n + 1) < 0)
            return aw_error_set (err, "%s: out of memory", store->dir);
        if (record.kind != AW_LOG_END)
            store->chain[n++] = at;
        at = record.prev;
    }
    if (at != place->begin)
        return aw_error_set (err, "%s/logs/%s: damaged at byte %llu", store->dir,
                             store->names.v[place->file], (unsigned long long)at);
    return (ssize_t)n;
}

static int read_chain (struct aw_log_store *store,
                       struct aw_log_place *place,
                       aw_log_fn *fn,
                       void *arg,
                       struct aw_error *err)
{
    ssize_t n = collect (store, place, err);
    struct aw_log_record record;

    if (n < 0)
        return -1;
    while (n-- > 0) {
        uint64_t at = store->chain[n];

        if (at < place->next)
            continue;
        if (aw_log_file_record (&store->file, at, &record) != 1)
            return fail (store, place->file, err);
        if (show (store, at, &record, fn, arg, err) < 0)
            return -1;
        place->next = aw_log_after (at, &record);
    }
    place->whole = true;
    return 0;
}

/* Without an end: reads on to the end of the file. */
static int read_on (struct aw_log_store *store,
                    struct aw_log_place *place,
                    aw_log_fn *fn,
                    void *arg,
                    struct aw_error *err)
{
    struct aw_log_record record;
    int rc = 0;

    while (!place->end && (rc = aw_log_file_record (&store->file, place->next, &record)) > 0) {
        uint64_t at = place->next;

        if (record.begin == place->begin && record.kind == AW_LOG_END
            && aw_log_record_is_whole (&record, ""))
            place->end = at;
        else if (record.begin == place->begin && record.kind != AW_LOG_BEGIN
                 && show (store, at, &record, fn, arg, err) < 0)
            return -1;
        place->next = aw_log_after (at, &record);
    }
    place->whole = place->end != 0;
    return rc < 0 ? fail (store, place->file, err) : 0;
}

int aw_log_store_read (struct aw_log_store *store,
                       struct aw_log_place *place,
                       aw_log_fn *fn,
                       void *arg,
                       struct aw_error *err)
{
    int rc = open_file (store, place->file, err);

    if (rc == 0)
        return aw_error_set (err, "%s/logs/%s: it has changed", store->dir,
                             store->names.v[place->file]);
    if (rc < 0)
        return -1;
    return place->end ? read_chain (store, place, fn, arg, err)
                      : read_on (store, place, fn, arg, err);
}

/* The last bytes seen so far. */
struct tail {
    enum aw_log_kind kind;
    char *buf;
    size_t size, n;
    bool cut;
};

static int add_to_tail (void *arg, enum aw_log_kind kind, const char *data, size_t size)
{
    struct tail *tail = arg;
    size_t over;

    if (kind != tail->kind)
        return 0;
    if (size > tail->size) {
        tail->cut = true;
        data += size - tail->size;
        size = tail->size;
    }
    over = tail->n + size > tail->size ? tail->n + size - tail->size : 0;
    tail->cut |= over > 0;
    tail->n -= over;
    memmove (tail->buf, tail->buf + over, tail->n);
    memcpy (tail->buf + tail->n, data, size);
    tail->n += size;
    return 0;
}

/* How much of the chain of N records makes the tail: the rest is not read. */
static ssize_t shorten (struct aw_log_store *store, const struct tail *tail, ssize_t n)
{
    struct aw_log_record record;
    size_t size = 0;
    ssize_t i = 0;

    for (; i < n && size <= tail->size; i++)
        if (aw_log_file_record (&store->file, store->chain[i], &record) == 1
            && record.kind == tail->kind)
            size += record.size;
    return i;
}

ssize_t aw_log_store_tail (struct aw_log_store *store,
                           struct aw_log_place *place,
                           enum aw_log_kind kind,
                           char *buf,
                           size_t size,
                           bool *cut,
                           struct aw_error *err)
{
    struct tail tail = { .kind = kind, .buf = buf, .size = size };
    ssize_t n;

    place->next = place->begin;
    if (place->end && open_file (store, place->file, err) > 0) {
        n = collect (store, place, err);
        if (n > 0)
            place->next = store->chain[shorten (store, &tail, n) - 1];
    }
    if (aw_log_store_read (store, place, add_to_tail, &tail, err) < 0)
        return -1;
    *cut = tail.cut;
    return (ssize_t)tail.n;
}
