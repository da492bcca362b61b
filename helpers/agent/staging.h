/* SPDX-License-Identifier: Apache-2.0 */
/* Staging in the agent's life: what the coordinator asks for becomes the stager's copies, and their
 * ends become frames. An attempt with copies has a record here from START to its FINISH.
 */
#ifndef AW_AGENT_STAGING_H
#define AW_AGENT_STAGING_H

#include "agent/private.h"

/* Brings LAUNCH's data; then STAGED is sent, or the attempt's FINISH where a copy fails. */
void aw_agent_stage (struct aw_agent *agent, const struct aw_launch *launch);

/* Starts LAUNCH, once its data has been brought where it has to be brought first. */
void aw_agent_start (struct aw_agent *agent, const struct aw_launch *launch);

/* The process of an attempt has ended as EV says. True: it succeeded and what it made is being
 * copied; EV is reported when that is over. False: EV is to be reported.
 */
bool aw_agent_fetch (struct aw_agent *agent, const struct aw_event *ev);

/* The attempt was told to end while copies for it are under way, or before its START: it has ended.
 * True: that was so.
 */
bool aw_agent_stop_copies (struct aw_agent *agent, uint32_t task, uint32_t attempt);

/* The attempt has ended: its data may go. */
void aw_agent_forget_copies (struct aw_agent *agent, uint32_t task, uint32_t attempt);

/* Everything ends: no copy goes on. */
void aw_agent_end_copies (struct aw_agent *agent);

#endif /* AW_AGENT_STAGING_H */
