/* SPDX-License-Identifier: Apache-2.0 */
/* The port to which agents connect: the coordinator's, or that of an agent which gives copies. A
 * connection gets a nonce, and has 2 s and 4 KiB to answer with a credential; only one that proves
 * to be of our user and job is handed on. At most 128 are being authenticated at a time; while more
 * wait, one that has sent nothing for 0.2 s is closed.
 */
#ifndef AW_IO_WIRE_LISTENER_H
#define AW_IO_WIRE_LISTENER_H

#include <stdint.h>

#include "util/error.h"

struct event_base;
struct aw_listener;

/* FD is connected and authenticated; the callee owns it. */
typedef void (*aw_listener_accepted) (void *arg, int fd);

/* Listens on all addresses, on one port of FIRST..LAST (0, 0: any). BASE and JOB are borrowed. NULL
 * with text.
 */
struct aw_listener *aw_listener_create (struct event_base *base,
                                        const char *job,
                                        uint16_t first,
                                        uint16_t last,
                                        aw_listener_accepted accepted,
                                        void *arg,
                                        struct aw_error *err);

uint16_t aw_listener_port (const struct aw_listener *listener);

/* The number of rejected connections, and the reason for the last (borrowed; "" for none). For the
 * message when agents are missing. */
uint32_t aw_listener_refused (const struct aw_listener *listener, const char **why);

/* Closes the port and connections that are not authenticated. Takes NULL, keeps errno. Not from
 * inside `accepted`. */
void aw_listener_destroy (struct aw_listener *listener);

#endif /* AW_IO_WIRE_LISTENER_H */
