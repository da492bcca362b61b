/* SPDX-License-Identifier: Apache-2.0 */
/* Gives copies that this node has to other nodes. It listens on a port, where each connection has
 * to prove that it is of our user and job, and then sends one TAKE after the other: one file of a
 * copy that was staged in. Where the copy has not begun, the agent lets it wait; one that is under
 * way is given as it comes. A file has to have the size and modification time that the other node
 * sees at its source, so a file that a task has changed is not given.
 *
 * The answer consists of numbers, each of 8 hexadecimal digits and a newline, and blocks: the size
 * of a block, the block, and so on; 0; and the CRC-32 that the copy keeps (staging/file_sum.h), or
 * that of the content where it keeps none. That is sent when the copy is complete here, so its own
 * sum was right. Where the other node finds another sum, it says so. Then the file is read again:
 * a copy that is damaged here is marked, and is not given any more. Before a number there may be a
 * "." for each second that it takes. Or the connection ends: it is not given, or its copy has begun
 * again or failed. A process of its own sends the content.
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
