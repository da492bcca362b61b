/* SPDX-License-Identifier: Apache-2.0 */
/* The port as strangers find it. With a munged of the test's own. */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>
#include <munge.h>

#include "io/wire/listener.h"
#include "io/wire/auth.h"
#include "io/wire/connect.h"
#include "io/wire/frame.h"
#include "rig.h"
#include "util/clock.h"
#include "port.h"

/* What a stranger says, and why it is turned away. */
static void garbage_is_refused (void **state)
{
    static const char *const table[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "\n",
        "{}\n",
        "{\"hello\":3,\"node\":\"n1\",\"cpus\":\"0\",\"gpus\":\"\",\"mem\":0}\n",
        "{\"finish\":1}\n",
        "{\"proof\":\"MUNGE:x:\"}\n", /* no nonce */
        "{\"proof\":\"MUNGE:x:\",\"nonce\":\"short\"}\n",
        "{\"proof\":\"MUNGE:x:\"}\n{\"hello\":3}\n", /* more than was asked for */
    };

    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char nonce[AW_NONCE_SIZE];
        int fd = port_knock ();

        port_read_challenge (fd, nonce);
        assert_int_equal (send (fd, table[i], strlen (table[i]), MSG_NOSIGNAL),
                          (ssize_t)strlen (table[i]));
        port_expect_silence (fd, "does not speak the agents' protocol");
        port_close (state);
        port_open (state);
    }
}

static void who_says_too_much_is_refused (void **state)
{
    char nonce[AW_NONCE_SIZE];
    char much[2 * AW_FRAME_MAX_STRANGER];
    int fd = port_knock ();

    (void)state;
    memset (much, 'x', sizeof (much));
    port_read_challenge (fd, nonce);
    (void)!send (fd, much, sizeof (much), MSG_NOSIGNAL);
    port_expect_silence (fd, "does not speak the agents' protocol");
}

/* It neither says nothing for ever, nor a byte now and then. */
static void who_is_too_slow_is_refused (void **state)
{
    double start = aw_clock_monotonic ();
    char nonce[AW_NONCE_SIZE];
    int silent = port_knock ();
    int slow = port_knock ();
    uint32_t both = 2;

    (void)state;
    port_read_challenge (silent, nonce);
    port_read_challenge (slow, nonce);
    while (aw_clock_monotonic () - start < 1.5) {
        (void)!send (slow, "x", 1, MSG_NOSIGNAL);
        event_base_loop (port_rig.base, EVLOOP_NONBLOCK);
        usleep (100000);
    }
    assert_false (port_has_refused (&port_rig, &both));
    rig_until (&port_rig, port_has_refused, &both);
    assert_true (aw_clock_monotonic () - start >= 1.98); /* libevent's clock is a coarse one */
    assert_int_equal (recv (silent, nonce, 1, 0), 0);
    close (silent);
    port_expect_silence (slow, "in time");
}

/* The result of aw_connect_once in a process, 0 or 1, when that has ended. */
static bool has_ended (struct rig *r, void *arg)
{
    int *result = arg, status;
    pid_t pid = waitpid (-*result, &status, WNOHANG);

    (void)r;
    if (pid > 0)
        *result = WEXITSTATUS (status);
    return pid > 0;
}

/* Minus the process. */
static int begin_connect (const char *job)
{
    pid_t pid = fork ();

    if (pid == 0)
        _exit (aw_connect_once ("127.0.0.1", aw_listener_port (port_listener), job, 60, NULL) < 0);
    return -pid;
}

/* Its munged answers late, as on a busy node. Others that are refused do not come again. */
static void who_was_too_slow_comes_again (void **state)
{
    int busy, stranger;
    uint32_t one = 1;

    (void)state;
    if (!port_with_munge)
        skip ();
    stranger = begin_connect ("124");
    rig_until (&port_rig, has_ended, &stranger);
    assert_int_equal (stranger, 1);
    port_close (state);
    port_open (state);
    rig_munged_signal (SIGSTOP);
    busy = begin_connect ("123");
    rig_until (&port_rig, port_has_refused, &one);
    rig_munged_signal (SIGCONT);
    rig_until (&port_rig, port_has_accepted, NULL);
    rig_until (&port_rig, has_ended, &busy);
    assert_int_equal (busy, 0);
}

static void who_hangs_up_is_forgotten (void **state)
{
    char nonce[AW_NONCE_SIZE];
    int fd = port_knock ();
    uint32_t one = 1;

    (void)state;
    port_read_challenge (fd, nonce);
    close (fd);
    rig_until (&port_rig, port_has_refused, &one);
}

/* Both ends name the place alike, whatever address leads there; within a machine it is that
 * machine's alone.
 */
static void strangers_have_few_places (void **state)
{
    static const int families[] = { AF_INET, AF_INET6 };
    char connected[AW_PLACE_SIZE], accepted[AW_PLACE_SIZE], expected[64];
    struct aw_error err = { "" };
    int pair[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
        struct sockaddr_in to4 = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
        struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        socklen_t size = sizeof (any);
        int port = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int near = socket (families[i], SOCK_STREAM | SOCK_CLOEXEC, 0);
        int far;

        if (port < 0 || bind (port, (struct sockaddr *)&any, sizeof (any)) < 0) { /* no IPv6 here */
            close (port);
            close (near);
            skip ();
        }
        assert_int_equal (listen (port, 1), 0);
        assert_int_equal (getsockname (port, (struct sockaddr *)&any, &size), 0);
        to4.sin_port = to6.sin6_port = any.sin6_port;
        if (connect (near, i ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
                     i ? sizeof (to6) : sizeof (to4))
            == 0) {
            far = accept (port, NULL, NULL);
            assert_true (far >= 0);
            assert_int_equal (aw_auth_place (near, AW_AUTH_CONNECTED, connected, &err), 0);
            assert_int_equal (aw_auth_place (far, AW_AUTH_ACCEPTED, accepted, &err), 0);
            assert_string_equal (connected, accepted);
            snprintf (expected, sizeof (expected), "%s port %u machine ", i ? "::1" : "127.0.0.1",
                      ntohs (any.sin6_port));
            assert_memory_equal (connected, expected, strlen (expected));
            assert_int_equal (strlen (connected), strlen (expected) + 36);
            close (far);
        }
        close (near);
        close (port);
    }
    assert_int_equal (aw_auth_place (-1, AW_AUTH_CONNECTED, connected, &err), -1);
    assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal (aw_auth_place (pair[0], AW_AUTH_CONNECTED, connected, &err), -1);
    close (pair[0]);
    close (pair[1]);
}

/* Who says nothing gives way when others wait, well before the 2 s that all are granted. */
static void a_silent_stranger_gives_way_when_others_wait (void **state)
{
    double start = aw_clock_monotonic ();
    uint32_t many = 100;
    const char *why;
    int fds[300];

    (void)state;
    for (int i = 0; i < 300; i++)
        fds[i] = port_knock ();
    rig_until (&port_rig, port_has_refused, &many);
    assert_true (aw_clock_monotonic () - start < 1.9);
    aw_listener_refused (port_listener, &why);
    assert_non_null (strstr (why, "while others waited"));
    assert_int_equal (port_n_accepted, 0);
    for (int i = 0; i < 300; i++)
        close (fds[i]);
}

/* As many as there is room for keep their 2 s. */
static void as_many_as_have_room_keep_their_time (void **state)
{
    double start = aw_clock_monotonic ();
    uint32_t all = 128;
    const char *why;
    int fds[128];

    (void)state;
    for (int i = 0; i < 128; i++)
        fds[i] = port_knock ();
    rig_until (&port_rig, port_has_refused, &all);
    assert_true (aw_clock_monotonic () - start > 1.9);
    aw_listener_refused (port_listener, &why);
    assert_non_null (strstr (why, "in time"));
    for (int i = 0; i < 128; i++)
        close (fds[i]);
}

/* Strangers that fill all places do not keep an agent out for longer than they are granted. */
static void agents_come_in_through_a_crowd_of_strangers (void **state)
{
    char place[AW_PLACE_SIZE], nonce[AW_NONCE_SIZE], own[AW_NONCE_SIZE];
    const struct aw_auth_claim ours = { AW_AUTH_FROM_AGENT, "123", place, nonce, own };
    int fds[200], fd;

    (void)state;
    if (!port_with_munge)
        skip ();
    for (int i = 0; i < 200; i++)
        fds[i] = port_knock ();
    fd = port_knock ();
    port_place_of (fd, place);
    aw_auth_nonce (own, NULL);
    port_read_challenge (fd, nonce);
    port_send_proof (fd, &ours);
    rig_until (&port_rig, port_has_accepted, NULL);
    close (fd);
    for (int i = 0; i < 200; i++)
        close (fds[i]);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (strangers_have_few_places),
        PORT (garbage_is_refused),
        PORT (who_says_too_much_is_refused),
        PORT (who_is_too_slow_is_refused),
        PORT (who_was_too_slow_comes_again),
        PORT (who_hangs_up_is_forgotten),
        PORT (agents_come_in_through_a_crowd_of_strangers),
        PORT (a_silent_stranger_gives_way_when_others_wait),
        PORT (as_many_as_have_room_keep_their_time),
    };

    return cmocka_run_group_tests (tests, port_start_munged, port_stop_munged);
}
