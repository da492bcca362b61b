/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "io/wire/listener.h"
#include "io/wire/auth.h"
#include "io/wire/frame.h"
#include "rig.h"
#include "port.h"

struct rig port_rig;

bool port_with_munge;

struct aw_listener *port_listener;

int port_accepted_fd;

int port_n_accepted;

int port_start_munged (void **state)
{
    (void)state;
    rig_init (&port_rig);
    port_with_munge = rig_munged_start (&port_rig);
    return 0;
}

int port_stop_munged (void **state)
{
    (void)state;
    rig_munged_stop ();
    rig_finish (&port_rig);
    return 0;
}

void port_on_accepted (void *arg, int fd)
{
    (void)arg;
    port_accepted_fd = fd;
    port_n_accepted++;
}

int port_open (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    port_n_accepted = 0;
    port_accepted_fd = -1;
    port_listener = aw_listener_create (port_rig.base, "123", 0, 0, port_on_accepted, NULL, &err);
    if (!port_listener)
        fail_msg ("%s", err.text);
    return 0;
}

int port_close (void **state)
{
    (void)state;
    aw_listener_destroy (port_listener);
    aw_listener_destroy (NULL);
    if (port_accepted_fd >= 0)
        close (port_accepted_fd);
    return 0;
}

int port_knock (void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons (aw_listener_port (port_listener));
    assert_true (fd >= 0);
    assert_int_equal (connect (fd, (struct sockaddr *)&address, sizeof (address)), 0);
    return fd;
}

void port_place_of (int fd, char place[AW_PLACE_SIZE])
{
    assert_int_equal (aw_auth_place (fd, AW_AUTH_CONNECTED, place, NULL), 0);
}

static bool is_readable (struct rig *r, void *arg)
{
    struct pollfd pfd = { .fd = *(int *)arg, .events = POLLIN };

    (void)r;
    return poll (&pfd, 1, 0) == 1;
}

bool port_has_refused (struct rig *r, void *arg)
{
    const char *why;

    (void)r;
    return aw_listener_refused (port_listener, &why) >= *(uint32_t *)arg;
}

bool port_has_accepted (struct rig *r, void *arg)
{
    (void)r;
    (void)arg;
    return port_n_accepted > 0;
}

void port_read_challenge (int fd, char nonce[AW_NONCE_SIZE])
{
    char line[256] = "";
    ssize_t n;

    rig_until (&port_rig, is_readable, &fd);
    n = recv (fd, line, sizeof (line) - 1, 0);
    assert_int_equal (n, (ssize_t)strlen ("{\"challenge\":\"\"}\n") + AW_NONCE_SIZE - 1);
    memcpy (nonce, line + strlen ("{\"challenge\":\""), AW_NONCE_SIZE - 1);
    nonce[AW_NONCE_SIZE - 1] = '\0';
}

void port_expect_silence (int fd, const char *why)
{
    uint32_t one = 1;
    const char *text;
    char rest[64];

    rig_until (&port_rig, port_has_refused, &one);
    aw_listener_refused (port_listener, &text);
    if (!strstr (text, why))
        fail_msg ("refused since \"%s\", not \"%s\"", text, why);
    assert_true (recv (fd, rest, sizeof (rest), 0)
                 <= 0); /* the end, or a reset where it had not read all */
    assert_int_equal (port_n_accepted, 0);
    close (fd);
}

void port_send_proof (int fd, const struct aw_auth_claim *claim)
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
