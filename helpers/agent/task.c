/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/task.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

struct aw_agent_task *aw_agent_tasks_add (struct aw_agent_tasks *tasks)
{
    struct aw_agent_task *task = tasks->spare ? tasks->spare : malloc (sizeof (*task));

    tasks->spare = NULL;
    if (!task)
        return NULL;
    if (tasks->n == tasks->capacity) {
        size_t capacity = tasks->capacity ? 2 * tasks->capacity : 32;
        struct aw_agent_task **items = realloc (tasks->items, capacity * sizeof (*items));

        if (!items) {
            free (task);
            return NULL;
        }
        tasks->items = items;
        tasks->capacity = capacity;
    }
    memset (task, 0, sizeof (*task));
    tasks->items[tasks->n++] = task;
    return task;
}

void aw_agent_tasks_remove (struct aw_agent_tasks *tasks, struct aw_agent_task *task)
{
    for (size_t i = 0; i < tasks->n; i++) {
        if (tasks->items[i] == task) {
            tasks->items[i] = tasks->items[--tasks->n];
            break;
        }
    }
    if (task->timer)
        event_free (task->timer);
    if (task->notice)
        event_free (task->notice);
    aw_gpu_usage_end (&task->gpu_usage);
    free (tasks->spare);
    tasks->spare = task;
}

struct aw_agent_task *aw_agent_tasks_by_pid (const struct aw_agent_tasks *tasks, pid_t pid)
{
    for (size_t i = 0; i < tasks->n; i++)
        if (tasks->items[i]->pid == pid)
            return tasks->items[i];
    return NULL;
}

struct aw_agent_task *aw_agent_tasks_find (const struct aw_agent_tasks *tasks,
                                           uint32_t task,
                                           uint32_t attempt)
{
    for (size_t i = 0; i < tasks->n; i++)
        if (tasks->items[i]->task == task && tasks->items[i]->attempt == attempt)
            return tasks->items[i];
    return NULL;
}

void aw_agent_tasks_finish (struct aw_agent_tasks *tasks)
{
    while (tasks->n > 0)
        aw_agent_tasks_remove (tasks, tasks->items[0]);
    free (tasks->spare);
    free (tasks->items);
    memset (tasks, 0, sizeof (*tasks));
}
