/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks that run on this node: a short list, at most one for each CPU. */
#ifndef AW_AGENT_TASK_H
#define AW_AGENT_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/place/gpu_usage.h"
#include "core/event.h"

struct event;

struct aw_agent_task {
    uint32_t task;
    uint32_t attempt;
    pid_t pid; /* its first process: leader of its session */
    double started; /* monotonic */
    enum aw_status ended_as; /* TIMEOUT or CANCELLED once told to end, COMPLETED before */
    int signal_due; /* to be sent to its session in this turn of the loop; 0: none */
    double grace; /* seconds between SIGTERM and SIGKILL */
    struct event *notice; /* timer: the signal before its end for time; NULL: none */
    int notice_signal;
    bool notice_cancels;
    bool noticed; /* it was sent */
    struct event *timer; /* time limit, then grace; NULL where it has needed none */
    struct aw_gpu_usage gpu_usage;
    void *agent; /* whom the timer calls */
};

struct aw_agent_tasks {
    struct aw_agent_task **items; /* by no order */
    size_t n;
    size_t capacity; /* private */
    struct aw_agent_task *spare; /* the last one that was removed, to be used again */
};

/* Adds one, zeroed. NULL with ENOMEM. */
struct aw_agent_task *aw_agent_tasks_add (struct aw_agent_tasks *tasks);
/* Removes it, with its timer. */
void aw_agent_tasks_remove (struct aw_agent_tasks *tasks, struct aw_agent_task *task);
struct aw_agent_task *aw_agent_tasks_by_pid (const struct aw_agent_tasks *tasks, pid_t pid);
struct aw_agent_task *aw_agent_tasks_find (const struct aw_agent_tasks *tasks,
                                           uint32_t task,
                                           uint32_t attempt);
void aw_agent_tasks_finish (struct aw_agent_tasks *tasks);

#endif /* AW_AGENT_TASK_H */
