/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a scheduler: create, clone, destroy. */
#include "core/sched/sched.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/history/resume_state.h"
#include "core/sched/plan.h"
#include "core/sched/rank.h"
#include "core/sched/sched_state.h"

struct aw_sched *aw_sched_create (const struct aw_graph *graph,
                                  const struct aw_sched_config *config,
                                  struct aw_error *err)
{
    struct aw_sched *s;

    if (!graph || !config || graph->n_tasks == 0) {
        errno = EINVAL;
        aw_error_set (err, "a scheduler needs a finalized graph and a configuration");
        return NULL;
    }
    s = calloc (1, sizeof (*s));
    if (!s)
        goto fail;
    s->graph = graph;
    s->config = *config;
    s->size = s->room = aw_graph_size (graph);
    s->limit = s->holds.wake = INFINITY;
    s->last_iteration = UINT32_MAX;
    s->tries = calloc (graph->n_tasks, sizeof (*s->tries));
    if (!s->tries || aw_running_init (&s->running, graph->n_tasks) < 0
        || aw_depend_init (&s->depend, graph, config->mode == AW_MODE_SEQUENTIAL) < 0
        || aw_ready_init (&s->ready, graph, config->policy) < 0
        || aw_stage_init (&s->stage, graph) < 0 || aw_estimate_init (&s->estimate, graph) < 0
        || aw_sched_init_services (s) < 0 || aw_health_init (&s->health, graph->n_sets) < 0
        || aw_sched_part_room (s, 0) < 0)
        goto fail;
    aw_pool_init (&s->pool);
    aw_pool_set_graph (&s->pool, graph);
    if (aw_rank (graph, &s->pool, config->policy, s->estimate.seconds, s->ready.remaining) < 0)
        goto fail;
    return s;
fail:
    aw_sched_destroy (s);
    aw_error_set (err, "out of memory for %u tasks", graph->n_tasks);
    errno = ENOMEM;
    return NULL;
}

void aw_sched_destroy (struct aw_sched *s)
{
    int saved = errno;

    if (!s)
        return;
    aw_pool_finish (&s->pool);
    aw_depend_finish (&s->depend);
    aw_ready_finish (&s->ready);
    aw_delay_queue_finish (&s->delayed);
    aw_stage_finish (&s->stage);
    aw_residents_finish (&s->residents);
    aw_running_finish (&s->running);
    aw_backlog_finish (&s->backlog);
    aw_estimate_finish (&s->estimate);
    aw_health_finish (&s->health);
    aw_forecast_finish (&s->forecast);
    aw_ranges_finish (&s->news.ready);
    aw_ranges_finish (&s->news.skipped);
    aw_reservation_finish (&s->reservation);
    aw_sched_finish_services (s);
    free (s->tries);
    free (s->failed_on);
    free (s->done);
    free (s->plan);
    aw_sched_finish_holds (s);
    free (s->cancelled);
    free (s->chosen);
    free (s->parts);
    free (s);
    errno = saved;
}

/* Zeroes the members that are of S alone, after a copy of the whole. */
static void own_nothing (struct aw_sched *s)
{
    memset (&s->pool, 0, sizeof (s->pool));
    memset (&s->depend, 0, sizeof (s->depend));
    memset (&s->ready, 0, sizeof (s->ready));
    memset (&s->delayed, 0, sizeof (s->delayed));
    memset (&s->stage, 0, sizeof (s->stage));
    memset (&s->running, 0, sizeof (s->running));
    memset (&s->backlog, 0, sizeof (s->backlog));
    memset (&s->estimate, 0, sizeof (s->estimate));
    memset (&s->health, 0, sizeof (s->health));
    memset (&s->news, 0, sizeof (s->news));
    memset (&s->forecast, 0, sizeof (s->forecast));
    memset (&s->reservation, 0, sizeof (s->reservation));
    memset (&s->holds, 0, sizeof (s->holds));
    memset (&s->residents, 0, sizeof (s->residents));
    memset (&s->services, 0, sizeof (s->services));
    s->resident = NULL;
    s->chosen = NULL;
    s->parts = NULL;
    s->part_room = 0;
}

/* A copy of the SIZE bytes at FROM, NULL of NULL. Sets *FAILED if there is no memory for it. */
static void *copy (const void *from, size_t size, bool *failed)
{
    void *to = from ? malloc (size) : NULL;

    if (to)
        memcpy (to, from, size);
    *failed = *failed || !to != !from;
    return to;
}

static int clone_arrays (struct aw_sched *s, const struct aw_sched *from)
{
    size_t n = from->graph->n_tasks;
    bool failed = false;

    s->n_cancelled = from->begun ? 0 : from->n_cancelled;
    s->cancelled = copy (s->n_cancelled ? from->cancelled : NULL,
                         s->n_cancelled * sizeof (*s->cancelled), &failed);
    s->tries = copy (from->tries, n * sizeof (*s->tries), &failed);
    s->done = copy (from->done, n, &failed);
    s->failed_on = copy (from->failed_on, n * sizeof (*s->failed_on), &failed);
    s->plan = copy (from->plan, aw_plan_size (from->graph) * sizeof (*s->plan), &failed);
    return failed ? -1 : 0;
}

struct aw_sched *aw_sched_clone (const struct aw_sched *from)
{
    struct aw_sched *s = calloc (1, sizeof (*s));

    if (!s)
        return NULL;
    *s = *from;
    s->room = s->size;
    own_nothing (s);
    if (clone_arrays (s, from) < 0 || aw_pool_clone (&s->pool, &from->pool) < 0
        || aw_depend_clone (&s->depend, &from->depend) < 0
        || aw_ready_clone (&s->ready, &from->ready) < 0
        || aw_delay_queue_clone (&s->delayed, &from->delayed) < 0
        || aw_stage_clone (&s->stage, &from->stage) < 0
        || aw_running_clone (&s->running, &from->running) < 0
        || aw_estimate_clone (&s->estimate, &from->estimate) < 0
        || aw_health_clone (&s->health, &from->health) < 0
        || aw_ranges_clone (&s->news.ready, &from->news.ready) < 0
        || aw_ranges_clone (&s->news.skipped, &from->news.skipped) < 0
        || aw_reservation_clone (&s->reservation, &from->reservation) < 0
        || aw_residents_clone (&s->residents, &from->residents) < 0
        || aw_backlog_clone (&s->backlog, &from->backlog) < 0 || aw_sched_clone_holds (s, from) < 0
        || aw_sched_clone_services (s, from) < 0 || aw_sched_part_room (s, 0) < 0) {
        aw_sched_destroy (s);
        errno = ENOMEM;
        return NULL;
    }
    return s;
}
