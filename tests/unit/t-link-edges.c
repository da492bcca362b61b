/* SPDX-License-Identifier: Apache-2.0 */
/* What a link reads and writes, with edge-triggered events (epoll) and without (poll, select). An
 * edge-triggered event has one report for what has come; what the link then leaves unread has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "io/wire/link.h"
#include "util/clock.h"

enum { MANY = 100, LINE_MAX = 100, MOST = 50, DEADLINE = 60 };

struct pair {
    struct aw_link *link;
    int peer;
    size_t lines; /* that the link has handed out */
    struct event *turn; /* made active by a line, as the coordinator's turn is */
    size_t journalled; /* lines before the last turn */
    bool ended;
    size_t lines_at_end, journalled_at_end;
    char reason[100];
};

static struct event_base *base;
static struct event *tick; /* so that the loop returns */
static int emptied = -1; /* a peer's socket that is read empty as soon as send finds it full */
static size_t n_emptied;

static size_t read_empty (int fd)
{
    char some[4096];
    size_t all = 0;
    ssize_t n;

    while ((n = recv (fd, some, sizeof (some), MSG_DONTWAIT)) > 0)
        all += (size_t)n;
    return all;
}

ssize_t __real_send (int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send (int fd, const void *data, size_t size, int flags);

ssize_t __wrap_send (int fd, const void *data, size_t size, int flags)
{
    ssize_t n = __real_send (fd, data, size, flags);

    if (n < 0 && errno == EAGAIN && emptied >= 0 && fd != emptied) {
        n_emptied += read_empty (emptied);
        errno = EAGAIN;
    }
    return n;
}

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    struct pair *p = arg;

    (void)fd;
    (void)what;
    p->journalled = p->lines;
}

static void on_line (void *arg, const char *line, size_t size)
{
    struct pair *p = arg;

    (void)line;
    (void)size;
    p->lines++;
    event_active (p->turn, 0, 0);
}

static void on_closed (void *arg, const char *why)
{
    struct pair *p = arg;

    p->ended = true;
    p->lines_at_end = p->lines;
    p->journalled_at_end = p->journalled;
    strncpy (p->reason, why ? why : "", sizeof (p->reason) - 1);
}

static void tcp_pair (int fds[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    const int buffer = 1 << 17; /* fixed: the kernel would let it grow */
    socklen_t size = sizeof (address);
    int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt (listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof (buffer));
    setsockopt (listener, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof (buffer));
    assert_int_equal (bind (listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal (listen (listener, 1), 0);
    assert_int_equal (getsockname (listener, (struct sockaddr *)&address, &size), 0);
    fds[0] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt (fds[0], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof (buffer));
    setsockopt (fds[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof (buffer));
    assert_int_equal (connect (fds[0], (struct sockaddr *)&address, size), 0);
    fds[1] = accept (listener, NULL, NULL);
    assert_true (fds[1] >= 0);
    close (listener);
}

static void put (const struct pair *p, const char *text)
{
    assert_int_equal (write (p->peer, text, strlen (text)), strlen (text));
}

/* WAITING: what the peer has sent before there is a link. */
static void make (struct pair *p, bool tcp, const char *waiting)
{
    const struct aw_link_callbacks callbacks = { on_line, on_closed, p };
    int fds[2];

    memset (p, 0, sizeof (*p));
    if (tcp)
        tcp_pair (fds);
    else
        assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    p->peer = fds[1];
    put (p, waiting);
    p->turn = event_new (base, -1, 0, on_turn, p);
    p->link = aw_link_create (base, fds[0], LINE_MAX, true, &callbacks, NULL);
    assert_non_null (p->link);
}

static void shut (struct pair *p)
{
    close (p->peer);
    p->peer = -1;
}

static void finish (struct pair *p)
{
    aw_link_destroy (p->link);
    event_free (p->turn);
    if (p->peer >= 0)
        close (p->peer);
}

static void turn (void)
{
    event_base_loop (base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* Runs the loop until the link has handed out this number of LINES, and knows of the end. */
static void until (struct pair *p, size_t lines, bool ended)
{
    double limit = aw_clock_monotonic () + DEADLINE;

    while ((p->lines < lines || p->ended < ended) && aw_clock_monotonic () < limit)
        event_base_loop (base, EVLOOP_ONCE);
    assert_int_equal (p->lines, lines);
    assert_int_equal (p->ended, ended);
    assert_int_equal (p->ended ? p->lines_at_end : lines, lines);
}

/* The end comes with the last lines. They are journalled in a turn before it. */
static void end_with_lines_is_found (void **state)
{
    struct pair p;

    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        make (&p, tcp, "");
        put (&p, "{}\n{}\n");
        shut (&p);
        until (&p, 2, true);
        assert_int_equal (p.journalled_at_end, 2);
        assert_string_equal (p.reason, "");
        finish (&p);
    }
}

static void end_with_lines_is_found_at_once (void **state)
{
    struct pair p;

    (void)state;
    make (&p, false, "");
    put (&p, "{}\n{}\n");
    assert_int_equal (shutdown (p.peer, SHUT_WR), 0);
    turn ();
    assert_int_equal (p.lines, 2);
    assert_false (p.ended);
    turn ();
    turn ();
    assert_true (p.ended);
    assert_int_equal (p.journalled_at_end, 2);
    finish (&p);
}

/* The peer ends with what it has not read: that is a reset, and has no report of its own. */
static void reset_with_lines_is_found (void **state)
{
    struct pair p;

    (void)state;
    make (&p, true, "");
    aw_textbuf_puts (aw_link_out (p.link), "{}\n");
    aw_link_send (p.link, 0);
    turn ();
    put (&p, "{}\n");
    shut (&p);
    until (&p, 1, true);
    assert_int_equal (p.journalled_at_end, 1);
    assert_non_null (strstr (p.reason, "reset"));
    finish (&p);
}

static void end_after_lines_is_found (void **state)
{
    struct pair p;

    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        make (&p, tcp, "");
        put (&p, "{}\n");
        until (&p, 1, false);
        put (&p, "{}\n{");
        until (&p, 2, false);
        shut (&p);
        until (&p, 2, true);
        finish (&p);
    }
}

static void what_waits_for_the_link_is_read (void **state)
{
    struct pair p;

    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        make (&p, tcp, "{}\n{}\n{}\n");
        until (&p, 3, false);
        finish (&p);
        make (&p, tcp, "{}\n");
        shut (&p);
        until (&p, 1, true);
        finish (&p);
    }
}

/* Sends empty lines until the socket is full, or MOST of them. Their number. */
static size_t flood (const struct pair *p, size_t most)
{
    static char much[1 << 16];
    size_t all = 0;
    ssize_t n = 0;

    memset (much, '\n', sizeof (much));
    while (all < most && n >= 0) {
        n = send (p->peer, much, most - all < sizeof (much) ? most - all : sizeof (much),
                  MSG_DONTWAIT);
        all += n > 0 ? (size_t)n : 0;
    }
    return all;
}

/* A peer that sends more than one read takes delays nobody, and all of it is read. */
static void flood_is_read_turn_by_turn (void **state)
{
    struct pair loud, quiet;
    size_t all;

    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        make (&loud, tcp, "");
        make (&quiet, tcp, "");
        all = flood (&loud, SIZE_MAX);
        assert_in_range (all, 70000, SIZE_MAX);
        for (size_t lines = 1; lines <= 3; lines++) {
            put (&quiet, "{}\n");
            until (&quiet, lines, false);
            assert_in_range (loud.lines, 1, all - 1);
        }
        until (&loud, all, false);
        all += flood (&loud, SIZE_MAX);
        shut (&loud);
        until (&loud, all, true);
        assert_int_equal (loud.journalled_at_end, all);
        finish (&loud);
        finish (&quiet);
    }
}

/* Each size around those of the reads: whether more is left is seen from a read's size. */
static void any_size_is_read (void **state)
{
    struct pair p;

    (void)state;
    for (size_t size = 16384 - 2; size <= 16384 + 2; size++)
        for (size_t reads = 1; reads <= 2; reads++) {
            make (&p, true, "");
            assert_int_equal (flood (&p, reads * size), reads * size);
            until (&p, reads * size, false);
            put (&p, "{}\n");
            until (&p, reads * size + 1, false);
            assert_int_equal (flood (&p, reads * size), reads * size);
            shut (&p);
            until (&p, 2 * reads * size + 1, true);
            finish (&p);
        }
}

static void many_links_are_read (void **state)
{
    static struct pair pairs[MANY];
    size_t sent[MANY] = { 0 };
    unsigned seed = 1;

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        make (&pairs[i], i % 2, "");
    for (size_t left = MANY; left > 0; turn ())
        for (size_t i = (size_t)rand_r (&seed) % 5; i < MANY; i += 1 + (size_t)rand_r (&seed) % 5) {
            struct pair *p = &pairs[i];

            if (p->peer < 0)
                continue;
            sent[i] += flood (p, 1 + (size_t)rand_r (&seed) % 20000);
            if (sent[i] < 100000)
                continue;
            shut (p);
            left--;
        }
    for (size_t i = 0; i < MANY; i++) {
        until (&pairs[i], sent[i], true);
        finish (&pairs[i]);
    }
}

static void send_much (struct pair *p, size_t size)
{
    static char block[1 << 16];

    memset (block, '\n', sizeof (block));
    for (size_t n = 0; n < size; n += sizeof (block))
        aw_textbuf_put (aw_link_out (p->link), block, sizeof (block));
    aw_link_send (p->link, 0);
}

/* The peer reads a little now and then. What it sends meanwhile is read, too. */
static void slow_reader_gets_all (void **state)
{
    const size_t size = 4 << 20;
    char some[50000];
    double limit = aw_clock_monotonic () + DEADLINE;
    struct pair p;

    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        size_t got = 0, put_lines = 0;

        make (&p, tcp, "");
        send_much (&p, size);
        while (got < size && aw_clock_monotonic () < limit) {
            ssize_t n;

            turn ();
            if (put_lines < MOST) {
                put (&p, "{}\n");
                put_lines++;
            }
            n = recv (p.peer, some, sizeof (some), MSG_DONTWAIT);
            got += n > 0 ? (size_t)n : 0;
        }
        assert_int_equal (got, size);
        until (&p, put_lines, false);
        finish (&p);
    }
}

/* Between the send that finds the socket full and the event that waits for it, the peer reads. */
static void space_before_the_event_is_seen (void **state)
{
    const size_t size = 4 << 20;
    double limit = aw_clock_monotonic () + DEADLINE;
    struct pair p;

    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        size_t rest = 0;

        make (&p, tcp, "");
        emptied = p.peer;
        n_emptied = 0;
        send_much (&p, size);
        while (n_emptied + rest < size && aw_clock_monotonic () < limit) {
            event_base_loop (base, EVLOOP_ONCE);
            if (aw_link_out (p.link)->len == 0) /* all is sent, so nothing more empties it */
                rest += read_empty (p.peer);
        }
        assert_int_equal (n_emptied + rest, size);
        assert_in_range (n_emptied, 1, size);
        emptied = -1;
        finish (&p);
    }
}

static void on_tick (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* AVOIDED: methods of libevent that are not taken, separated by NULL. */
static int set_up_base (const char *const *avoided, bool edges)
{
    const struct timeval often = { 0, 100000 };
    struct event_config *config = event_config_new ();

    for (; *avoided; avoided++)
        event_config_avoid_method (config, *avoided);
    base = event_base_new_with_config (config);
    event_config_free (config);
    if (!base || event_base_priority_init (base, 2) < 0
        || ((event_base_get_features (base) & EV_FEATURE_ET) != 0) != edges)
        return -1;
    tick = event_new (base, -1, EV_PERSIST, on_tick, NULL);
    return event_add (tick, &often);
}

static int set_up_epoll (void **state)
{
    (void)state;
    return set_up_base ((const char *const[]){ NULL }, true);
}

static int set_up_poll (void **state)
{
    (void)state;
    return set_up_base ((const char *const[]){ "epoll", NULL }, false);
}

static int set_up_select (void **state)
{
    (void)state;
    return set_up_base ((const char *const[]){ "epoll", "poll", NULL }, false);
}

static int tear_down (void **state)
{
    (void)state;
    event_free (tick);
    event_base_free (base);
    return 0;
}

#define TEST(name, method)                                             \
    {                                                                  \
#name " with " #method, name, set_up_##method, tear_down, NULL \
    }
#define WITH_ALL(name) TEST (name, epoll), TEST (name, poll), TEST (name, select)

int main (void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL (end_with_lines_is_found),
        WITH_ALL (end_with_lines_is_found_at_once),
        WITH_ALL (reset_with_lines_is_found),
        WITH_ALL (end_after_lines_is_found),
        WITH_ALL (what_waits_for_the_link_is_read),
        WITH_ALL (flood_is_read_turn_by_turn),
        WITH_ALL (any_size_is_read),
        WITH_ALL (many_links_are_read),
        WITH_ALL (slow_reader_gets_all),
        WITH_ALL (space_before_the_event_is_seen),
    };

    event_enable_debug_mode (); /* refuses events of one socket of which some are edge-triggered */
    unsetenv ("EVENT_NOEPOLL");
    unsetenv ("EVENT_NOPOLL");
    return cmocka_run_group_tests_name ("link with edges", tests, NULL, NULL);
}
