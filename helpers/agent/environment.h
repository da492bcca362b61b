/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of tasks: that of the agent without variables that belong to the agent alone,
 * then variables of the node (GPUs, OMP_NUM_THREADS), then those of the launch. A submitted task
 * has the environment of its submission in place of the agent's.
 */
#ifndef AW_AGENT_ENVIRONMENT_H
#define AW_AGENT_ENVIRONMENT_H

#include <stdbool.h>

#include "io/wire/launch.h"
#include "util/error.h"

struct aw_environment;

/* Copies the variables of ENV that tasks may see. GPUS: all of the node, whose names are looked up
 * in ENV. TOPOLOGY: as core/resources/topology.h writes it; NULL: not known. NULL with text.
 */
struct aw_environment *aw_environment_create (char *const *env,
                                              const struct aw_idset *gpus,
                                              const char *topology,
                                              struct aw_error *err);

/* Adds a variable for every task. 0, or -1 with ENOMEM. */
int aw_environment_add (struct aw_environment *environment, const char *name, const char *value);

/* From now on tasks find the Python module in DIRECTORY (agent/python_path.h), also where a launch
 * has a PYTHONPATH of its own. 0, or -1 with ENOMEM. */
int aw_environment_add_python (struct aw_environment *environment, const char *directory);

/* The environment for LAUNCH; BOUND: it is bound to its CPUs. Valid until the next call. NULL with
 * text: the environment that it was submitted with cannot be read, or out of memory.
 */
char **aw_environment_make (struct aw_environment *environment,
                            const struct aw_launch *launch,
                            bool bound,
                            struct aw_error *err);

/* Takes NULL, keeps errno. */
void aw_environment_destroy (struct aw_environment *environment);

/* Must VARIABLE ("NAME=value" or "NAME") not reach tasks? */
bool aw_environment_hides (const char *variable);

#endif /* AW_AGENT_ENVIRONMENT_H */
