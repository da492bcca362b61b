/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks: MUNGE credentials by which agent and coordinator prove to each other that they are
 * the same user. A credential can be decoded by that user alone, and states the direction, the job,
 * the fresh nonces of both ends and where the connection leads: what was recorded elsewhere,
 * earlier or the other way round proves nothing here, and nobody who listens in the coordinator's
 * stead can pass it on. munged's socket: ASYNC_WORKFLOW_MUNGE_SOCKET in the environment, else
 * MUNGE's default.
 *
 * This keeps strangers out. It does not encrypt, nor protect a connection from somebody who can
 * rewrite the packets of the cluster's network; nor does Slurm's own traffic.
 */
#ifndef AW_IO_WIRE_AUTH_H
#define AW_IO_WIRE_AUTH_H

#include "util/error.h"

enum { AW_NONCE_SIZE = 65 }; /* 256 bits as hexadecimal text, with NUL */

#define AW_AUTH_SOCKET "ASYNC_WORKFLOW_MUNGE_SOCKET" /* names munged's socket */

enum aw_auth_direction { AW_AUTH_FROM_AGENT, AW_AUTH_FROM_COORDINATOR };

/* What a credential states. All borrowed. */
struct aw_auth_claim {
    enum aw_auth_direction direction;
    const char *job;
    const char *place; /* aw_auth_place */
    const char *verifier_nonce; /* of the end that is to be convinced */
    const char *prover_nonce;
};

/* Fills NONCE from the kernel's random numbers. 0, or -1 with text. */
int aw_auth_nonce (char nonce[AW_NONCE_SIZE], struct aw_error *err);

enum aw_auth_end { AW_AUTH_CONNECTED, AW_AUTH_ACCEPTED }; /* whose socket it is */
enum { AW_PLACE_SIZE = 128 };

/* Where the connection of socket FD leads, as both ends see it: the accepting end's address and
 * port; where both addresses are the same also the machine, for loopback addresses and those of
 * bridges mean another one on each. Address translation in front of the coordinator makes the ends
 * differ. 0, or -1 with text.
 */
int aw_auth_place (int fd, enum aw_auth_end end, char place[AW_PLACE_SIZE], struct aw_error *err);

/* A credential for CLAIM, for the caller to free; NULL with text. Blocks while munged answers. */
char *aw_auth_prove (const struct aw_auth_claim *claim, struct aw_error *err);

/* Does CREDENTIAL state just CLAIM, and come from this user? 0, or -1 with text. Blocks while
 * munged answers.
 */
int aw_auth_check (const char *credential, const struct aw_auth_claim *claim, struct aw_error *err);

#endif /* AW_IO_WIRE_AUTH_H */
