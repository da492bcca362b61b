/* SPDX-License-Identifier: Apache-2.0 */
#include "model/learn.h"

#include <math.h>
#include <stdbool.h>

enum {
    DECLARED_WEIGHT = 3,
    FAR = 2, /* the factor beyond which a declared duration is taken as wrong */
};

/* The set whose samples those of SET are; of ATTEMPT's. */
static uint32_t source (const struct aw_graph *graph, uint32_t set)
{
    return isnan (graph->sets[set].duration) ? graph->sets[set].group : set;
}

static uint32_t set_of (const struct aw_history *history, const struct aw_attempt *attempt)
{
    return source (history->graph, aw_graph_task (history->graph, attempt->task).set);
}

static int add_completed (struct aw_samples *samples, const struct aw_history *history)
{
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];

        if (aw_attempt_teaches (a) && aw_samples_add (samples, set_of (history, a), a->seconds) < 0)
            return -1;
    }
    return 0;
}

/* Is the declared duration of SECONDS (NAN: there is none) within a factor of FAR of MEAN? */
static bool is_credible (double seconds, double mean)
{
    return seconds * FAR > mean && seconds < mean * FAR;
}

static int add_declared (struct aw_samples *samples, const struct aw_graph *graph)
{
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        double seconds = graph->sets[s].duration;
        bool credible = is_credible (seconds, aw_samples_mean (samples, s));

        for (int i = 0; credible && i < DECLARED_WEIGHT; i++)
            if (aw_samples_add (samples, s, seconds) < 0)
                return -1;
    }
    return 0;
}

static int add_running (struct aw_samples *samples, const struct aw_history *history)
{
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        uint32_t set = set_of (history, a);
        double ran = history->now - a->start, mean = aw_samples_mean (samples, set);

        if (isnan (mean))
            mean = history->graph->sets[set].duration;
        if (a->started && isnan (a->finish) && ran > mean && aw_samples_add (samples, set, ran) < 0)
            return -1;
    }
    return 0;
}

int aw_learn (struct aw_samples *samples, const struct aw_history *history)
{
    if (add_completed (samples, history) < 0 || add_declared (samples, history->graph) < 0)
        return -1;
    return add_running (samples, history);
}

int aw_learn_ends (struct aw_samples *samples,
                   const struct aw_graph *graph,
                   const struct aw_resume_state *state)
{
    for (size_t i = 0; i < state->n_ends; i++)
        if (aw_samples_add (samples, source (graph, state->ends[i].set), state->ends[i].seconds)
            < 0)
            return -1;
    return add_declared (samples, graph);
}
