/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/giver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/staging/child.h"
#include "agent/staging/gift.h"
#include "io/wire/frame.h"
#include "io/wire/listener.h"
#include "util/descriptors.h"

enum {
    MAX_ASKERS = 64, /* that wait at a time */
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
    char line[AW_GIFT_LINE]; /* its TAKE; complete with a newline */
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

/* The process needs none of the descriptors that the agent has open. */
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
    aw_gift_send (asker->giver->stager, asker->giver->reader, fd, asker->line, asker->size);
    shutdown (fd, SHUT_RDWR);
    _exit (0);
}

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
    ssize_t n =
        has_asked (asker) || asker->size == AW_GIFT_LINE
            ? 0
            : recv (fd, asker->line + asker->size, AW_GIFT_LINE - asker->size, MSG_DONTWAIT);

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
