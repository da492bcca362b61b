/* SPDX-License-Identifier: Apache-2.0 */
/* The fold. A journal may come from anywhere, so an event that contradicts what was before it is
 * refused: charts and sums made of what is left can then rely on it (nothing over 100 %, no end
 * before its start). What costs memory by the number of tasks is allocated zeroed and hence
 * untouched until used.
 */
#include "core/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 128 };

int aw_history_init (struct aw_history *history, const struct aw_graph *graph, struct aw_error *err)
{
    memset (history, 0, sizeof (*history));
    history->graph = graph;
    history->exit_code = -1;
    history->last = calloc (graph->n_tasks + (size_t)1, sizeof (*history->last));
    history->ready = calloc (graph->n_tasks + (size_t)1, sizeof (*history->ready));
    if (!history->last || !history->ready) {
        aw_history_finish (history);
        return aw_error_set (err, "out of memory for %u tasks", graph->n_tasks);
    }
    return 0;
}

void aw_history_finish (struct aw_history *history)
{
    int saved = errno;

    for (size_t i = 0; i < history->n_attempts; i++)
        free (history->attempts[i].reason);
    for (uint32_t i = 0; i < history->n_nodes; i++)
        free (history->nodes[i].name);
    free (history->attempts);
    free (history->nodes);
    free (history->stop_reason);
    free (history->last);
    free (history->ready);
    memset (history, 0, sizeof (*history));
    errno = saved;
}

/* "simulate@2[17] WHAT" as an error. */
static int refuse (const struct aw_history *history,
                   uint32_t task,
                   const char *what,
                   struct aw_error *err)
{
    char name[NAME_SIZE];

    aw_graph_task_name (history->graph, task, name, sizeof (name));
    return aw_error_set (err, "%s %s", name, what);
}

static struct aw_attempt *last_attempt (const struct aw_history *history, uint32_t task)
{
    uint32_t last = history->last[task];

    return last && last != AW_NONE ? &history->attempts[last - 1] : NULL;
}

const struct aw_attempt *aw_history_last (const struct aw_history *history, uint32_t task)
{
    return task < history->graph->n_tasks ? last_attempt (history, task) : NULL;
}

double aw_history_end (const struct aw_history *history, const struct aw_attempt *attempt)
{
    return isnan (attempt->finish) ? fmax (history->now, attempt->start) : attempt->finish;
}

static int handle_node (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    struct aw_history_node *nodes;
    char *name = NULL;

    if (ev->node != history->n_nodes)
        return aw_error_set (err, "node %u joins where number %u comes next", ev->node,
                             history->n_nodes);
    nodes = realloc (history->nodes, (history->n_nodes + (size_t)1) * sizeof (*nodes));
    if (nodes) {
        history->nodes = nodes;
        name = strdup (ev->name ? ev->name : "");
    }
    if (!name)
        return aw_error_set (err, "out of memory");
    nodes[history->n_nodes++] = (struct aw_history_node){ .name = name,
                                                          .cpus = aw_idset_count (&ev->cpus),
                                                          .gpus = aw_idset_count (&ev->gpus),
                                                          .joined = ev->t,
                                                          .lost = NAN };
    return 0;
}

static int handle_node_lost (struct aw_history *history,
                             const struct aw_event *ev,
                             struct aw_error *err)
{
    if (ev->node >= history->n_nodes)
        return aw_error_set (err, "node %u is lost and never joined", ev->node);
    if (isnan (history->nodes[ev->node].lost))
        history->nodes[ev->node].lost = ev->t;
    return 0;
}

static int reserve (struct aw_history *history)
{
    size_t size = history->size ? history->size * 2 : 64;
    struct aw_attempt *attempts;

    if (history->n_attempts < history->size)
        return 0;
    if (history->n_attempts >= AW_NONE / 2)
        return -1;
    attempts = realloc (history->attempts, size * sizeof (*attempts));
    if (!attempts)
        return -1;
    history->attempts = attempts;
    history->size = size;
    return 0;
}

static int check_start (const struct aw_history *history,
                        const struct aw_event *ev,
                        uint32_t cpus,
                        uint32_t gpus,
                        struct aw_error *err)
{
    const struct aw_attempt *last = last_attempt (history, ev->task);
    const struct aw_history_node *node;

    if (history->last[ev->task] == AW_NONE)
        return refuse (history, ev->task, "starts and was skipped", err);
    if (last && isnan (last->finish))
        return refuse (history, ev->task, "starts and is running already", err);
    if (ev->node >= history->n_nodes)
        return refuse (history, ev->task, "starts on a node that never joined", err);
    node = &history->nodes[ev->node];
    if (!isnan (node->lost))
        return refuse (history, ev->task, "starts on a node that was lost", err);
    if (cpus > node->cpus - node->busy_cpus || gpus > node->gpus - node->busy_gpus)
        return refuse (history, ev->task, "starts on CPUs or GPUs that its node does not have free",
                       err);
    return 0;
}

static int handle_start (struct aw_history *history,
                         const struct aw_event *ev,
                         struct aw_error *err)
{
    uint32_t cpus = aw_idset_count (&ev->cpus);
    uint32_t gpus = aw_idset_count (&ev->gpus);
    double ready = history->ready[ev->task] > 0 ? history->ready[ev->task] - 1.0 : NAN;
    uint32_t last = history->last[ev->task];

    if (check_start (history, ev, cpus, gpus, err) < 0)
        return -1;
    if (reserve (history) < 0)
        return aw_error_set (err, "out of memory");
    history->attempts[history->n_attempts++] = (struct aw_attempt){
        .task = ev->task,
        .attempt = ev->attempt,
        .previous = last ? last - 1 : AW_NONE,
        .node = ev->node,
        .cpus = cpus,
        .gpus = gpus,
        .ready =
            ready > ev->t ? ev->t : ready, /* kept in single precision, it may come out later */
        .start = ev->t,
        .finish = NAN,
        .seconds = NAN,
    };
    history->last[ev->task] = (uint32_t)history->n_attempts;
    history->ready[ev->task] = 0;
    history->nodes[ev->node].busy_cpus += cpus;
    history->nodes[ev->node].busy_gpus += gpus;
    history->exit_code = -1; /* going on again */
    return 0;
}

static int handle_finish (struct aw_history *history,
                          const struct aw_event *ev,
                          struct aw_error *err)
{
    struct aw_attempt *last = last_attempt (history, ev->task);
    char *reason = NULL;

    if (!last || !isnan (last->finish))
        return refuse (history, ev->task, "ends and is not running", err);
    if (last->attempt != ev->attempt)
        return refuse (history, ev->task, "ends in another attempt than it started", err);
    if (ev->reason && !(reason = strdup (ev->reason)))
        return aw_error_set (err, "out of memory");
    last->finish = ev->t;
    last->seconds = ev->seconds;
    last->cpu_seconds = ev->cpu_seconds;
    last->max_rss = ev->max_rss;
    last->status = ev->status;
    last->code = ev->code;
    last->signal = ev->signal;
    last->reason = reason;
    history->nodes[last->node].busy_cpus -= last->cpus;
    history->nodes[last->node].busy_gpus -= last->gpus;
    return 0;
}

static int handle_skip (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    if (history->last[ev->task] == AW_NONE)
        return 0;
    if (history->last[ev->task])
        return refuse (history, ev->task, "is skipped and had started", err);
    history->last[ev->task] = AW_NONE;
    history->n_skipped++;
    return 0;
}

static int handle_stop (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    char *reason;

    if (history->stop_reason)
        return 0; /* the first one counts */
    reason = strdup (ev->reason ? ev->reason : "");
    if (!reason)
        return aw_error_set (err, "out of memory");
    history->stop_reason = reason;
    return 0;
}

static int handle (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    bool of_task = ev->type == AW_EVENT_READY || ev->type == AW_EVENT_START
                   || ev->type == AW_EVENT_KILL || ev->type == AW_EVENT_FINISH
                   || ev->type == AW_EVENT_SKIP;

    if (of_task && ev->task >= history->graph->n_tasks)
        return aw_error_set (err, "no task has number %u", ev->task);
    switch (ev->type) {
    case AW_EVENT_NODE:
        return handle_node (history, ev, err);
    case AW_EVENT_NODE_LOST:
        return handle_node_lost (history, ev, err);
    case AW_EVENT_READY:
        history->ready[ev->task] = ev->t + 1;
        return 0;
    case AW_EVENT_START:
        return handle_start (history, ev, err);
    case AW_EVENT_FINISH:
        return handle_finish (history, ev, err);
    case AW_EVENT_SKIP:
        return handle_skip (history, ev, err);
    case AW_EVENT_STOP:
        return handle_stop (history, ev, err);
    case AW_EVENT_END:
        history->exit_code = ev->code;
        return 0;
    case AW_EVENT_KILL: /* its FINISH tells what came of it */
    case AW_EVENT_WAKE:
    case AW_EVENT_TYPES:
        break;
    }
    return 0;
}

int aw_history_handle (struct aw_history *history, const struct aw_event *ev, struct aw_error *err)
{
    if (!(ev->t >= history->now))
        return aw_error_set (err, "time goes back from %.6f to %.6f", history->now, ev->t);
    if (handle (history, ev, err) < 0)
        return -1;
    history->now = ev->t;
    return 0;
}

/* Will there be another attempt after LAST? So the journal's next lines will tell; until then the
 * set's rule does, each attempt before taken as a failure.
 */
static bool is_retried (const struct aw_set *set, const struct aw_attempt *last)
{
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH, .status = last->status, .code = last->code, .signal = last->signal
    };

    return aw_retry_allows (&set->retry, last->attempt + 1, &ev);
}

enum aw_task_state aw_history_state (const struct aw_history *history, uint32_t task)
{
    const struct aw_attempt *last = last_attempt (history, task);
    uint32_t set;

    if (history->last[task] == AW_NONE)
        return AW_TASK_SKIPPED;
    if (!last)
        return AW_TASK_UNSTARTED;
    if (isnan (last->finish))
        return AW_TASK_RUNNING;
    if (last->status == AW_STATUS_COMPLETED)
        return AW_TASK_COMPLETED;
    if (last->status == AW_STATUS_CANCELLED)
        return AW_TASK_CANCELLED;
    if (history->ready[task] > 0 && history->exit_code < 0)
        return AW_TASK_UNSTARTED; /* it is to be tried again */
    set = aw_graph_task (history->graph, task).set;
    if (is_retried (&history->graph->sets[set], last) && history->exit_code < 0
        && !history->stop_reason)
        return AW_TASK_UNSTARTED;
    return AW_TASK_FAILED;
}
