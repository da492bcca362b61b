/* SPDX-License-Identifier: Apache-2.0 */
/* Data staging on a node: what tasks read is brought to its scratch directory, one copy however
 * many of them read it, and what they made is fetched from there. A few copies run at once, the
 * others queue. What nobody uses any more stays for later tasks until its place is wanted.
 *
 * An attempt's copies are used from aw_stager_bring until aw_stager_forget.
 */
#ifndef AW_AGENT_STAGING_STAGER_H
#define AW_AGENT_STAGING_STAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/staging/scratch.h"
#include "core/event.h"
#include "io/wire/launch.h"
#include "util/error.h"

struct event_base;
struct aw_stager;

/* All copies of an attempt are made: EV has task, attempt, seconds, bytes; ERROR is NULL or says
 * which could not be made, and why. From the event loop, or from within aw_stager_bring where all
 * is there already.
 */
typedef void aw_stager_fn (void *arg, const struct aw_event *ev, const char *error);

/* Makes the directory of SCRATCH (copied), or tries again when it is first needed. NULL with
 * ENOMEM. destroy ends the copies that are under way and removes the directory; takes NULL.
 */
struct aw_stager *aw_stager_create (struct event_base *base, const struct aw_scratch *scratch);
void aw_stager_destroy (struct aw_stager *stager);

/* Brings what LAUNCH->bring says (task, attempt and instance matter, too), then calls DONE. */
void aw_stager_bring (struct aw_stager *stager,
                      const struct aw_launch *launch,
                      aw_stager_fn *done,
                      void *arg);

/* Copies what COPIES says, which are LAUNCH->fetch, then calls DONE; their sources are removed from
 * the scratch directory.
 */
void aw_stager_fetch (struct aw_stager *stager,
                      uint32_t task,
                      uint32_t attempt,
                      char *const *copies,
                      aw_stager_fn *done,
                      void *arg);

/* The attempt has ended, or will not be: its copies that are under way are given up, DONE is not
 * called; what was brought for it may go. True: there was anything.
 */
bool aw_stager_forget (struct aw_stager *stager, uint32_t task, uint32_t attempt);

/* Copies under way or waiting. */
uint32_t aw_stager_busy (const struct aw_stager *stager);

#endif /* AW_AGENT_STAGING_STAGER_H */
