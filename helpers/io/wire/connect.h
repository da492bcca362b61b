/* SPDX-License-Identifier: Apache-2.0 */
/* Connects to the coordinator, or to another agent; both sides prove who they are. Blocking: the
 * agent has nothing else to do yet.
 */
#ifndef AW_IO_WIRE_CONNECT_H
#define AW_IO_WIRE_CONNECT_H

#include <stdint.h>

#include "util/error.h"

/* Tries each of HOSTS (comma-separated names or addresses) for SECONDS until one is the coordinator
 * of JOB. Returns a connected socket, or -1 with the text of the last try.
 */
int aw_connect (
    const char *hosts, uint16_t port, const char *job, double seconds, struct aw_error *err);

/* Tries one HOST, the coordinator or another agent that gives copies: once, and again where one of
 * both seems to be too busy to prove in time who it is.
 */
int aw_connect_once (
    const char *host, uint16_t port, const char *job, double seconds, struct aw_error *err);

#endif /* AW_IO_WIRE_CONNECT_H */
