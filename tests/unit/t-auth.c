/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials, and the port as agents find it. With a munged of the test's own. */
#include "config.h"

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
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>
#include <munge.h>

#include "io/wire/listener.h"
#include "io/wire/auth.h"
#include "io/wire/frame.h"
#include "rig.h"
#include "util/descriptors.h"
#include "port.h"

static bool has_accepted_more (struct rig *r, void *than)
{
    (void)r;
    return port_n_accepted > *(int *)than;
}

static bool cannot_accept (struct rig *r, void *arg)
{
    const char *why;

    (void)r;
    (void)arg;
    aw_listener_refused (port_listener, &why);
    return strstr (why, "accept: ") != NULL;
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
    if (!port_with_munge)
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
    if (!port_with_munge)
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
    uint16_t port = aw_listener_port (port_listener);

    (void)state;
    assert_true (port > 0);
    assert_null (aw_listener_create (port_rig.base, "123", port, port, port_on_accepted, NULL,
                                     &err)); /* in use */
    assert_non_null (strstr (err.text, "Address already in use"));
    assert_null (
        aw_listener_create (port_rig.base, "123", 61010, 61000, port_on_accepted, NULL, &err));
    other = aw_listener_create (port_rig.base, "123", port, (uint16_t)(port + 20), port_on_accepted,
                                NULL, &err);
    if (!other)
        fail_msg ("%s", err.text);
    assert_true (aw_listener_port (other) > port && aw_listener_port (other) <= port + 20);
    aw_listener_destroy (other);
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
    if (!port_with_munge) {
        aw_frame_reader_destroy (reader);
        skip ();
    }
    fd = port_knock ();
    port_place_of (fd, place);
    aw_auth_nonce (own, NULL);
    port_read_challenge (fd, nonce);
    port_send_proof (fd, &ours);
    rig_until (&port_rig, port_has_accepted, NULL);
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
    int fd = port_knock ();

    port_place_of (fd, place);
    aw_auth_nonce (own, NULL);
    port_read_challenge (fd, nonce);
    port_send_proof (fd, &ours);
    rig_until (&port_rig, has_accepted_more, &n);
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
    if (!port_with_munge || before.rlim_max < 2 * N_AGENTS + 100)
        skip ();
    low = before;
    low.rlim_cur = 256;
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &low), 0);
    aw_descriptors_raise ();
    for (int i = 0; i < N_AGENTS; i++) {
        agents[i] = come_in (i);
        accepted[i] = port_accepted_fd;
    }
    late = port_knock ();
    limit = before;
    limit.rlim_cur = (rlim_t)late + 1;
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &limit), 0);
    rig_until (&port_rig, cannot_accept, NULL);
    cpu = cpu_seconds ();
    event_base_loopexit (port_rig.base, &half);
    event_base_dispatch (port_rig.base);
    assert_true (cpu_seconds () - cpu < 0.2);
    assert_int_equal (aw_listener_refused (port_listener, &why), 0);
    aw_descriptors_raise ();
    close (late);
    port_accepted_fd = -1;
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

    if (!port_with_munge)
        skip ();
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        int fd = port_knock ();

        port_place_of (fd, place);
        aw_auth_nonce (own, NULL);
        aw_auth_nonce (old, NULL);
        port_read_challenge (fd, nonce);
        port_send_proof (fd, &table[i]);
        port_expect_silence (fd, "not made for this connection");
        port_close (state);
        port_open (state);
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
    if (!port_with_munge)
        skip ();
    fd = port_knock ();
    port_place_of (fd, place);
    port_read_challenge (fd, nonce);
    port_send_proof (fd, &coordinator);
    port_expect_silence (fd, "not made for this connection");
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
    if (!port_with_munge || access ("/proc/thread-self/children", F_OK) < 0)
        skip ();
    fd = port_knock (); /* it starts with the first proof */
    port_place_of (fd, place);
    aw_auth_nonce (own, NULL);
    port_read_challenge (fd, nonce);
    port_send_proof (fd, &ours);
    rig_until (&port_rig, has_started, &none);
    rig_until (&port_rig, port_has_accepted, NULL);
    close (fd);
    port_n_accepted = 0;
    helper = find_helper ();
    assert_int_equal (kill (helper, SIGSTOP), 0); /* as if munged did not answer */
    stuck = port_knock ();
    port_place_of (stuck, place);
    aw_auth_nonce (own, NULL);
    port_read_challenge (stuck, nonce);
    port_send_proof (stuck, &ours);
    fd = port_knock (); /* others are still greeted */
    port_read_challenge (fd, nonce);
    assert_int_equal (port_n_accepted, 0);
    assert_int_equal (kill (helper, SIGKILL), 0);
    rig_until (&port_rig, port_has_refused, &one);
    port_place_of (fd, place);
    aw_auth_nonce (own, NULL);
    port_send_proof (fd, &ours);
    rig_until (&port_rig, port_has_accepted, NULL);
    assert_int_not_equal (find_helper (), helper);
    close (fd);
    close (stuck);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (without_munge_nobody_is_let_in),
        cmocka_unit_test (no_nonce_comes_twice),
        cmocka_unit_test (bad_credentials_are_refused),
        cmocka_unit_test (a_credential_claims_what_was_put_into_it),
        PORT (only_ports_of_the_range_are_used),
        PORT (bad_proofs_are_refused),
        PORT (our_own_proof_sent_back_is_refused),
        PORT (a_good_proof_is_accepted),
        PORT (there_are_descriptors_for_large_pools),
        PORT (a_helper_that_dies_is_replaced),
    };

    return cmocka_run_group_tests (tests, port_start_munged, port_stop_munged);
}
