/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials, and the port as strangers find it. With a munged of the test's own. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>
#include <munge.h>

#include "io/wire/listener.h"
#include "io/wire/auth.h"
#include "io/wire/frame.h"
#include "rig.h"
#include "util/clock.h"
#include "util/descriptors.h"

static struct rig rig;
static bool with_munge;
static struct aw_listener *listener;
static int accepted_fd;
static int n_accepted;

static int start_munged (void **state)
{
    (void)state;
    rig_init (&rig);
    with_munge = rig_munged_start (&rig);
    return 0;
}

static int stop_munged (void **state)
{
    (void)state;
    rig_munged_stop ();
    rig_finish (&rig);
    return 0;
}

static void on_accepted (void *arg, int fd)
{
    (void)arg;
    accepted_fd = fd;
    n_accepted++;
}

static int open_port (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    n_accepted = 0;
    accepted_fd = -1;
    listener = aw_listener_create (rig.base, "123", 0, 0, on_accepted, NULL, &err);
    if (!listener)
        fail_msg ("%s", err.text);
    return 0;
}

static int close_port (void **state)
{
    (void)state;
    aw_listener_destroy (listener);
    aw_listener_destroy (NULL);
    if (accepted_fd >= 0)
        close (accepted_fd);
    return 0;
}

static int knock (void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons (aw_listener_port (listener));
    assert_true (fd >= 0);
    assert_int_equal (connect (fd, (struct sockaddr *)&address, sizeof (address)), 0);
    return fd;
}

static void find_place (int fd, char place[AW_PLACE_SIZE])
{
    assert_int_equal (aw_auth_place (fd, AW_AUTH_CONNECTED, place, NULL), 0);
}

static bool is_readable (struct rig *r, void *arg)
{
    struct pollfd pfd = { .fd = *(int *)arg, .events = POLLIN };

    (void)r;
    return poll (&pfd, 1, 0) == 1;
}

static bool has_refused (struct rig *r, void *arg)
{
    const char *why;

    (void)r;
    return aw_listener_refused (listener, &why) >= *(uint32_t *)arg;
}

static bool has_accepted (struct rig *r, void *arg)
{
    (void)r;
    (void)arg;
    return n_accepted > 0;
}

static bool has_accepted_more (struct rig *r, void *than)
{
    (void)r;
    return n_accepted > *(int *)than;
}

static bool cannot_accept (struct rig *r, void *arg)
{
    const char *why;

    (void)r;
    (void)arg;
    aw_listener_refused (listener, &why);
    return strstr (why, "accept: ") != NULL;
}

/* The nonce that the port greets with. */
static void read_challenge (int fd, char nonce[AW_NONCE_SIZE])
{
    char line[256] = "";
    ssize_t n;

    rig_until (&rig, is_readable, &fd);
    n = recv (fd, line, sizeof (line) - 1, 0);
    assert_int_equal (n, (ssize_t)strlen ("{\"challenge\":\"\"}\n") + AW_NONCE_SIZE - 1);
    memcpy (nonce, line + strlen ("{\"challenge\":\""), AW_NONCE_SIZE - 1);
    nonce[AW_NONCE_SIZE - 1] = '\0';
}

/* The port closes without having said another word. */
static void expect_silence (int fd, const char *why)
{
    uint32_t one = 1;
    const char *text;
    char rest[64];

    rig_until (&rig, has_refused, &one);
    aw_listener_refused (listener, &text);
    if (!strstr (text, why))
        fail_msg ("refused since \"%s\", not \"%s\"", text, why);
    assert_true (recv (fd, rest, sizeof (rest), 0)
                 <= 0); /* the end, or a reset where it had not read all */
    assert_int_equal (n_accepted, 0);
    close (fd);
}

static void a_credential_claims_what_was_put_into_it (void **state)
{
    static const struct aw_auth_claim good = { AW_AUTH_FROM_AGENT, "123", "here",
                                               "nonce of the one", "nonce of the other" };
    static const struct aw_auth_claim others[] = {
        { AW_AUTH_FROM_COORDINATOR, "123", "here", "nonce of the one",
          "nonce of the other" }, /* the other direction */
        { AW_AUTH_FROM_AGENT, "124", "here", "nonce of the one",
          "nonce of the other" }, /* another job */
        { AW_AUTH_FROM_AGENT, "", "here", "nonce of the one", "nonce of the other" },
        { AW_AUTH_FROM_AGENT, "123", "here", "nonce of the two",
          "nonce of the other" }, /* another connection */
        { AW_AUTH_FROM_AGENT, "123", "here", "nonce of the one", "nonce of the author" },
        { AW_AUTH_FROM_AGENT, "123", "here", "nonce of the other", "nonce of the one" },
        { AW_AUTH_FROM_AGENT, "123", "there", "nonce of the one", "nonce of the other" },
    };
    struct aw_error err = { "" };
    char *credential;

    (void)state;
    if (!with_munge)
        skip ();
    credential = aw_auth_prove (&good, &err);
    assert_non_null (credential);
    assert_int_equal (aw_auth_check (credential, &good, &err), 0);
    assert_int_equal (aw_auth_check (credential, &good, &err),
                      -1); /* munged decodes a credential once */
    assert_non_null (strstr (err.text, "munge: "));
    free (credential);
    for (size_t i = 0; i < sizeof (others) / sizeof (others[0]); i++) {
        credential = aw_auth_prove (&others[i], &err);
        assert_non_null (credential);
        assert_int_equal (aw_auth_check (credential, &good, &err), -1);
        assert_non_null (strstr (err.text, "not made for this connection"));
        free (credential);
    }
}

static void bad_credentials_are_refused (void **state)
{
    static const char *const table[] = { "",           "x", "MUNGE:", "MUNGE::", "MUNGE:AwQDAAC=:",
                                         "MUNGE:%%%%:" };
    static const struct aw_auth_claim claim = { AW_AUTH_FROM_AGENT, "1", "here", "a", "b" };
    struct aw_error err;
    munge_ctx_t ctx;
    char *credential;

    (void)state;
    if (!with_munge)
        skip ();
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        assert_int_equal (aw_auth_check (table[i], &claim, &err), -1);
    /* A genuine one that states nothing, or something else. */
    ctx = munge_ctx_create ();
    assert_int_equal (munge_ctx_set (ctx, MUNGE_OPT_SOCKET, getenv ("ASYNC_WORKFLOW_MUNGE_SOCKET")),
                      EMUNGE_SUCCESS);
    assert_int_equal (munge_encode (&credential, ctx, NULL, 0), EMUNGE_SUCCESS);
    assert_int_equal (aw_auth_check (credential, &claim, &err), -1);
    free (credential);
    assert_int_equal (munge_encode (&credential, ctx, "hello", 5), EMUNGE_SUCCESS);
    assert_int_equal (aw_auth_check (credential, &claim, &err), -1);
    free (credential);
    /* Restricted to another user. */
    munge_ctx_set (ctx, MUNGE_OPT_UID_RESTRICTION, geteuid () + 1);
    assert_int_equal (munge_encode (&credential, ctx, "hello", 5), EMUNGE_SUCCESS);
    assert_int_equal (aw_auth_check (credential, &claim, &err), -1);
    free (credential);
    munge_ctx_destroy (ctx);
}

static void without_munge_nobody_is_let_in (void **state)
{
    static const struct aw_auth_claim claim = { AW_AUTH_FROM_AGENT, "1", "here", "a", "b" };
    char *was = getenv ("ASYNC_WORKFLOW_MUNGE_SOCKET");
    char *saved = was ? strdup (was) : NULL;
    struct aw_error err = { "" };

    (void)state;
    setenv ("ASYNC_WORKFLOW_MUNGE_SOCKET", "/no/such/socket", 1);
    assert_null (aw_auth_prove (&claim, &err));
    assert_non_null (strstr (err.text, "munge: "));
    assert_int_equal (aw_auth_check ("MUNGE:x:", &claim, &err), -1);
    if (saved)
        setenv ("ASYNC_WORKFLOW_MUNGE_SOCKET", saved, 1);
    else
        unsetenv ("ASYNC_WORKFLOW_MUNGE_SOCKET");
    free (saved);
}

static void no_nonce_comes_twice (void **state)
{
    char a[AW_NONCE_SIZE], b[AW_NONCE_SIZE];

    (void)state;
    assert_int_equal (aw_auth_nonce (a, NULL), 0);
    assert_int_equal (aw_auth_nonce (b, NULL), 0);
    assert_int_equal (strlen (a), AW_NONCE_SIZE - 1);
    assert_string_not_equal (a, b);
}

static void only_ports_of_the_range_are_used (void **state)
{
    struct aw_error err = { "" };
    struct aw_listener *other;
    uint16_t port = aw_listener_port (listener);

    (void)state;
    assert_true (port > 0);
    assert_null (
        aw_listener_create (rig.base, "123", port, port, on_accepted, NULL, &err)); /* in use */
    assert_non_null (strstr (err.text, "Address already in use"));
    assert_null (aw_listener_create (rig.base, "123", 61010, 61000, on_accepted, NULL, &err));
    other =
        aw_listener_create (rig.base, "123", port, (uint16_t)(port + 20), on_accepted, NULL, &err);
    if (!other)
        fail_msg ("%s", err.text);
    assert_true (aw_listener_port (other) > port && aw_listener_port (other) <= port + 20);
    aw_listener_destroy (other);
}

/* What a stranger says, and why it is turned away. */
static void garbage_is_refused (void **state)
{
    static const char *const table[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "\n",
        "{}\n",
        "{\"hello\":1,\"node\":\"n1\",\"cpus\":\"0\",\"gpus\":\"\",\"mem\":0}\n",
        "{\"finish\":1}\n",
        "{\"proof\":\"MUNGE:x:\"}\n", /* no nonce */
        "{\"proof\":\"MUNGE:x:\",\"nonce\":\"short\"}\n",
        "{\"proof\":\"MUNGE:x:\"}\n{\"hello\":1}\n", /* more than was asked for */
    };

    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char nonce[AW_NONCE_SIZE];
        int fd = knock ();

        read_challenge (fd, nonce);
        assert_int_equal (send (fd, table[i], strlen (table[i]), MSG_NOSIGNAL),
                          (ssize_t)strlen (table[i]));
        expect_silence (fd, "does not speak the agents' protocol");
        close_port (state);
        open_port (state);
    }
}

static void who_says_too_much_is_refused (void **state)
{
    char nonce[AW_NONCE_SIZE];
    char much[2 * AW_FRAME_MAX_STRANGER];
    int fd = knock ();

    (void)state;
    memset (much, 'x', sizeof (much));
    read_challenge (fd, nonce);
    (void)!send (fd, much, sizeof (much), MSG_NOSIGNAL);
    expect_silence (fd, "does not speak the agents' protocol");
}

/* It neither says nothing for ever, nor a byte now and then. */
static void who_is_too_slow_is_refused (void **state)
{
    double start = aw_clock_monotonic ();
    char nonce[AW_NONCE_SIZE];
    int silent = knock ();
    int slow = knock ();
    uint32_t both = 2;

    (void)state;
    read_challenge (silent, nonce);
    read_challenge (slow, nonce);
    while (aw_clock_monotonic () - start < 1.5) {
        (void)!send (slow, "x", 1, MSG_NOSIGNAL);
        event_base_loop (rig.base, EVLOOP_NONBLOCK);
        usleep (100000);
    }
    assert_false (has_refused (&rig, &both));
    rig_until (&rig, has_refused, &both);
    assert_true (aw_clock_monotonic () - start >= 1.98); /* libevent's clock is a coarse one */
    assert_int_equal (recv (silent, nonce, 1, 0), 0);
    close (silent);
    expect_silence (slow, "in time");
}

static void who_hangs_up_is_forgotten (void **state)
{
    char nonce[AW_NONCE_SIZE];
    int fd = knock ();
    uint32_t one = 1;

    (void)state;
    read_challenge (fd, nonce);
    close (fd);
    rig_until (&rig, has_refused, &one);
}

/* Sends a proof of CLAIM on FD, made by a process that shares our munged. */
static void send_proof (int fd, const struct aw_auth_claim *claim)
{
    struct aw_error err = { "" };
    struct aw_textbuf text = { 0 };
    char *credential = aw_auth_prove (claim, &err);

    if (!credential)
        fail_msg ("%s", err.text);
    assert_int_equal (aw_frame_put (&text,
                                    &(struct aw_frame){ .type = AW_FRAME_PROOF,
                                                        .credential = credential,
                                                        .nonce = claim->prover_nonce },
                                    &err),
                      0);
    assert_true (text.len < AW_FRAME_MAX_STRANGER);
    assert_int_equal (send (fd, text.data, text.len, MSG_NOSIGNAL), (ssize_t)text.len);
    aw_textbuf_finish (&text);
    free (credential);
}

static void a_good_proof_is_accepted (void **state)
{
    char place[AW_PLACE_SIZE], nonce[AW_NONCE_SIZE], own[AW_NONCE_SIZE];
    struct aw_auth_claim ours = { AW_AUTH_FROM_AGENT, "123", place, nonce, own };
    struct aw_auth_claim theirs = { AW_AUTH_FROM_COORDINATOR, "123", place, own, nonce };
    struct aw_frame_reader *reader = aw_frame_reader_create ();
    struct aw_error err = { "" };
    struct aw_frame frame;
    char line[AW_FRAME_MAX_STRANGER];
    ssize_t n;
    int fd;

    (void)state;
    if (!with_munge) {
        aw_frame_reader_destroy (reader);
        skip ();
    }
    fd = knock ();
    find_place (fd, place);
    aw_auth_nonce (own, NULL);
    read_challenge (fd, nonce);
    send_proof (fd, &ours);
    rig_until (&rig, has_accepted, NULL);
    n = recv (fd, line, sizeof (line), 0);
    assert_true (n > 0 && line[n - 1] == '\n');
    assert_int_equal (aw_frame_read (reader, line, (size_t)n - 1, &frame, &err), 0);
    assert_int_equal (frame.type, AW_FRAME_PROOF);
    if (aw_auth_check (frame.credential, &theirs, &err) < 0)
        fail_msg ("%s", err.text);
    aw_frame_reader_destroy (reader);
    close (fd);
}

/* An agent that has proved itself; the port has N others. */
static int come_in (int n)
{
    char place[AW_PLACE_SIZE], nonce[AW_NONCE_SIZE], own[AW_NONCE_SIZE];
    const struct aw_auth_claim ours = { AW_AUTH_FROM_AGENT, "123", place, nonce, own };
    int fd = knock ();

    find_place (fd, place);
    aw_auth_nonce (own, NULL);
    read_challenge (fd, nonce);
    send_proof (fd, &ours);
    rig_until (&rig, has_accepted_more, &n);
    return fd;
}

static double cpu_seconds (void)
{
    return (double)clock () / CLOCKS_PER_SEC;
}

/* A pool of 1,500 nodes, with the usual soft limit lowered further; and one more agent that finds
 * no descriptor: it waits, costs nothing meanwhile, and comes in later.
 */
static void there_are_descriptors_for_large_pools (void **state)
{
    enum { N_AGENTS = 1500 };
    static int agents[N_AGENTS], accepted[N_AGENTS];
    const struct timeval half = { 0, 500000 };
    struct rlimit before, limit, low;
    const char *why;
    double cpu;
    int late;

    (void)state;
    assert_int_equal (getrlimit (RLIMIT_NOFILE, &before), 0);
    if (!with_munge || before.rlim_max < 2 * N_AGENTS + 100)
        skip ();
    low = before;
    low.rlim_cur = 256;
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &low), 0);
    aw_descriptors_raise ();
    for (int i = 0; i < N_AGENTS; i++) {
        agents[i] = come_in (i);
        accepted[i] = accepted_fd;
    }
    late = knock ();
    limit = before;
    limit.rlim_cur = (rlim_t)late + 1;
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &limit), 0);
    rig_until (&rig, cannot_accept, NULL);
    cpu = cpu_seconds ();
    event_base_loopexit (rig.base, &half);
    event_base_dispatch (rig.base);
    assert_true (cpu_seconds () - cpu < 0.2);
    assert_int_equal (aw_listener_refused (listener, &why), 0);
    aw_descriptors_raise ();
    close (late);
    accepted_fd = -1;
    close (come_in (N_AGENTS));
    assert_true (aw_descriptors_restore ());
    assert_int_equal (getrlimit (RLIMIT_NOFILE, &limit), 0);
    assert_int_equal (limit.rlim_cur, 256);
    setrlimit (RLIMIT_NOFILE, &before);
    for (int i = 0; i < N_AGENTS; i++) {
        close (agents[i]);
        close (accepted[i]);
    }
}

static void bad_proofs_are_refused (void **state)
{
    char place[AW_PLACE_SIZE], nonce[AW_NONCE_SIZE], own[AW_NONCE_SIZE], old[AW_NONCE_SIZE];
    static const char elsewhere[] = "192.0.2.1 port 1";
    const struct aw_auth_claim table[] = {
        { AW_AUTH_FROM_AGENT, "123", place, old, own }, /* the nonce of another connection */
        { AW_AUTH_FROM_COORDINATOR, "123", place, nonce,
          own }, /* what a coordinator would say, sent back */
        { AW_AUTH_FROM_AGENT, "124", place, nonce, own }, /* another job */
        { AW_AUTH_FROM_AGENT, "", place, nonce, own },
        { AW_AUTH_FROM_AGENT, "123", elsewhere, nonce, own }, /* what came in by another address */
    };

    if (!with_munge)
        skip ();
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        int fd = knock ();

        find_place (fd, place);
        aw_auth_nonce (own, NULL);
        aw_auth_nonce (old, NULL);
        read_challenge (fd, nonce);
        send_proof (fd, &table[i]);
        expect_silence (fd, "not made for this connection");
        close_port (state);
        open_port (state);
    }
}

/* A coordinator's own proof played back to a coordinator that waits for an agent's: two ports, one
 * in the middle.
 */
static void our_own_proof_sent_back_is_refused (void **state)
{
    char place[AW_PLACE_SIZE], nonce[AW_NONCE_SIZE];
    struct aw_auth_claim coordinator = { AW_AUTH_FROM_COORDINATOR, "123", place, nonce, nonce };
    int fd;

    (void)state;
    if (!with_munge)
        skip ();
    fd = knock ();
    find_place (fd, place);
    read_challenge (fd, nonce);
    send_proof (fd, &coordinator);
    expect_silence (fd, "not made for this connection");
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
        fds[i] = knock ();
    rig_until (&rig, has_refused, &many);
    assert_true (aw_clock_monotonic () - start < 1.9);
    aw_listener_refused (listener, &why);
    assert_non_null (strstr (why, "while others waited"));
    assert_int_equal (n_accepted, 0);
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
        fds[i] = knock ();
    rig_until (&rig, has_refused, &all);
    assert_true (aw_clock_monotonic () - start > 1.9);
    aw_listener_refused (listener, &why);
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
    if (!with_munge)
        skip ();
    for (int i = 0; i < 200; i++)
        fds[i] = knock ();
    fd = knock ();
    find_place (fd, place);
    aw_auth_nonce (own, NULL);
    read_challenge (fd, nonce);
    send_proof (fd, &ours);
    rig_until (&rig, has_accepted, NULL);
    close (fd);
    for (int i = 0; i < 200; i++)
        close (fds[i]);
}

/* The child of ours that asks munge. */
static pid_t find_helper (void)
{
    char path[64], text[64] = "";
    pid_t pid = 0;
    FILE *list;

    snprintf (path, sizeof (path), "/proc/self/task/%d/children", (int)getpid ());
    list = fopen (path, "re");
    while (list && fscanf (list, "%d", &pid) == 1) {
        FILE *comm;

        snprintf (path, sizeof (path), "/proc/%d/comm", (int)pid);
        comm = fopen (path, "re");
        if (comm && fgets (text, sizeof (text), comm) && strcmp (text, "aw-auth\n") == 0) {
            fclose (comm);
            fclose (list);
            return pid;
        }
        if (comm)
            fclose (comm);
    }
    if (list)
        fclose (list);
    return 0;
}

static bool has_started (struct rig *r, void *arg)
{
    (void)r;
    return find_helper () != *(pid_t *)arg;
}

/* The process that asks munge is killed, or hangs in munge: who asked meanwhile is turned away, the
 * loop goes on, and later agents get in.
 */
static void a_helper_that_dies_is_replaced (void **state)
{
    char place[AW_PLACE_SIZE], nonce[AW_NONCE_SIZE], own[AW_NONCE_SIZE];
    const struct aw_auth_claim ours = { AW_AUTH_FROM_AGENT, "123", place, nonce, own };
    pid_t none = 0, helper;
    uint32_t one = 1;
    int stuck, fd;

    (void)state;
    if (!with_munge || access ("/proc/thread-self/children", F_OK) < 0)
        skip ();
    fd = knock (); /* it starts with the first proof */
    find_place (fd, place);
    aw_auth_nonce (own, NULL);
    read_challenge (fd, nonce);
    send_proof (fd, &ours);
    rig_until (&rig, has_started, &none);
    rig_until (&rig, has_accepted, NULL);
    close (fd);
    n_accepted = 0;
    helper = find_helper ();
    assert_int_equal (kill (helper, SIGSTOP), 0); /* as if munged did not answer */
    stuck = knock ();
    find_place (stuck, place);
    aw_auth_nonce (own, NULL);
    read_challenge (stuck, nonce);
    send_proof (stuck, &ours);
    fd = knock (); /* others are still greeted */
    read_challenge (fd, nonce);
    assert_int_equal (n_accepted, 0);
    assert_int_equal (kill (helper, SIGKILL), 0);
    rig_until (&rig, has_refused, &one);
    find_place (fd, place);
    aw_auth_nonce (own, NULL);
    send_proof (fd, &ours);
    rig_until (&rig, has_accepted, NULL);
    assert_int_not_equal (find_helper (), helper);
    close (fd);
    close (stuck);
}

#define PORT(name) cmocka_unit_test_setup_teardown (name, open_port, close_port)

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (without_munge_nobody_is_let_in),
        cmocka_unit_test (no_nonce_comes_twice),
        cmocka_unit_test (bad_credentials_are_refused),
        cmocka_unit_test (a_credential_claims_what_was_put_into_it),
        cmocka_unit_test (strangers_have_few_places),
        PORT (only_ports_of_the_range_are_used),
        PORT (garbage_is_refused),
        PORT (who_says_too_much_is_refused),
        PORT (who_is_too_slow_is_refused),
        PORT (who_hangs_up_is_forgotten),
        PORT (bad_proofs_are_refused),
        PORT (our_own_proof_sent_back_is_refused),
        PORT (a_good_proof_is_accepted),
        PORT (agents_come_in_through_a_crowd_of_strangers),
        PORT (a_silent_stranger_gives_way_when_others_wait),
        PORT (as_many_as_have_room_keep_their_time),
        PORT (there_are_descriptors_for_large_pools),
        PORT (a_helper_that_dies_is_replaced),
    };

    return cmocka_run_group_tests (tests, start_munged, stop_munged);
}
