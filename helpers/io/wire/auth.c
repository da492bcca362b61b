/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/wire/auth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <munge.h>

int aw_auth_nonce (char nonce[AW_NONCE_SIZE], struct aw_error *err)
{
    unsigned char bytes[(AW_NONCE_SIZE - 1) / 2];

    /* Up to 256 bytes come whole and uninterrupted (getrandom(2)). */
    if (getrandom (bytes, sizeof (bytes), 0) != (ssize_t)sizeof (bytes))
        return aw_error_set (err, "getrandom: %s", strerror (errno));
    for (size_t i = 0; i < sizeof (bytes); i++)
        snprintf (nonce + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* ADDRESS as text and its port; an IPv4 address in IPv6's clothes is one of IPv4. */
static int spell (const struct sockaddr_storage *address,
                  char text[INET6_ADDRSTRLEN],
                  uint16_t *port)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    bool mapped = address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED (&in6->sin6_addr);
    const void *from = address->ss_family == AF_INET ? (const void *)&in->sin_addr
                       : mapped                      ? (const void *)&in6->sin6_addr.s6_addr[12]
                                                     : (const void *)&in6->sin6_addr;

    if (address->ss_family != AF_INET && address->ss_family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    *port = ntohs (address->ss_family == AF_INET ? in->sin_port : in6->sin6_port);
    return inet_ntop (address->ss_family == AF_INET || mapped ? AF_INET : AF_INET6, from, text,
                      INET6_ADDRSTRLEN)
               ? 0
               : -1;
}

/* What tells this machine, since its start, from all others (random(4)). "" where it cannot be
 * read: then the address alone counts.
 */
static void read_boot_id (char id[40])
{
    int fd = open ("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read (fd, id, 36);

    id[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close (fd);
}

int aw_auth_place (int fd, enum aw_auth_end end, char place[AW_PLACE_SIZE], struct aw_error *err)
{
    struct sockaddr_storage own = { 0 }, peer = { 0 };
    socklen_t own_size = sizeof (own), peer_size = sizeof (peer);
    char own_text[INET6_ADDRSTRLEN], peer_text[INET6_ADDRSTRLEN], machine[40] = "";
    uint16_t own_port, peer_port;

    if (getsockname (fd, (struct sockaddr *)&own, &own_size) < 0
        || getpeername (fd, (struct sockaddr *)&peer, &peer_size) < 0
        || spell (&own, own_text, &own_port) < 0 || spell (&peer, peer_text, &peer_port) < 0)
        return aw_error_set (err, "the connection's address: %s", strerror (errno));
    if (strcmp (own_text, peer_text) == 0)
        read_boot_id (machine);
    snprintf (
        place, AW_PLACE_SIZE, "%s port %u%s%s", end == AW_AUTH_ACCEPTED ? own_text : peer_text,
        end == AW_AUTH_ACCEPTED ? own_port : peer_port, machine[0] ? " machine " : "", machine);
    return 0;
}

/* The claim as text: the payload, compared as a whole. */
static char *state_claim (const struct aw_auth_claim *claim)
{
    char *text;

    if (asprintf (&text, "async-workflow 1\nfrom %s\njob %s\nat %s\nverifier %s\nprover %s\n",
                  claim->direction == AW_AUTH_FROM_AGENT ? "agent" : "coordinator", claim->job,
                  claim->place, claim->verifier_nonce, claim->prover_nonce)
        < 0)
        return NULL;
    return text;
}

static munge_ctx_t open_context (struct aw_error *err)
{
    const char *path = getenv (AW_AUTH_SOCKET);
    munge_ctx_t ctx = munge_ctx_create ();

    if (!ctx) {
        aw_error_set (err, "munge: out of memory");
        return NULL;
    }
    if (path && *path && munge_ctx_set (ctx, MUNGE_OPT_SOCKET, path) != EMUNGE_SUCCESS) {
        aw_error_set (err, "munge: %s", munge_ctx_strerror (ctx));
        munge_ctx_destroy (ctx);
        return NULL;
    }
    return ctx;
}

static int munge_error (munge_ctx_t ctx, munge_err_t rc, struct aw_error *err)
{
    const char *detail = munge_ctx_strerror (ctx);

    return aw_error_set (err, "munge: %s", detail ? detail : munge_strerror (rc));
}

char *aw_auth_prove (const struct aw_auth_claim *claim, struct aw_error *err)
{
    munge_ctx_t ctx = open_context (err);
    char *credential = NULL;
    char *text = NULL;
    munge_err_t rc;

    if (!ctx)
        return NULL;
    text = state_claim (claim);
    if (!text)
        aw_error_set (err, "out of memory");
    else if ((rc = munge_ctx_set (ctx, MUNGE_OPT_UID_RESTRICTION, geteuid ())) != EMUNGE_SUCCESS
             || (rc = munge_encode (&credential, ctx, text, (int)strlen (text)))
                    != EMUNGE_SUCCESS) {
        munge_error (ctx, rc, err);
        free (credential);
        credential = NULL;
    }
    free (text);
    munge_ctx_destroy (ctx);
    return credential;
}

static int compare (
    const char *text, const void *payload, int size, uid_t uid, struct aw_error *err)
{
    if (uid != geteuid ())
        return aw_error_set (err, "the credential is of uid %u, not of %u", (unsigned)uid,
                             (unsigned)geteuid ());
    if (!payload || size < 0 || (size_t)size != strlen (text)
        || memcmp (payload, text, (size_t)size) != 0)
        return aw_error_set (
            err, "the credential was not made for this connection: another job, moment or "
                 "place, or the other direction");
    return 0;
}

int aw_auth_check (const char *credential, const struct aw_auth_claim *claim, struct aw_error *err)
{
    munge_ctx_t ctx = open_context (err);
    char *text = NULL;
    void *payload = NULL;
    int size = 0;
    uid_t uid = (uid_t)-1;
    munge_err_t rc;
    int result = -1;

    if (!ctx)
        return -1;
    text = state_claim (claim);
    if (!text)
        aw_error_set (err, "out of memory");
    else if ((rc = munge_decode (credential, ctx, &payload, &size, &uid, NULL)) != EMUNGE_SUCCESS)
        munge_error (ctx, rc, err);
    else
        result = compare (text, payload, size, uid, err);
    free (payload); /* may be there after a failure too (munge.h) */
    free (text);
    munge_ctx_destroy (ctx);
    return result;
}
