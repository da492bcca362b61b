/* SPDX-License-Identifier: Apache-2.0 */
/* Receivers that keep up read what was written last, which is kept in memory; others read the file
 * through a window of their own log's. */
#include "io/journal/topic_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/message_frame.h"
#include "util/read.h"

enum {
    WINDOW = 256 << 10,
    LINE_MAX_SIZE = 6 * AW_MESSAGE_MAX + 1024, /* all of it escaped */
};

struct aw_topic_log {
    char *path;
    int fd;
    uint64_t size; /* written */
    uint64_t synced; /* of these: what unsynced has seen */
    struct aw_textbuf out; /* not written yet */
    struct aw_textbuf last; /* the last bytes that were written, up to `size` */
    char *window;
    uint64_t window_place;
    size_t window_size;
};

void aw_topic_log_close (struct aw_topic_log *log)
{
    int saved = errno;

    if (log) {
        if (log->fd >= 0)
            close (log->fd);
        aw_textbuf_finish (&log->out);
        aw_textbuf_finish (&log->last);
        free (log->window);
        free (log->path);
        free (log);
    }
    errno = saved;
}

/* Fills the window from PLACE on. */
static int look_at (struct aw_topic_log *log, uint64_t place, struct aw_error *err)
{
    ssize_t n;

    if (!log->window && !(log->window = malloc (WINDOW + LINE_MAX_SIZE)))
        return aw_error_set (err, "%s: out of memory", log->path);
    n = aw_read_at (log->fd, log->window, WINDOW + LINE_MAX_SIZE, (off_t)place);
    if (n < 0)
        return aw_error_set (err, "%s: %s", log->path, strerror (errno));
    log->window_place = place;
    log->window_size = (size_t)n;
    return 0;
}

/* A whole line that begins at PLACE within BUF, which holds SIZE bytes from BEGIN on. */
static bool find_line (
    const char *buf, uint64_t begin, size_t size, uint64_t place, const char **line, size_t *length)
{
    const char *end;

    if (!buf || place < begin || place >= begin + size)
        return false;
    *line = buf + (place - begin);
    end = memchr (*line, '\n', size - (size_t)(place - begin));
    if (!end)
        return false;
    *length = (size_t)(end - *line);
    return true;
}

int aw_topic_log_read (struct aw_topic_log *log,
                       uint64_t place,
                       const char **line,
                       size_t *size,
                       uint64_t *next,
                       struct aw_error *err)
{
    if (place >= log->size)
        return 0;
    if (!find_line (log->last.data, log->size - log->last.len, log->last.len, place, line, size)
        && !find_line (log->window, log->window_place, log->window_size, place, line, size)) {
        if (look_at (log, place, err) < 0)
            return -1;
        if (!find_line (log->window, log->window_place, log->window_size, place, line, size))
            return aw_error_set (err, "%s: byte %llu: this is not a message", log->path,
                                 (unsigned long long)place);
    }
    *next = place + *size + 1;
    return 1;
}

/* Goes through what is there; what is torn, at the end alone, is cut off. */
static int go_through (struct aw_topic_log *log,
                       aw_topic_log_fn fn,
                       void *arg,
                       struct aw_error *err)
{
    uint64_t place = 0, next;

    while (place < log->size) {
        struct aw_packet packet;
        const char *line;
        size_t size;

        if (look_at (log, place, err) < 0)
            return -1;
        while (find_line (log->window, log->window_place, log->window_size, place, &line, &size)) {
            if (aw_message_frame_read_rest (&packet, line, size, err) < 0) {
                struct aw_error why = err ? *err : (struct aw_error){ "" };
                return aw_error_set (err, "%s: byte %llu: %s", log->path, (unsigned long long)place,
                                     why.text);
            }
            next = place + size + 1;
            if (fn && fn (arg, &packet, place, next, err) < 0)
                return -1;
            place = next;
        }
        if (place == log->window_place)
            break; /* no whole line in this number of bytes */
    }
    if (place == log->size)
        return 0;
    if (log->size - place > LINE_MAX_SIZE)
        return aw_error_set (err, "%s: byte %llu: the line is too long", log->path,
                             (unsigned long long)place);
    if (ftruncate (log->fd, (off_t)place) < 0)
        return aw_error_set (err, "%s: %s", log->path, strerror (errno));
    log->size = place;
    return 0;
}

struct aw_topic_log *aw_topic_log_open (
    const char *dir, const char *topic, aw_topic_log_fn fn, void *arg, struct aw_error *err)
{
    struct aw_topic_log *log = calloc (1, sizeof (*log));
    struct stat st;

    if (!log || asprintf (&log->path, "%s/%s.jsonl", dir, topic) < 0) {
        free (log);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    log->fd =
        open (log->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (log->fd < 0 || fstat (log->fd, &st) < 0)
        aw_error_set (err, "%s: %s", log->path, strerror (errno));
    else if (!S_ISREG (st.st_mode))
        aw_error_set (err, "%s: not a regular file", log->path);
    else {
        log->size = (uint64_t)st.st_size;
        if (go_through (log, fn, arg, err) == 0)
            return log;
    }
    aw_topic_log_close (log);
    return NULL;
}

struct aw_textbuf *aw_topic_log_out (struct aw_topic_log *log)
{
    return &log->out;
}

int aw_topic_log_unsynced (struct aw_topic_log *log,
                           struct aw_sync_list *list,
                           struct aw_error *err)
{
    const struct aw_sync_file file = { .fd = log->fd, .path = log->path };

    if (log->synced == log->size)
        return 0;
    log->synced = log->size;
    return aw_sync_list_add (list, &file, err);
}

uint64_t aw_topic_log_size (const struct aw_topic_log *log)
{
    return log->size;
}

int aw_topic_log_flush (struct aw_topic_log *log, struct aw_error *err)
{
    struct aw_textbuf written;
    size_t done = 0;

    while (done < log->out.len) {
        ssize_t n = write (log->fd, log->out.data + done, log->out.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    log->size += done;
    if (done < log->out.len) {
        int error = errno;

        log->last.len = 0; /* half a line may stand at the end: it is not to be read yet */
        memmove (log->out.data, log->out.data + done, log->out.len - done);
        log->out.len -= done;
        return aw_error_set (err, "%s: %s", log->path, strerror (error));
    }
    if (done == 0)
        return 0;
    written = log->last;
    log->last = log->out;
    log->out = written;
    log->out.len = 0;
    return 0;
}

void aw_topic_log_list_end (void *walk)
{
    if (walk)
        closedir (walk);
}

int aw_topic_log_list (const char *dir, void **walk, char *name, size_t size, struct aw_error *err)
{
    const size_t suffix = sizeof (".jsonl") - 1;
    struct dirent *entry;
    int rc;

    if (!*walk && !(*walk = opendir (dir)))
        return errno == ENOENT ? 0 : aw_error_set (err, "%s: %s", dir, strerror (errno));
    while ((errno = 0, entry = readdir (*walk))) {
        size_t length = strlen (entry->d_name);

        if (length <= suffix || strcmp (entry->d_name + length - suffix, ".jsonl") != 0
            || !aw_topic_is_good (entry->d_name, length - suffix) || length - suffix >= size)
            continue;
        memcpy (name, entry->d_name, length - suffix);
        name[length - suffix] = '\0';
        return 1;
    }
    rc = errno ? aw_error_set (err, "%s: %s", dir, strerror (errno)) : 0;
    aw_topic_log_list_end (*walk);
    *walk = NULL;
    return rc;
}
