/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody who knocks at the coordinator's port and should get nowhere: one who says nothing, or
 * garbage, or much, or little by little, who proves to be another user or plays back what was
 * overheard. Counts what becomes of each connection: only a coordinator that accepts one says more
 * than its challenge.
 *
 *   stranger PORT KIND[,KIND...] COUNT [PER-MINUTE]    in turn; PER-MINUTE: at this rate; SIGTERM
 *                                                      ends it before COUNT
 *
 * JOB in the environment is the job of proofs. "keep" makes a proof as an agent would and leaves it
 * in the file PROOF instead of saying it, "replay" says what that file holds.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/wire/auth.h"
#include "io/wire/frame.h"
#include "util/clock.h"

enum { MOST = 512 }; /* connections at a time */

enum kind { SILENT, GARBAGE, MUCH, SLOW, PROOF, KEEP, REPLAY, HANG_UP, KINDS };
static const char *const names[KINDS] = { "silent", "garbage", "much",   "slow",
                                          "proof",  "keep",    "replay", "hang-up" };
/* Well beyond the 2 s after which the coordinator should have ended it. */
static const double PATIENCE = 30;

struct connection {
    int fd;
    enum kind kind;
    double opened, said;
    char in[AW_FRAME_MAX_STRANGER];
    size_t size;
    bool challenged, more;
};

static struct connection connections[MOST];
static struct pollfd fds[MOST];
static int n_open;
static unsigned long opened, unreachable, challenged, closed, accepted, kept;
static struct aw_frame_reader *reader;
static char replayed[AW_FRAME_MAX_STRANGER];
static size_t replayed_size;

static volatile sig_atomic_t enough;

static void on_signal (int number)
{
    (void)number;
    enough = 1;
}

static void die (const char *what)
{
    fprintf (stderr, "stranger: %s: %s\n", what, strerror (errno));
    exit (1);
}

static void say (const struct connection *c, const void *text, size_t size)
{
    (void)!send (c->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void say_proof (struct connection *c, const char *challenge)
{
    char own[AW_NONCE_SIZE], place[AW_PLACE_SIZE];
    const char *job = getenv ("JOB"), *keep = c->kind == KEEP ? getenv ("PROOF") : NULL;
    struct aw_auth_claim claim = { AW_AUTH_FROM_AGENT, job ? job : "", place, challenge, own };
    struct aw_textbuf text = { 0 };
    struct aw_error err = { "" };
    char *credential;

    if (aw_auth_nonce (own, &err) < 0 || aw_auth_place (c->fd, AW_AUTH_CONNECTED, place, &err) < 0
        || !(credential = aw_auth_prove (&claim, &err))) {
        fprintf (stderr, "stranger: %s\n", err.text);
        exit (1);
    }
    if (aw_frame_put (
            &text,
            &(struct aw_frame){ .type = AW_FRAME_PROOF, .credential = credential, .nonce = own },
            NULL)
            == 0
        && !keep)
        say (c, text.data, text.len);
    if (keep) {
        int fd = open (keep, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write (fd, text.data, text.len) != (ssize_t)text.len)
            die (keep);
        close (fd);
    }
    aw_textbuf_finish (&text);
    free (credential);
}

static void answer (struct connection *c)
{
    static char much[64 << 10];
    struct aw_frame frame;

    if (aw_frame_read (reader, c->in, c->size - 1, &frame, NULL) < 0
        || frame.type != AW_FRAME_CHALLENGE) {
        c->more = true; /* it should have been one */
        return;
    }
    challenged++;
    switch (c->kind) {
    case GARBAGE:
        say (c, "GET / HTTP/1.0\r\n\r\n", 18);
        break;
    case MUCH:
        memset (much, 'x', sizeof (much));
        say (c, much, sizeof (much));
        break;
    case PROOF:
    case KEEP:
        say_proof (c, frame.nonce);
        break;
    case REPLAY:
        say (c, replayed, replayed_size);
        break;
    case HANG_UP:
        shutdown (c->fd, SHUT_RDWR);
        break;
    default:
        break;
    }
}

static void knock (uint16_t port, enum kind kind)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                   .sin_port = htons (port) };
    struct connection *c = &connections[n_open];

    memset (c, 0, sizeof (*c));
    c->kind = kind;
    c->opened = aw_clock_monotonic ();
    c->fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die ("socket");
    opened++;
    if (connect (c->fd, (struct sockaddr *)&address, sizeof (address)) < 0
        && errno != EINPROGRESS) {
        unreachable++;
        close (c->fd);
        return;
    }
    fds[n_open].fd = c->fd;
    fds[n_open].events = POLLIN;
    n_open++;
}

/* True where it is over. */
static bool listen_to (struct connection *c)
{
    ssize_t n = recv (c->fd, c->in + c->size, sizeof (c->in) - c->size, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n < 0 && errno == ECONNREFUSED)
        unreachable++;
    else if (n <= 0)
        closed++;
    if (n <= 0)
        return true;
    if (c->challenged)
        c->more = true;
    c->size += (size_t)n;
    if (!c->challenged && c->in[c->size - 1] == '\n') {
        c->challenged = true;
        answer (c);
    }
    if (c->more)
        accepted++;
    return c->more || c->size == sizeof (c->in);
}

static void serve (int i, double now)
{
    struct connection *c = &connections[i];
    bool over = fds[i].revents && listen_to (c);

    if (!over && c->kind == SLOW && c->challenged && now - c->said > 0.1) {
        say (c, "{", 1);
        c->said = now;
    }
    if (!over && now - c->opened > PATIENCE) {
        kept++;
        over = true;
    }
    if (!over)
        return;
    close (c->fd);
    n_open--;
    connections[i] = connections[n_open];
    fds[i] = fds[n_open];
}

static int parse_kinds (char *list, enum kind *kinds)
{
    int n = 0;

    for (char *word = strtok (list, ","); word; word = strtok (NULL, ",")) {
        int k = 0;
        while (k < KINDS && strcmp (names[k], word) != 0)
            k++;
        if (k == KINDS || n == KINDS)
            return -1;
        kinds[n++] = (enum kind)k;
    }
    return n;
}

static void read_replayed (const char *file)
{
    int fd = open (file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read (fd, replayed, sizeof (replayed));

    if (n < 0)
        die (file);
    replayed_size = (size_t)n;
    close (fd);
}

int main (int argc, char **argv)
{
    enum kind kinds[KINDS];
    int n_kinds = argc >= 4 ? parse_kinds (argv[2], kinds) : -1;
    unsigned long count = argc >= 4 ? strtoul (argv[3], NULL, 10) : 0;
    double rate = argc >= 5 ? atof (argv[4]) / 60 : 0;
    double start = aw_clock_monotonic (), now;

    if (n_kinds < 1) {
        fprintf (stderr, "Usage: stranger PORT KIND[,KIND...] COUNT [PER-MINUTE]\n");
        return 2;
    }
    if (kinds[0] == REPLAY && getenv ("PROOF"))
        read_replayed (getenv ("PROOF"));
    reader = aw_frame_reader_create ();
    if (!reader || signal (SIGTERM, on_signal) == SIG_ERR)
        die ("cannot begin");
    while (opened < count || n_open) {
        if (enough)
            count = opened;
        now = aw_clock_monotonic ();
        while (opened < count && n_open < MOST
               && (rate <= 0 || (double)opened < (now - start) * rate))
            knock ((uint16_t)atoi (argv[1]), kinds[opened % (unsigned long)n_kinds]);
        if (poll (fds, (nfds_t)n_open, 10) < 0 && errno != EINTR)
            die ("poll");
        now = aw_clock_monotonic ();
        for (int i = n_open; i-- > 0;)
            serve (i, now);
    }
    aw_frame_reader_destroy (reader);
    printf (
        "opened %lu unreachable %lu challenged %lu closed %lu kept %lu accepted %lu seconds %.2f\n",
        opened, unreachable, challenged, closed, kept, accepted, aw_clock_monotonic () - start);
    return accepted ? 3 : 0;
}
