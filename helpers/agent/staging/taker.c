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
    WAITS = 3, /* times that, for a file which the other node still copies, and for each MiB: */
    MIB_SECONDS = 1,
    TRIES = 8, /* for one file, where the connection ends: nodes before the other one may fail */
    EMPTY_TRIES = 3, /* of these in a row, where it ends before any content: it is not given */
    LONG_SECONDS = 5, /* to find that a node does not answer: then no other is asked */
    NUMBER = 9, /* characters of a number of the answer, with its newline */
};

struct aw_taker {
    struct aw_taker_source source;
    char *buffer; /* CHUNK bytes */
    int fd; /* -1: none */
    unsigned peer; /* number of the one that is asked, from 1; 0: all have been */
    unsigned tries; /* that are left for a file; 0: this peer gives nothing more */
    unsigned empty; /* tries without any content, the last ones */
    bool wrong; /* the sum of what came last */
    unsigned damaged; /* the last peer whose sum was wrong; 0: none */
    bool begun; /* a file, which is asked for again */
    double limit; /* when the file must be there: what is slower than that is read elsewhere */
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

static unsigned patience_of (const struct aw_taker_source *source)
{
    return source->patience ? source->patience : PATIENCE_SECONDS;
}

bool aw_taker_peer (const char *peers, unsigned number, struct aw_taker_peer *peer)
{
    const char *colon;

    for (unsigned i = 1; peers && i < number; i++)
        if ((peers = strchr (peers, ' ')))
            peers++;
    colon = peers && number > 0 ? memrchr (peers, ':', strcspn (peers, " ")) : NULL;
    if (!colon)
        return false;
    peer->host = peers;
    peer->host_length = (int)(colon - peers);
    peer->port = (uint16_t)strtoul (colon + 1, NULL, 10);
    return true;
}

static int connect_to (const struct aw_taker_source *source, unsigned number)
{
    const struct timeval limit = { patience_of (source), 0 };
    struct aw_taker_peer peer;
    char *host = aw_taker_peer (source->peers, number, &peer)
                     ? strndup (peer.host, (size_t)peer.host_length)
                     : NULL;
    int fd = -1;

    if (host)
        fd = aw_connect_once (host, peer.port, source->job, CONNECT_SECONDS, NULL);
    free (host);
    if (fd >= 0 && fcntl (fd, F_SETFL, 0) == 0 /* blocking */
        && setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof (limit)) == 0)
        return fd;
    if (fd >= 0)
        close (fd);
    return -1;
}

/* Turns to the next peer, unless there is none: PEER is 0 then. */
static void turn_to_next (struct aw_taker *taker)
{
    struct aw_taker_peer peer;

    taker->peer++;
    taker->tries = TRIES;
    taker->empty = 0;
    if (!aw_taker_peer (taker->source.peers, taker->peer, &peer))
        taker->peer = 0;
}

struct aw_taker *aw_taker_create (const struct aw_taker_source *source, unsigned *silent)
{
    struct aw_taker *taker = calloc (1, sizeof (*taker));

    *silent = 0;
    if (!taker)
        return NULL;
    taker->source = *source;
    taker->fd = -1;
    taker->buffer = malloc (CHUNK);
    if (taker->buffer)
        turn_to_next (taker);
    while (taker->peer > 0 && *silent == 0) {
        double begun = aw_clock_monotonic ();

        taker->fd = connect_to (source, taker->peer);
        if (taker->fd >= 0)
            return taker;
        if (aw_clock_monotonic () - begun > LONG_SECONDS)
            *silent = taker->peer;
        else
            turn_to_next (taker);
    }
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

/* Asks for FILE; or says that it came DAMAGED. */
static int ask (struct aw_taker *taker, const char *file, const struct stat *st, bool damaged)
{
    const struct aw_frame frame = {
        .type = AW_FRAME_TAKE,
        .take = { taker->source.from, taker->source.to, file, (uint64_t)st->st_size, time_of (st),
                  damaged },
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

/* Up to SIZE bytes. 0: the connection has ended; or nothing comes in time, or the file has taken
 * too long, and it is not tried again.
 */
static size_t receive (struct aw_taker *taker, size_t size)
{
    ssize_t n;

    do
        n = recv (taker->fd, taker->buffer, size < CHUNK ? size : CHUNK, 0);
    while (n < 0 && errno == EINTR);
    if ((n < 0 && errno != ECONNRESET) || (n > 0 && aw_clock_monotonic () > taker->limit)) {
        taker->tries = 0;
        return 0;
    }
    return n > 0 ? (size_t)n : 0;
}

/* What came is wrong. */
static int reject (struct aw_taker *taker)
{
    taker->tries = 0;
    return -1;
}

/* The next number of the answer: 8 hexadecimal digits and a newline. Before it the other agent may
 * say that it waits.
 */
static int receive_number (struct aw_taker *taker, uint32_t *number)
{
    char text[NUMBER + 1] = "", *end;
    size_t size = 0;

    while (size < NUMBER) {
        size_t n = receive (taker, NUMBER - size);

        if (n == 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (taker->buffer[i] != '.')
                text[size++] = taker->buffer[i];
    }
    *number = (uint32_t)strtoul (text, &end, 16);
    return end == text + NUMBER - 1 && *end == '\n' ? 0 : reject (taker);
}

/* The next SIZE bytes of the content. */
static int receive_block (struct aw_taker *taker, size_t size, int out, uint32_t *sum)
{
    while (size > 0) {
        size_t n = receive (taker, size);

        if (n == 0)
            return -1;
        taker->empty = 0;
        if (aw_write_all (out, taker->buffer, n) < 0)
            return reject (taker);
        *sum = (uint32_t)crc32 (*sum, (const unsigned char *)taker->buffer, (unsigned)n);
        size -= n;
    }
    return 0;
}

/* A content of BYTES, block by block, and its sum. */
static int receive_file (struct aw_taker *taker, uint64_t bytes, int out, uint32_t *sum)
{
    uint32_t size, want;

    *sum = 0;
    taker->empty++;
    for (;;) {
        if (receive_number (taker, &size) < 0)
            return -1;
        if (size == 0)
            break;
        if (size > bytes)
            return reject (taker);
        if (receive_block (taker, size, out, sum) < 0)
            return -1;
        bytes -= size;
    }
    if (receive_number (taker, &want) < 0)
        return -1;
    if (bytes > 0)
        return reject (taker);
    taker->wrong = want != *sum;
    return taker->wrong ? reject (taker) : 0;
}

unsigned aw_taker_got_damage (const struct aw_taker *taker)
{
    return taker->damaged;
}

/* Asks the peer for FILE. 0, or -1: it has not come. */
static int take (
    struct aw_taker *taker, const char *file, const struct stat *st, int out, uint32_t *sum)
{
    if (taker->fd < 0)
        taker->fd = connect_to (&taker->source, taker->peer);
    if (taker->fd < 0)
        return reject (taker);
    taker->wrong = false;
    if (ask (taker, file, st, false) == 0
        && receive_file (taker, (uint64_t)st->st_size, out, sum) == 0)
        return 0;
    if (taker->wrong) {
        taker->damaged = taker->peer;
        (void)!ask (taker, file, st, true);
    }
    close (taker->fd);
    taker->fd = -1;
    return -1;
}

int aw_taker_take (
    struct aw_taker *taker, const char *to, const struct stat *st, int out, uint32_t *sum)
{
    size_t n = strlen (taker->source.scratch);

    if (taker->peer == 0 || strncmp (to, taker->source.scratch, n) != 0 || to[n] != '/'
        || time_of (st) == 0)
        return -1;
    if (!taker->begun)
        taker->limit = aw_clock_monotonic () + WAITS * patience_of (&taker->source)
                       + MIB_SECONDS * (double)(st->st_size >> 20);
    taker->begun = true;
    if (take (taker, to + n + 1, st, out, sum) == 0) {
        taker->tries = TRIES;
        taker->empty = 0;
        taker->begun = false;
        return 0;
    }
    if (taker->tries > 0 && --taker->tries > 0 && taker->empty < EMPTY_TRIES)
        return 1;
    turn_to_next (taker);
    if (aw_clock_monotonic () > taker->limit)
        taker->peer = 0;
    taker->begun = taker->peer > 0;
    return taker->peer > 0 ? 1 : -1;
}
