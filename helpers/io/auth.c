/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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

/* The claim as text: the payload, compared as a whole. */
static char *state_claim (const struct aw_auth_claim *claim)
{
    char *text;

    if (asprintf (&text, "async-workflow 1\nfrom %s\njob %s\nverifier %s\nprover %s\n",
                  claim->direction == AW_AUTH_FROM_AGENT ? "agent" : "coordinator", claim->job,
                  claim->verifier_nonce, claim->prover_nonce)
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
            err, "the credential was not made for this connection: another job, another moment "
                 "or the other direction");
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
