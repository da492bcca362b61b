/* SPDX-License-Identifier: Apache-2.0 */
/* What tasks make of their GPUs, looked at once a second while some task has one and NVML tells. */
#ifndef AW_AGENT_PLACE_GPU_USAGE_H
#define AW_AGENT_PLACE_GPU_USAGE_H

#include <stdint.h>

#include "core/event.h"

struct aw_agent;
struct aw_agent_task;

/* Of one task. {0}: nothing is known. */
struct aw_gpu_usage {
    double load; /* sum over the looks that told it */
    uint32_t n_loads;
    uint32_t n_looks; /* that told the memory */
    uint64_t memory; /* bytes, the most at a look */
};

/* Makes what the looks need. Without NVML and GPUs there is nothing to do. 0, or -1 with ENOMEM. */
int aw_gpu_usage_prepare (struct aw_agent *agent);
void aw_gpu_usage_finish (struct aw_agent *agent);

/* A task with GPUs has started: there is something to look at. */
void aw_gpu_usage_watch (struct aw_agent *agent);

/* Puts what is known of TASK into FINISH. */
void aw_gpu_usage_report (const struct aw_agent_task *task, struct aw_event *finish);

#endif /* AW_AGENT_PLACE_GPU_USAGE_H */
