/* SPDX-License-Identifier: Apache-2.0 */
#include "model/trial.h"

#include <math.h>
#include <string.h>

#include "model/simulate.h"

const struct aw_candidate aw_candidates[] = {
    { "longest-path", { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 } },
    { "fifo", { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 } },
    { "sequential", { AW_POLICY_LONGEST_PATH, AW_MODE_SEQUENTIAL, 0 } },
    { "waves", { AW_POLICY_WAVES, AW_MODE_ASYNC, 0 } },
    { "gpus-first", { AW_POLICY_GPUS_FIRST, AW_MODE_ASYNC, 0 } },
    { "widest", { AW_POLICY_WIDEST, AW_MODE_ASYNC, 0 } },
};
const uint32_t aw_n_candidates = sizeof (aw_candidates) / sizeof (aw_candidates[0]);

struct play {
    const struct aw_graph *graph;
    const struct aw_conditions *conditions;
    bool sequential;
};

/* Stage after stage, all stages but the first wait for one. */
static bool waits (const struct play *play, struct aw_task at)
{
    const struct aw_set *set = &play->graph->sets[at.set];

    if (play->sequential)
        return aw_graph_stage (play->graph, at.iteration, at.set) > 0;
    for (uint32_t e = 0; e < set->n_after; e++)
        if (set->after[e].back <= at.iteration)
            return true;
    return false;
}

double aw_trial_seconds (const struct aw_graph *graph,
                         const struct aw_conditions *conditions,
                         bool sequential,
                         const struct aw_event *start)
{
    struct play play = { graph, conditions, sequential };
    struct aw_task at = aw_graph_task (graph, start->task);
    double ran = conditions->from ? fmax (0, aw_sched_now (conditions->from) - start->t) : 0;
    double seconds = conditions->spread
                         ? aw_spread_seconds (conditions->spread, graph, start->task, ran)
                         : graph->sets[at.set].duration;

    if (conditions->latency > 0 && waits (&play, at))
        seconds += conditions->latency;
    return seconds;
}

static double seconds (void *arg, const struct aw_event *start)
{
    const struct play *play = arg;

    return aw_trial_seconds (play->graph, play->conditions, play->sequential, start);
}

static bool go_on (void *arg)
{
    const struct play *play = arg;

    return !play->conditions->go_on || play->conditions->go_on (play->conditions->arg);
}

static void observe (void *arg, const struct aw_event *ev)
{
    const struct play *play = arg;

    play->conditions->observe (play->conditions->arg, ev);
}

static int simulate (struct aw_sched *sched,
                     struct play *play,
                     struct aw_simulated *result,
                     struct aw_error *err)
{
    struct aw_simulation simulation = { .seconds = seconds, .go_on = go_on, .arg = play };

    if (play->conditions->observe)
        simulation.observe = observe;

    if (aw_simulate (sched, &simulation, result, err) < 0)
        return -1;
    if (result->code != 0 && !(play->conditions->from && result->code == 1)) /* a task has failed */
        return aw_error_set (err, "the simulated run did not end");
    return 0;
}

int aw_trial_follow (struct aw_sched *sched, const struct aw_found_plan *plan, struct aw_error *err)
{
    if (plan && aw_plan_is_one (plan) && aw_sched_follow (sched, plan->places, &plan->holds) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

struct aw_sched *aw_trial_begin (const struct aw_graph *graph,
                                 const struct aw_allocation *a,
                                 const struct aw_sched_config *config,
                                 const struct aw_conditions *conditions,
                                 struct aw_error *err)
{
    const struct aw_sched *from = conditions->from;
    struct aw_sched *sched = from ? aw_sched_clone (from) : aw_sched_create (graph, config, err);

    if (from && (!sched || (config && aw_sched_set_policy (sched, config->policy) < 0)))
        aw_error_set (err, "out of memory");
    else if (from
             || (sched && aw_allocation_join (a, sched, err) == 0
                 && aw_sched_check (sched, err) == 0))
        return sched;
    aw_sched_destroy (sched);
    return NULL;
}

int aw_trial_run (const struct aw_graph *graph,
                  const struct aw_allocation *a,
                  const struct aw_sched_config *config,
                  const struct aw_conditions *conditions,
                  struct aw_trial *trial,
                  struct aw_error *err)
{
    static const struct aw_conditions plain;
    struct play play = { graph, conditions ? conditions : &plain,
                         config && config->mode == AW_MODE_SEQUENTIAL };
    struct aw_sched *sched = aw_trial_begin (graph, a, config, play.conditions, err);
    struct aw_simulated result;
    int rc = -1;

    memset (trial, 0, sizeof (*trial));
    if (sched)
        rc = aw_trial_follow (sched, play.conditions->plan, err);
    if (rc == 0)
        rc = simulate (sched, &play, &result, err);
    if (rc == 0) {
        trial->t = result.end;
        trial->decisions = result.decisions;
    }
    if (rc == 0 && !play.conditions->from) {
        trial->node_hours = a->n_nodes * result.end / 3600;
        if (result.end > 0) {
            trial->cpu_share = result.cpu_seconds / (a->cpus * result.end);
            trial->gpu_share = a->gpus ? result.gpu_seconds / (a->gpus * result.end) : 0;
        }
    }
    aw_sched_destroy (sched);
    return rc;
}
