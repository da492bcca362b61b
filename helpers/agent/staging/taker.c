/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/taker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "io/wire/connect.h"
#include "io/wire/frame.h"
#include "util/clock.h"
#include "util/write.h"

enum {
    CHUNK = 1 << 20,
    CONNECT_SECONDS = 10,
    PATIENCE_SECONDS = 10, /* without a byte; then the file system is tried */
    WAIT_SECONDS = 30, /* for a copy that the other node still makes, and for each MiB: */
    MIB_SECONDS = 1,
};

struct aw_taker {
    struct aw_taker_source source;
    char *buffer; /* CHUNK bytes */
    int fd; /* -1: it gives nothing more */
};

/* The modification time in nanoseconds since 1970; 0: an earlier one. */
static uint64_t time_of (const struct stat *st)
{
    if (st->st_mtim.tv_sec < 0)
        return 0;
    return (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec;
}

bool aw_same_file (const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && time_of (a) == time_of (b);
}

static int connect_to (const struct aw_taker_source *source)
{
    const struct timeval limit = { source->patience ? source->patience : PATIENCE_SECONDS, 0 };
    const char *colon = strrchr (source->peer, ':');
    char *host = colon ? strndup (source->peer, (size_t)(colon - source->peer)) : NULL;
    int fd = -1;

    if (host)
        fd = aw_connect_once (host, (uint16_t)strtoul (colon + 1, NULL, 10), source->job,
                              CONNECT_SECONDS, NULL);
    free (host);
    if (fd >= 0 && fcntl (fd, F_SETFL, 0) == 0 /* blocking */
        && setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof (limit)) == 0)
        return fd;
    if (fd >= 0)
        close (fd);
    return -1;
}

struct aw_taker *aw_taker_create (const struct aw_taker_source *source)
{
    struct aw_taker *taker = calloc (1, sizeof (*taker));

    if (!taker)
        return NULL;
    taker->source = *source;
    taker->buffer = malloc (CHUNK);
    taker->fd = taker->buffer ? connect_to (source) : -1;
    if (taker->fd >= 0)
        return taker;
    aw_taker_destroy (taker);
    return NULL;
}

void aw_taker_destroy (struct aw_taker *taker)
{
    if (!taker)
        return;
    if (taker->fd >= 0)
        close (taker->fd);
    free (taker->buffer);
    free (taker);
}

static int ask (struct aw_taker *taker, const char *file, const struct stat *st)
{
    const struct aw_frame frame = {
        .type = AW_FRAME_TAKE,
        .take = { taker->source.from, taker->source.to, file, (uint64_t)st->st_size, time_of (st) },
    };
    struct aw_textbuf text;
    int rc;

    aw_textbuf_init (&text);
    rc = aw_frame_put (&text, &frame, NULL);
    if (rc == 0)
        rc = aw_send_all (taker->fd, text.data, text.len);
    aw_textbuf_finish (&text);
    return rc;
}

/* Up to SIZE bytes; 0: the connection has ended, or they do not come in time. */
static size_t receive (const struct aw_taker *taker, size_t size)
{
    ssize_t n;

    do
        n = recv (taker->fd, taker->buffer, size < CHUNK ? size : CHUNK, 0);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

/* Waits for the newline before a content of BYTES. */
static int wait_for_content (struct aw_taker *taker, uint64_t bytes)
{
    double limit = aw_clock_monotonic () + WAIT_SECONDS + MIB_SECONDS * (double)(bytes >> 20);

    while (receive (taker, 1) == 1 && aw_clock_monotonic () < limit) {
        if (taker->buffer[0] == '\n')
            return 0;
        if (taker->buffer[0] != '.')
            return -1;
    }
    return -1;
}

static int receive_all (struct aw_taker *taker, uint64_t bytes, int out, uint32_t *sum)
{
    *sum = 0;
    while (bytes > 0) {
        size_t n = receive (taker, bytes < CHUNK ? (size_t)bytes : CHUNK);

        if (n == 0 || aw_write_all (out, taker->buffer, n) < 0)
            return -1;
        *sum = (uint32_t)crc32 (*sum, (const unsigned char *)taker->buffer, (unsigned)n);
        bytes -= n;
    }
    return 0;
}

/* The sum that follows the content is SUM. */
static int check_sum (struct aw_taker *taker, uint32_t sum)
{
    char want[10], got[sizeof (want)] = "";

    snprintf (want, sizeof (want), "%08x\n", sum);
    for (size_t size = 0, n; size < sizeof (want) - 1; size += n) {
        n = receive (taker, sizeof (want) - 1 - size);
        if (n == 0)
            return -1;
        memcpy (got + size, taker->buffer, n);
    }
    return strcmp (want, got) == 0 ? 0 : -1;
}

int aw_taker_take (
    struct aw_taker *taker, const char *to, const struct stat *st, int out, uint32_t *sum)
{
    size_t n = strlen (taker->source.scratch);

    if (taker->fd < 0 || strncmp (to, taker->source.scratch, n) != 0 || to[n] != '/'
        || time_of (st) == 0)
        return -1;
    if (ask (taker, to + n + 1, st) == 0 && wait_for_content (taker, (uint64_t)st->st_size) == 0
        && receive_all (taker, (uint64_t)st->st_size, out, sum) == 0
        && check_sum (taker, *sum) == 0)
        return 0;
    close (taker->fd);
    taker->fd = -1;
    (void)!ftruncate (out, 0);
    lseek (out, 0, SEEK_SET);
    return -1;
}
