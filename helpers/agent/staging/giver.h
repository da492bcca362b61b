/* SPDX-License-Identifier: Apache-2.0 */
/* Gives copies that this node has to other nodes. It listens on a port, where each connection has
 * to prove that it is of our user and job, and then sends one TAKE after the other: one file of a
 * copy that was staged in. Where the copy is still made, the agent lets it wait. A file has to have
 * the size and modification time that the other node sees at its source, so a file that a task has
 * changed is not given. The answer is a "." each second until the copy is there, a newline, the
 * content, its CRC-32 in 8 hexadecimal digits, and a newline; or the end of the connection: it is
 * not given. A process of its own sends the content.
 */
#ifndef AW_AGENT_STAGING_GIVER_H
#define AW_AGENT_STAGING_GIVER_H

#include <stdint.h>

#include "agent/staging/stager.h"
#include "util/error.h"

struct aw_giver;

/* Listens on one port of FIRST..LAST (0, 0: any) for agents of JOB. All is borrowed; destroy it
 * before STAGER. NULL with text.
 */
struct aw_giver *aw_giver_create (struct event_base *base,
                                  struct aw_stager *stager,
                                  const char *job,
                                  uint16_t first,
                                  uint16_t last,
                                  struct aw_error *err);

uint16_t aw_giver_port (const struct aw_giver *giver);

/* Ends what waits; files that are being sent are sent on. Takes NULL. */
void aw_giver_destroy (struct aw_giver *giver);

#endif /* AW_AGENT_STAGING_GIVER_H */
