/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/wire/connect.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "io/wire/auth.h"
#include "io/wire/frame.h"
#include "io/wire/link.h"
#include "util/clock.h"
#include "util/write.h"

static const double TRY_SECONDS = 5; /* for one address to accept the connection */
/* And then to answer: the coordinator of a large pool is busy when all agents connect. */
static const double TALK_SECONDS = 15;
/* Who is dropped after that may have been too slow for a busy peer, which drops others at once. */
static const double BUSY_SECONDS = 0.2;

/* What each try needs. */
struct call {
    const char *job;
    struct aw_frame_reader *reader;
    double limit; /* monotonic clock */
    bool dropped; /* the last peer ended the connection */
};

/* Waits for EVENTS on FD until LIMIT. */
static int wait_for (int fd, short events, double limit, struct aw_error *err)
{
    for (;;) {
        struct pollfd pfd = { .fd = fd, .events = events };
        double left = limit - aw_clock_monotonic ();
        int rc = left > 0 ? poll (&pfd, 1, (int)(left * 1000) + 1) : 0;

        if (rc > 0)
            return 0;
        if (rc == 0)
            return aw_error_set (err, "no answer in time");
        if (errno != EINTR)
            return aw_error_set (err, "poll: %s", strerror (errno));
    }
}

static int finish_connect (int fd, double limit, struct aw_error *err)
{
    socklen_t size = sizeof (int);
    int error = 0;

    if (wait_for (fd, POLLOUT, limit, err) < 0)
        return -1;
    if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    return error ? aw_error_set (err, "%s", strerror (error)) : 0;
}

static int connect_to (const struct addrinfo *address, double limit, struct aw_error *err)
{
    int fd = socket (address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    double soon = aw_clock_monotonic () + TRY_SECONDS;

    if (fd < 0)
        return aw_error_set (err, "socket: %s", strerror (errno));
    if (connect (fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    if (errno == EINPROGRESS || errno == EINTR) {
        if (finish_connect (fd, soon < limit ? soon : limit, err) == 0)
            return fd;
    }
    else
        aw_error_set (err, "%s", strerror (errno));
    close (fd);
    return -1;
}

/* Reads one frame. Nothing follows it before we answer. The peer is not known yet, so its frame is
 * limited as a stranger's is.
 */
static int receive (
    int fd, struct call *call, struct aw_frame *frame, double limit, struct aw_error *err)
{
    static char line[AW_FRAME_MAX_STRANGER];
    size_t size = 0;
    char *end = NULL;

    while (!end && size < sizeof (line)) {
        ssize_t n;

        if (wait_for (fd, POLLIN, limit, err) < 0)
            return -1;
        n = recv (fd, line + size, sizeof (line) - size, MSG_DONTWAIT);
        call->dropped = n == 0 || (n < 0 && errno == ECONNRESET);
        if (n == 0)
            return aw_error_set (err, "it has closed the connection: it may belong to another user "
                                      "or job, or the nodes may "
                                      "have different munge keys");
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0)
            return aw_error_set (err, "%s", strerror (errno));
        end = memchr (line + size, '\n', (size_t)n);
        size += (size_t)n;
    }
    if (!end || end != line + size - 1
        || aw_frame_read (call->reader, line, size - 1, frame, NULL) < 0)
        return aw_error_set (err, "it is not the coordinator");
    return 0;
}

static int send_proof (int fd,
                       struct call *call,
                       const struct aw_auth_claim *claim,
                       struct aw_error *err)
{
    char *credential = aw_auth_prove (claim, err);
    struct aw_textbuf text;
    int rc;

    if (!credential)
        return -1;
    aw_textbuf_init (&text);
    rc = aw_frame_put (&text,
                       &(struct aw_frame){ .type = AW_FRAME_PROOF,
                                           .credential = credential,
                                           .nonce = claim->prover_nonce },
                       err);
    free (credential);
    call->dropped = rc == 0 && aw_send_all (fd, text.data, text.len) < 0;
    if (call->dropped)
        rc = aw_error_set (err, "it has closed the connection");
    aw_textbuf_finish (&text);
    return rc;
}

/* Challenge, our proof, its proof. */
static int shake_hands (int fd, struct call *call, struct aw_error *err)
{
    char own_nonce[AW_NONCE_SIZE], nonce[AW_NONCE_SIZE], place[AW_PLACE_SIZE];
    const struct aw_auth_claim ours = { AW_AUTH_FROM_AGENT, call->job, place, nonce, own_nonce };
    const struct aw_auth_claim theirs = { AW_AUTH_FROM_COORDINATOR, call->job, place, own_nonce,
                                          nonce };
    double soon = aw_clock_monotonic () + TALK_SECONDS;
    double limit = soon < call->limit ? soon : call->limit;
    struct aw_frame frame = { .type = AW_FRAME_TYPES };

    if (aw_auth_place (fd, AW_AUTH_CONNECTED, place, err) < 0 || aw_auth_nonce (own_nonce, err) < 0
        || receive (fd, call, &frame, limit, err) < 0)
        return -1;
    if (frame.type != AW_FRAME_CHALLENGE || strlen (frame.nonce) != AW_NONCE_SIZE - 1)
        return aw_error_set (err, "it is not the coordinator");
    strcpy (nonce, frame.nonce);
    if (send_proof (fd, call, &ours, err) < 0 || receive (fd, call, &frame, limit, err) < 0)
        return -1;
    if (frame.type != AW_FRAME_PROOF)
        return aw_error_set (err, "it is not the coordinator");
    return aw_auth_check (frame.credential, &theirs, err);
}

static int try_host (const char *host, const char *port, struct call *call, struct aw_error *err)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list;
    int fd = -1;
    int rc = getaddrinfo (host, port, &hints, &list);

    if (rc != 0)
        return aw_error_set (err, "coordinator at %s: %s", host,
                             rc == EAI_SYSTEM ? strerror (errno) : gai_strerror (rc));
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        call->dropped = false;
        fd = connect_to (a, call->limit, err);
        if (fd < 0)
            continue;
        aw_link_tune_tcp (fd);
        if (shake_hands (fd, call, err) < 0) {
            close (fd);
            fd = -1;
        }
    }
    freeaddrinfo (list);
    if (fd < 0) {
        char place[160];
        snprintf (place, sizeof (place), "coordinator at %.100s port %s", host, port);
        aw_error_prefix (err, place);
    }
    return fd;
}

static int try_hosts (char *hosts, const char *port, struct call *call, struct aw_error *err)
{
    char *save = NULL;
    int fd = -1;

    aw_error_set (err, "no address of the coordinator is given");
    for (char *host = strtok_r (hosts, ",", &save); host && fd < 0;
         host = strtok_r (NULL, ",", &save))
        fd = try_host (host, port, call, err);
    return fd;
}

int aw_connect_once (
    const char *host, uint16_t port, const char *job, double seconds, struct aw_error *err)
{
    struct call call = { job, aw_frame_reader_create (), aw_clock_monotonic () + seconds, false };
    double begun;
    char service[8];
    int fd;

    if (!call.reader)
        return aw_error_set (err, "out of memory");
    snprintf (service, sizeof (service), "%u", port);
    do {
        begun = aw_clock_monotonic ();
        fd = try_host (host, service, &call, err);
    } while (fd < 0 && call.dropped && aw_clock_monotonic () - begun > BUSY_SECONDS);
    aw_frame_reader_destroy (call.reader);
    return fd;
}

/* Half of SECONDS to all of them, another time in each agent: those that were dropped together do
 * not come again together. */
static double spread (double seconds)
{
    unsigned char random = 128;

    (void)!getrandom (&random, sizeof (random), GRND_NONBLOCK);
    return seconds * (0.5 + random / 512.);
}

static void pause_for (double seconds)
{
    struct timespec ts = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

    nanosleep (&ts, NULL);
}

int aw_connect (
    const char *hosts, uint16_t port, const char *job, double seconds, struct aw_error *err)
{
    struct call call = { job, aw_frame_reader_create (), aw_clock_monotonic () + seconds, false };
    double pause = 0.1;
    char service[8];
    int fd = -1;

    if (!call.reader)
        return aw_error_set (err, "out of memory");
    snprintf (service, sizeof (service), "%u", port);
    for (;;) {
        char *list = strdup (hosts);

        if (!list)
            aw_error_set (err, "out of memory");
        else
            fd = try_hosts (list, service, &call, err);
        free (list);
        if (fd >= 0 || aw_clock_monotonic () + pause >= call.limit)
            break;
        pause_for (spread (pause));
        pause = pause < 2 ? 2 * pause : pause;
    }
    aw_frame_reader_destroy (call.reader);
    return fd;
}
