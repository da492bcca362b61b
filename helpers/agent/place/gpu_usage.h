/* SPDX-License-Identifier: Apache-2.0 */
/* What tasks make of their GPUs, sampled once a second while some task has one and NVML works. */
#ifndef AW_AGENT_PLACE_GPU_USAGE_H
#define AW_AGENT_PLACE_GPU_USAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "core/event.h"
#include "io/wire/launch.h"

struct aw_gpu_watch;
struct aw_nvml;
struct event_base;

/* Watches the GPUs in IDS, all of the node, by NVML; BASE and NVML are borrowed. NULL with ENOMEM.
 * destroy takes NULL; every usage must have ended.
 */
struct aw_gpu_watch *aw_gpu_watch_create (struct event_base *base,
                                          const struct aw_nvml *nvml,
                                          const struct aw_idset *ids);
void aw_gpu_watch_destroy (struct aw_gpu_watch *watch);

/* The usage of one attempt; all members are private. {0}: nothing is known. */
struct aw_gpu_usage {
    struct aw_gpu_usage *next, **link; /* in the watch's list; link NULL: in none */
    uint32_t task, attempt;
    pid_t session;
    struct aw_idset gpus;
    uint32_t share; /* as in its launch */
    double load; /* sum over the samples that have one */
    uint32_t n_loads;
    uint32_t n_memory; /* samples that have the memory */
    uint64_t memory; /* bytes, the largest sample */
};

/* Begins to sample USAGE for LAUNCH, whose processes are those of SESSION, if it has GPUs and WATCH
 * is not NULL. USAGE must stay where it is until its end. 0, or -1 with ENOMEM.
 */
int aw_gpu_usage_begin (struct aw_gpu_usage *usage,
                        struct aw_gpu_watch *watch,
                        const struct aw_launch *launch,
                        pid_t session);
void aw_gpu_usage_end (struct aw_gpu_usage *usage); /* takes {0} */

/* Writes what is known into FINISH. */
void aw_gpu_usage_report (const struct aw_gpu_usage *usage, struct aw_event *finish);

#endif /* AW_AGENT_PLACE_GPU_USAGE_H */
