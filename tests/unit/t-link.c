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

static void on_line (void *arg, const char *line, size_t size)
{
    (void)arg;
    (void)line;
    (void)size;
}

static void on_closed (void *arg, const char *why)
{
    (void)arg;
    reason = why;
}

static struct aw_link *make (int *peer)
{
    const struct aw_link_callbacks callbacks = { on_line, on_closed, NULL };
    int fds[2];
    struct aw_link *link;

    assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    link = aw_link_create (base, fds[0], 100, true, &callbacks, NULL);
    assert_non_null (link);
    *peer = fds[1];
    reason = "";
    return link;
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

/* Nothing else is sent. */
static void late_frames_leave_when_it_is_time (void **state)
{
    int peer;
    struct aw_link *link = make (&peer);
    char got[8];

    (void)state;
    aw_textbuf_puts (aw_link_out (link), "1\n");
    aw_link_send_late (link, 0, 20);
    event_base_loop (base, EVLOOP_ONCE);
    assert_int_equal (recv (peer, got, sizeof (got), MSG_DONTWAIT), 2);
    aw_link_destroy (link);
    close (peer);
}

/* The next one takes them along, in their order, and the connection's end does. */
static void late_frames_leave_with_others (void **state)
{
    int peer;
    struct aw_link *link = make (&peer);
    char got[8];

    (void)state;
    aw_textbuf_puts (aw_link_out (link), "1\n");
    aw_link_send_late (link, 0, 60000);
    aw_textbuf_puts (aw_link_out (link), "2\n");
    aw_link_send_late (link, 0, 60000);
    event_base_loop (base, EVLOOP_NONBLOCK);
    assert_int_equal (recv (peer, got, sizeof (got), MSG_DONTWAIT), -1);
    aw_textbuf_puts (aw_link_out (link), "3\n");
    aw_link_send (link, 0);
    event_base_loop (base, EVLOOP_NONBLOCK);
    assert_int_equal (recv (peer, got, sizeof (got), MSG_DONTWAIT), 6);
    assert_memory_equal (got, "1\n2\n3\n", 6);
    aw_textbuf_puts (aw_link_out (link), "4\n");
    aw_link_send_late (link, 0, 60000);
    aw_link_destroy (link);
    assert_int_equal (read (peer, got, sizeof (got)), 2);
    close (peer);
}

static void missing_late_frame_breaks_it_at_once (void **state)
{
    int peer;
    struct aw_link *link = make (&peer);

    (void)state;
    aw_link_send_late (link, -1, 60000);
    event_base_loop (base, EVLOOP_NONBLOCK);
    assert_non_null (strstr (reason, "out of memory"));
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
        cmocka_unit_test (late_frames_leave_when_it_is_time),
        cmocka_unit_test (late_frames_leave_with_others),
        cmocka_unit_test (missing_late_frame_breaks_it_at_once),
        cmocka_unit_test (missing_frame_breaks_it),
        cmocka_unit_test (missing_frame_breaks_a_full_one),
    };

    return cmocka_run_group_tests_name ("link", tests, set_up, tear_down);
}
