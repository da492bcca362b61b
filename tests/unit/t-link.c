/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that carry frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "io/wire/link.h"

static struct event_base *base;
static const char *reason; /* of the link's end; "" until then */

/* Lines that each link of a test has handed out. */
static size_t lines[2];

static void on_line (void *arg, const char *line, size_t size)
{
    (void)line;
    (void)size;
    ++*(size_t *)arg;
}

static void on_closed (void *arg, const char *why)
{
    (void)arg;
    reason = why;
}

/* The link NUMBER of a test. */
static struct aw_link *make_one (int number, int *peer)
{
    const struct aw_link_callbacks callbacks = { on_line, on_closed, &lines[number] };
    int fds[2];
    struct aw_link *link;

    assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    link = aw_link_create (base, fds[0], 100, &callbacks, NULL);
    assert_non_null (link);
    *peer = fds[1];
    lines[number] = 0;
    reason = "";
    return link;
}

static struct aw_link *make (int *peer)
{
    return make_one (0, peer);
}

static void frames_are_sent (void **state)
{
    int peer;
    struct aw_link *link = make (&peer);
    char got[8];

    (void)state;
    aw_textbuf_puts (aw_link_out (link), "{}\n");
    aw_link_send (link, 0);
    event_base_loop (base, EVLOOP_ONCE);
    assert_int_equal (read (peer, got, sizeof (got)), 3);
    assert_string_equal (reason, "");
    aw_link_destroy (link);
    close (peer);
}

/* The peer may wait for what cannot be written: it must learn of it. */
static void missing_frame_breaks_it (void **state)
{
    int peer;
    struct aw_link *link = make (&peer);
    char got[8];

    (void)state;
    aw_textbuf_puts (aw_link_out (link), "{}\n");
    aw_link_send (link, 0);
    aw_link_send (link, -1);
    aw_link_send (link, 0);
    assert_string_equal (reason, ""); /* whoever sends is not called back */
    event_base_loop (base, EVLOOP_ONCE);
    assert_non_null (strstr (reason, "out of memory"));
    aw_link_destroy (link);
    assert_int_equal (read (peer, got, sizeof (got)), 3); /* what came before it is sent */
    assert_int_equal (read (peer, got, sizeof (got)), 0);
    close (peer);
}

/* Also where the peer does not read. */
static void missing_frame_breaks_a_full_one (void **state)
{
    static char much[1 << 20];
    int peer;
    struct aw_link *link = make (&peer);

    (void)state;
    memset (much, '\n', sizeof (much));
    aw_textbuf_put (aw_link_out (link), much, sizeof (much));
    aw_link_send (link, 0);
    event_base_loop (base, EVLOOP_ONCE);
    assert_string_equal (reason, "");
    aw_link_send (link, -1);
    event_base_loop (base, EVLOOP_ONCE);
    assert_non_null (strstr (reason, "out of memory"));
    aw_link_destroy (link);
    close (peer);
}

/* The end comes with the last frames, in one look at the socket. */
static void frames_before_the_end_are_read (void **state)
{
    int peer;
    struct aw_link *link = make (&peer);

    (void)state;
    assert_int_equal (write (peer, "{}\n{}\n", 6), 6);
    close (peer);
    for (int i = 0; i < 3 && reason && !*reason; i++)
        event_base_loop (base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    assert_int_equal (lines[0], 2);
    assert_null (reason);
    aw_link_destroy (link);
}

/* Fills the socket with empty lines. Their number. */
static size_t flood (int peer)
{
    static char much[1 << 16];
    ssize_t n;
    size_t all = 0;

    memset (much, '\n', sizeof (much));
    while ((n = send (peer, much, sizeof (much), MSG_DONTWAIT)) > 0)
        all += (size_t)n;
    return all;
}

/* A peer that sends more than the loop reads at a time holds up nobody, and all of it is read. */
static void flood_delays_nobody (void **state)
{
    int loud, quiet;
    struct aw_link *first = make_one (0, &loud), *second = make_one (1, &quiet);
    size_t all = flood (loud);

    (void)state;
    assert_true (all > 100000);
    assert_int_equal (write (quiet, "{}\n", 3), 3);
    event_base_loop (base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    assert_int_equal (lines[1], 1);
    assert_in_range (lines[0], 1, all - 1);
    for (size_t before = 0; before < lines[0];) {
        before = lines[0];
        event_base_loop (base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    }
    assert_int_equal (lines[0], all);
    assert_string_equal (reason, "");
    aw_link_destroy (first);
    aw_link_destroy (second);
    close (loud);
    close (quiet);
}

static int set_up (void **state)
{
    (void)state;
    base = event_base_new ();
    return base ? 0 : -1;
}

static int tear_down (void **state)
{
    (void)state;
    event_base_free (base);
    return 0;
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (frames_are_sent),
        cmocka_unit_test (missing_frame_breaks_it),
        cmocka_unit_test (missing_frame_breaks_a_full_one),
        cmocka_unit_test (frames_before_the_end_are_read),
        cmocka_unit_test (flood_delays_nobody),
    };

    return cmocka_run_group_tests_name ("link", tests, set_up, tear_down);
}
