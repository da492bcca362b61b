/* SPDX-License-Identifier: Apache-2.0 */
/* What a task's environment is: the agent's own without what belongs to the agent alone, then what
 * the node adds (its GPUs, OMP_NUM_THREADS), then what the launch says.
 */
#ifndef AW_AGENT_ENVIRONMENT_H
#define AW_AGENT_ENVIRONMENT_H

#include <stdbool.h>

#include "io/wire/launch.h"
#include "util/error.h"

struct aw_environment;

/* Takes over what tasks shall see of ENV (copied). GPUS: all of the node, whose names it looks up
 * in ENV. TOPOLOGY: as core/resources/topology.h writes it; NULL: not known. NULL with text.
 */
struct aw_environment *aw_environment_create (char *const *env,
                                              const struct aw_idset *gpus,
                                              const char *topology,
                                              struct aw_error *err);

/* One more variable for every task, whatever a launch says. 0, or -1 with ENOMEM. */
int aw_environment_add (struct aw_environment *environment, const char *name, const char *value);

/* The environment for LAUNCH, which is BOUND to its CPUs or is not; valid until the next call. NULL
 * with ENOMEM.
 */
char **aw_environment_make (struct aw_environment *environment,
                            const struct aw_launch *launch,
                            bool bound);

/* Takes NULL, keeps errno. */
void aw_environment_destroy (struct aw_environment *environment);

/* Has a task no business with this variable ("NAME=value" or "NAME")? */
bool aw_environment_hides (const char *variable);

#endif /* AW_AGENT_ENVIRONMENT_H */
