/* SPDX-License-Identifier: Apache-2.0 */
/* The variables that tell a process the CPUs and GPUs that it was given: CUDA_VISIBLE_DEVICES and
 * its kin, OMP_NUM_THREADS, OMP_PLACES, ASYNC_WORKFLOW_GPU_SHARE. For the tasks of the pool and for
 * the ranks of steps of their own.
 */
#ifndef AW_AGENT_PLACE_PLACE_ENV_H
#define AW_AGENT_PLACE_PLACE_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/idset.h"
#include "io/textbuf.h"
#include "util/error.h"

struct aw_place_env;

/* Learns from ENV what the GPUs in GPUS (ids of the pool) are called and what the user has said of
 * threads. TOPOLOGY, as core/resources/topology.h writes it, tells which CPUs are one core; NULL:
 * each is one of its own. All copied. NULL with text. destroy takes NULL, keeps errno.
 */
struct aw_place_env *aw_place_env_create (char *const *env,
                                          const struct aw_idset *gpus,
                                          const char *topology,
                                          struct aw_error *err);
void aw_place_env_destroy (struct aw_place_env *place);

/* What one process was given. */
struct aw_place {
    const struct aw_idset *cpus;
    const struct aw_idset *gpus;
    uint32_t gpu_share; /* thousandths of the one GPU; 0: whole ones */
    bool bound; /* to these CPUs: else nothing is said about them but their number */
    bool placed; /* the user places this one's threads */
};

/* Does VARIABLE ("NAME=value") place threads? */
bool aw_place_env_places (const char *variable);

/* Appends "NAME=value", each with its NUL; a name that ENV had is to be replaced. What the user has
 * given in ENV of OMP_NUM_THREADS, or of how threads are bound, is not touched.
 * CUDA_VISIBLE_DEVICES is there always, empty for a process without GPU.
 */
void aw_place_env_variables (const struct aw_place_env *place_env,
                             const struct aw_place *place,
                             struct aw_textbuf *text);

#endif /* AW_AGENT_PLACE_PLACE_ENV_H */
