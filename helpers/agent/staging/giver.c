/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/giver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <event2/event.h>

#include "agent/staging/child.h"
#include "agent/staging/file_sum.h"
#include "io/wire/frame.h"
#include "io/wire/listener.h"
#include "util/clock.h"
#include "util/descriptors.h"
#include "util/write.h"

enum {
    CHUNK = 1 << 20,
    LINE_SIZE = 4 * PATH_MAX, /* of a TAKE */
    MAX_ASKERS = 64, /* that wait at a time */
    NUMBER = 9, /* characters of a number, with its newline */
    MOMENT_MS = 10, /* between looks at a copy that is under way */
    SILENT_SECONDS = 60, /* for the other node to take more, or to ask again */
};

static const struct timeval BEAT = { 1, 0 };

/* A connection that waits for a copy. */
struct asker {
    struct asker *next;
    struct aw_giver *giver;
    struct event *readable;
    int fd;
    unsigned beats; /* seconds since it connected */
    size_t size;
    char line[LINE_SIZE]; /* its TAKE; complete with a newline */
};

struct aw_giver {
    struct event_base *base;
    struct aw_stager *stager;
    struct aw_listener *listener;
    struct aw_frame_reader *reader;
    struct asker *askers;
    uint32_t n_askers;
    struct event *beat; /* timer, while there are askers */
};

/*
 * In a process
 */

/* A file on its way to another node. */
struct gift {
    const struct aw_stager *stager;
    const struct aw_take *take;
    int fd; /* -1: not there yet */
    int out;
    bool sums; /* the copy keeps no sum, so one is computed of what is sent */
    uint32_t sum;
    double beaten; /* when the other node heard of it last */
};

/* Waits for more of the copy. -1: the other node does not wait, for it has nothing to say now. */
static int wait_a_moment (struct gift *gift)
{
    struct pollfd pfd = { .fd = gift->out, .events = POLLIN };
    double now = aw_clock_monotonic ();

    if (poll (&pfd, 1, MOMENT_MS) != 0)
        return -1;
    if (now - gift->beaten < 1)
        return 0;
    gift->beaten = now;
    return aw_write_all (gift->out, ".", 1);
}

static int open_file (struct gift *gift)
{
    bool copies;

    do {
        copies = aw_stager_has (gift->stager, gift->take, -1) == AW_HAS_PART;
        gift->fd = aw_stager_open (gift->stager, gift->take);
    } while (gift->fd < 0 && copies && wait_a_moment (gift) == 0);
    return gift->fd < 0 ? -1 : 0;
}

/* The next block of the content, of up to LEFT bytes. Its size; 0: it has not come; -1: it cannot
 * come any more.
 */
static ssize_t read_block (const struct gift *gift, char *buffer, uint64_t left)
{
    size_t most = left < CHUNK ? (size_t)left : CHUNK;
    ssize_t n = read (gift->fd, buffer, most);
    enum aw_has has;

    if (n != 0)
        return n;
    has = aw_stager_has (gift->stager, gift->take, gift->fd);
    if (has == AW_HAS_PART)
        return 0;
    n = has == AW_HAS_ALL ? read (gift->fd, buffer, most) : -1; /* it was completed just now */
    return n > 0 ? n : -1;
}

static void put_number (char to[NUMBER], uint32_t number)
{
    char text[NUMBER + 1];

    snprintf (text, sizeof (text), "%08x\n", number);
    memcpy (to, text, NUMBER);
}

/* Waits until the copy is known to be right. */
static int wait_for_all (struct gift *gift)
{
    enum aw_has has;

    while ((has = aw_stager_has (gift->stager, gift->take, gift->fd)) == AW_HAS_PART)
        if (wait_a_moment (gift) < 0)
            return -1;
    return has == AW_HAS_ALL ? 0 : -1;
}

/* The content of the file, block by block. */
static int send_content (struct gift *gift)
{
    static char buffer[NUMBER + CHUNK];
    char *const block = buffer + NUMBER;
    uint64_t left = gift->take->bytes;

    while (left > 0) {
        ssize_t n = read_block (gift, block, left);

        if (n < 0 || (n == 0 && wait_a_moment (gift) < 0))
            return -1;
        if (n == 0)
            continue;
        if (gift->sums)
            gift->sum = (uint32_t)crc32 (gift->sum, (const unsigned char *)block, (unsigned)n);
        put_number (buffer, (uint32_t)n);
        if (aw_write_all (gift->out, buffer, NUMBER + (size_t)n) < 0)
            return -1;
        left -= (uint64_t)n;
    }
    return 0;
}

/* A copy that is under way gets its sum at its end. */
static bool has_no_sum (const struct gift *gift)
{
    uint32_t sum;

    return aw_file_sum_get (gift->fd, &sum) < 0
           && (errno != ENODATA
               || aw_stager_has (gift->stager, gift->take, gift->fd) == AW_HAS_ALL);
}

/* The content and its sum. */
static int send_file (struct gift *gift)
{
    char end[2 * NUMBER];

    gift->sums = has_no_sum (gift);
    if (send_content (gift) < 0 || wait_for_all (gift) < 0
        || (!gift->sums && aw_file_sum_get (gift->fd, &gift->sum) < 0))
        return -1;
    put_number (end, 0);
    put_number (end + NUMBER, gift->sum);
    return aw_write_all (gift->out, end, sizeof (end));
}

/* Reads the next TAKE, which nothing follows. Its size; 0: there is none. */
static size_t next_line (int fd, char line[LINE_SIZE])
{
    size_t size = 0;
    ssize_t n;

    while ((n = read (fd, line + size, LINE_SIZE - size)) > 0) {
        size += (size_t)n;
        if (line[size - 1] == '\n')
            return size;
    }
    return 0;
}

static void give (const struct aw_giver *giver, int out, char line[LINE_SIZE], size_t size)
{
    struct aw_frame frame;

    for (; size > 0; size = next_line (out, line)) {
        struct gift gift = { giver->stager, &frame.take, -1, out, false, 0, 0 };
        int rc;

        if (aw_frame_read (giver->reader, line, size - 1, &frame, NULL) < 0
            || frame.type != AW_FRAME_TAKE
            || aw_stager_gives (giver->stager, &frame.take) != AW_GIVES_NOW
            || open_file (&gift) < 0)
            return;
        rc = send_file (&gift);
        close (gift.fd);
        if (rc < 0)
            return;
    }
}

/* It needs none of the descriptors that the agent has open. */
__attribute__ ((noreturn)) static void child (struct asker *asker, pid_t parent)
{
    const struct timeval limit = { SILENT_SECONDS, 0 };
    int fd = STDERR_FILENO + 1;

    aw_child_begin (parent, NULL);
    if (dup2 (asker->fd, fd) < 0)
        _exit (1);
    aw_close_from (fd + 1);
    if (fcntl (fd, F_SETFL, 0) < 0
        || setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof (limit)) < 0
        || setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof (limit)) < 0)
        _exit (1);
    give (asker->giver, fd, asker->line, asker->size);
    shutdown (fd, SHUT_RDWR);
    _exit (0);
}

/*
 * In the agent
 */

static void drop (struct asker *asker)
{
    struct asker **link = &asker->giver->askers;

    while (*link != asker)
        link = &(*link)->next;
    *link = asker->next;
    if (--asker->giver->n_askers == 0)
        event_del (asker->giver->beat);
    if (asker->readable)
        event_free (asker->readable);
    close (asker->fd);
    free (asker);
}

/* Gives it the file now, lets it wait, or sends it away. */
static void answer (struct asker *asker)
{
    const struct aw_giver *giver = asker->giver;
    enum aw_gives gives = AW_GIVES_NOT;
    struct aw_frame frame;
    pid_t self = getpid (), pid;

    if (aw_frame_read (giver->reader, asker->line, asker->size - 1, &frame, NULL) == 0
        && frame.type == AW_FRAME_TAKE)
        gives = aw_stager_gives (giver->stager, &frame.take);
    if (gives == AW_GIVES_LATER)
        return;
    pid = gives == AW_GIVES_NOW ? fork () : -1;
    if (pid == 0)
        child (asker, self);
    if (pid < 0) /* a process that copies may have inherited the descriptor: close is not enough */
        shutdown (asker->fd, SHUT_RDWR);
    drop (asker);
}

static bool has_asked (const struct asker *asker)
{
    return asker->size > 0 && asker->line[asker->size - 1] == '\n';
}

/* Those that wait see that this agent is alive; those that ask for nothing in time give up their
 * place. A connection that has ended is noticed elsewhere.
 */
static void on_beat (evutil_socket_t fd, short what, void *arg)
{
    struct aw_giver *giver = arg;

    (void)fd;
    (void)what;
    for (struct asker *asker = giver->askers, *next; asker; asker = next) {
        next = asker->next;
        if (has_asked (asker))
            (void)!send (asker->fd, ".", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        else if (++asker->beats > SILENT_SECONDS) {
            shutdown (asker->fd, SHUT_RDWR);
            drop (asker);
        }
    }
}

/* Until it has its answer, it has nothing more to say. */
static void on_said (evutil_socket_t fd, short what, void *arg)
{
    struct asker *asker = arg;
    ssize_t n = has_asked (asker) || asker->size == LINE_SIZE
                    ? 0
                    : recv (fd, asker->line + asker->size, LINE_SIZE - asker->size, MSG_DONTWAIT);

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop (asker);
        return;
    }
    asker->size += (size_t)n;
    if (has_asked (asker))
        answer (asker);
}

static void on_accepted (void *arg, int fd)
{
    struct aw_giver *giver = arg;
    struct asker *asker = giver->n_askers < MAX_ASKERS ? calloc (1, sizeof (*asker)) : NULL;

    if (!asker) {
        close (fd);
        return;
    }
    asker->giver = giver;
    asker->fd = fd;
    asker->next = giver->askers;
    giver->askers = asker;
    asker->readable = event_new (giver->base, fd, EV_READ | EV_PERSIST, on_said, asker);
    if ((giver->n_askers++ == 0 && event_add (giver->beat, &BEAT) < 0) || !asker->readable
        || event_add (asker->readable, NULL) < 0)
        drop (asker);
}

/* Copies have come or gone. */
static void on_moved (void *arg)
{
    struct aw_giver *giver = arg;

    for (struct asker *asker = giver->askers, *next; asker; asker = next) {
        next = asker->next;
        if (has_asked (asker))
            answer (asker);
    }
}

struct aw_giver *aw_giver_create (struct event_base *base,
                                  struct aw_stager *stager,
                                  const char *job,
                                  uint16_t first,
                                  uint16_t last,
                                  struct aw_error *err)
{
    struct aw_giver *giver = calloc (1, sizeof (*giver));

    if (!giver) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    giver->base = base;
    giver->stager = stager;
    giver->reader = aw_frame_reader_create ();
    giver->beat = event_new (base, -1, EV_PERSIST, on_beat, giver);
    giver->listener = aw_listener_create (base, job, first, last, on_accepted, giver, err);
    if (!giver->reader || !giver->beat || !giver->listener) {
        aw_giver_destroy (giver);
        return NULL;
    }
    aw_stager_watch (stager, on_moved, giver);
    return giver;
}

uint16_t aw_giver_port (const struct aw_giver *giver)
{
    return aw_listener_port (giver->listener);
}

void aw_giver_destroy (struct aw_giver *giver)
{
    if (!giver)
        return;
    aw_stager_watch (giver->stager, NULL, NULL);
    while (giver->askers)
        drop (giver->askers);
    aw_listener_destroy (giver->listener);
    aw_frame_reader_destroy (giver->reader);
    if (giver->beat)
        event_free (giver->beat);
    free (giver);
}
