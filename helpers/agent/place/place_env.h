/* SPDX-License-Identifier: Apache-2.0 */
/* The variables that tell a process its CPUs and GPUs: CUDA_VISIBLE_DEVICES and those of other
 * runtimes, OMP_NUM_THREADS, OMP_PLACES, ASYNC_WORKFLOW_GPU_SHARE. Used for tasks of the pool and
 * for ranks of job steps.
 */
#ifndef AW_AGENT_PLACE_PLACE_ENV_H
#define AW_AGENT_PLACE_PLACE_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/idset.h"
#include "io/textbuf.h"
#include "util/error.h"

struct aw_place_env;

/* Reads from ENV the names of the GPUs in GPUS (ids of the pool) and the user's settings for
 * threads. TOPOLOGY, as core/resources/topology.h writes it, has the cores; NULL: each CPU is a
 * core. All are copied. NULL with text. destroy takes NULL, keeps errno.
 */
struct aw_place_env *aw_place_env_create (char *const *env,
                                          const struct aw_idset *gpus,
                                          const char *topology,
                                          struct aw_error *err);
void aw_place_env_destroy (struct aw_place_env *place);

/* The resources of one process. */
struct aw_place {
    const struct aw_idset *cpus;
    const struct aw_idset *gpus;
    uint32_t gpu_share; /* thousandths of the one GPU; 0: whole ones */
    bool bound; /* to these CPUs; else the variables have only their number */
    bool placed; /* the user places the threads of this process */
};

/* Does VARIABLE ("NAME=value") place threads? */
bool aw_place_env_places (const char *variable);

/* Appends "NAME=value" strings with NUL, which replace those of ENV. If ENV has OMP_NUM_THREADS, or
 * settings for the binding of threads, these stay. CUDA_VISIBLE_DEVICES is always set; for a
 * process without GPUs it is empty.
 */
void aw_place_env_variables (const struct aw_place_env *place_env,
                             const struct aw_place *place,
                             struct aw_textbuf *text);

#endif /* AW_AGENT_PLACE_PLACE_ENV_H */
