/* SPDX-License-Identifier: Apache-2.0 */
/* Sends files to another node, as agent/staging/giver.h describes. It blocks, in a process of its
 * own.
 */
#ifndef AW_AGENT_STAGING_GIFT_H
#define AW_AGENT_STAGING_GIFT_H

#include <limits.h>
#include <stddef.h>

struct aw_frame_reader;
struct aw_stager;

enum { AW_GIFT_LINE = 4 * PATH_MAX }; /* bytes of a TAKE */

/* Answers the TAKE of SIZE bytes in LINE, and those that follow, on the connection OUT, until one
 * cannot be answered.
 */
void aw_gift_send (const struct aw_stager *stager,
                   struct aw_frame_reader *reader,
                   int out,
                   char line[AW_GIFT_LINE],
                   size_t size);

#endif /* AW_AGENT_STAGING_GIFT_H */
