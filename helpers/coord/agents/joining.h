/* SPDX-License-Identifier: Apache-2.0 */
/* How agents join the pool: each sends its name, those of the start are numbered in the order of
 * their names, later ones as they come. A deadline and a line every ten seconds for those that are
 * missing.
 */
#ifndef AW_COORD_AGENTS_JOINING_H
#define AW_COORD_AGENTS_JOINING_H

#include "coord/agents/exec_agents_state.h"

/* Agents are awaited for SECONDS. 0, or -1 with text. */
int aw_joining_start (struct aw_exec_agents *backend, double seconds, struct aw_error *err);

/* No more agents are awaited: the port and the timers are closed. May be called again. */
void aw_joining_stop (struct aw_exec_agents *backend);

/* AGENT, until now among the quiet ones, has sent its name. It joins, or is closed where its node
 * is there already or no more nodes are wanted.
 */
void aw_joining_hello (struct aw_exec_agents *backend, struct aw_agent_link *agent);

/* AGENT was lost, for WHY, before the pool began. The caller destroys it. */
void aw_joining_lost (struct aw_exec_agents *backend, struct aw_agent_link *agent, const char *why);

/* Takes AGENT from LIST of *N, if it is there. */
void aw_joining_forget (struct aw_agent_link **list,
                        uint32_t *n,
                        const struct aw_agent_link *agent);

/* There will be no pool: reports WHY, once. */
void aw_joining_fail (struct aw_exec_agents *backend, const struct aw_error *why);

#endif /* AW_COORD_AGENTS_JOINING_H */
