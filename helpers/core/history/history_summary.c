/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over a history: of the whole run, and a task set each. */
#include <math.h>
#include <string.h>

#include "core/history/history.h"

/* A mean with its extremes, built value by value. */
struct spread {
    double sum, min, max;
    uint32_t n;
};

static void spread_add (struct spread *spread, double value)
{
    if (isnan (value))
        return;
    spread->min = spread->n ? fmin (spread->min, value) : value;
    spread->max = spread->n ? fmax (spread->max, value) : value;
    spread->sum += value;
    spread->n++;
}

static double spread_mean (const struct spread *spread)
{
    return spread->n ? spread->sum / spread->n : NAN;
}

static double ratio (double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

/* CPU and GPU seconds that the pool offered between FROM and TO. */
static void capacity (
    const struct aw_history *history, double from, double to, double *cpus, double *gpus)
{
    *cpus = *gpus = 0;
    for (uint32_t i = 0; i < history->n_nodes; i++) {
        const struct aw_history_node *node = &history->nodes[i];
        double begin = fmax (node->joined, from);
        double end = isnan (node->lost) ? to : fmin (node->lost, to);

        if (end > begin) {
            *cpus += (end - begin) * node->cpus;
            *gpus += (end - begin) * node->gpus;
        }
    }
}

static void count_states (const struct aw_history *history, struct aw_summary *summary)
{
    uint32_t states[AW_HISTORY_STATES] = { 0 };

    for (uint32_t task = 0; task < history->graph->n_tasks; task++)
        states[aw_history_state (history, task)]++;
    summary->completed = states[AW_HISTORY_COMPLETED];
    summary->failed = states[AW_HISTORY_FAILED];
    summary->cancelled = states[AW_HISTORY_CANCELLED];
    summary->skipped = states[AW_HISTORY_SKIPPED];
    summary->running = states[AW_HISTORY_RUNNING];
    summary->unstarted = states[AW_HISTORY_UNSTARTED];
}

static void count_pool (const struct aw_history *history, struct aw_summary *summary)
{
    summary->n_nodes = history->n_nodes - history->first_node;
    for (uint32_t i = history->first_node; i < history->n_nodes; i++) {
        summary->cpus += history->nodes[i].cpus;
        summary->gpus += history->nodes[i].gpus;
    }
}

/* CPU and GPU seconds that an attempt held. A node that is lost offers nothing any more, though the
 * attempt's end is recorded later.
 */
static void add_held (const struct aw_history *history,
                      const struct aw_attempt *a,
                      double *cpus,
                      double *gpus)
{
    for (uint32_t i = 0; i <= a->n_more; i++) {
        struct aw_held held = aw_history_held (history, a, i);
        double lost = history->nodes[held.node].lost;
        double seconds = fmin (aw_history_end (history, a), isnan (lost) ? INFINITY : lost);

        seconds -= a->start;
        *cpus += seconds * held.cpus;
        *gpus += seconds * held.gpu_parts / AW_GPU_WHOLE;
    }
}

void aw_history_summary (const struct aw_history *history, struct aw_summary *summary)
{
    double cpu_busy = 0, gpu_busy = 0, cpu_ended = 0, cpu_used = 0, cpu_all, gpu_all, end;
    struct spread gap = { 0 };

    memset (summary, 0, sizeof (*summary));
    summary->first_start = NAN;
    if (history->n_attempts > 0) /* its staging, where it had any */
        summary->first_start = fmin (history->attempts[0].staged, history->attempts[0].start);
    summary->last_finish = NAN;
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];
        double held = aw_history_end (history, a) - a->start;

        add_held (history, a, &cpu_busy, &gpu_busy);
        if (a->started)
            spread_add (&gap, a->start - a->ready);
        summary->started += a->started;
        summary->assigned += a->assigned;
        summary->retried += a->previous != AW_NONE;
        if (isnan (a->finish))
            continue;
        summary->last_finish = fmax (summary->last_finish, a->finish); /* fmax passes over NAN */
        cpu_ended += held * a->cpus;
        cpu_used += a->cpu_seconds;
    }
    count_states (history, summary);
    count_pool (history, summary);
    end = summary->running ? history->now : summary->last_finish;
    summary->makespan = end - summary->first_start;
    capacity (history, summary->first_start, end, &cpu_all, &gpu_all);
    summary->cpu_share = ratio (cpu_busy, cpu_all);
    summary->gpu_share = ratio (gpu_busy, gpu_all);
    summary->cpu_used_share = ratio (cpu_used, cpu_ended);
    summary->gap_mean = spread_mean (&gap);
    summary->gap_max = gap.n ? gap.max : NAN;
}

/* A set's share of the tasks: ids of one instance are contiguous. */
static void count_set_states (const struct aw_history *history,
                              uint32_t set,
                              struct aw_set_summary *sum)
{
    const struct aw_graph *graph = history->graph;

    for (uint32_t i = 0; i < aw_graph_iterations (graph, set); i++) {
        uint32_t first = aw_graph_first_task (graph, i, set);
        for (uint32_t task = first; task < first + graph->sets[set].count; task++)
            sum->states[aw_history_state (history, task)]++;
    }
    sum->tasks += graph->sets[set].count * aw_graph_iterations (graph, set);
}

/* What its data took; the means hold sums until all is added up. */
static void add_staging (const struct aw_history *history,
                         const struct aw_attempt *a,
                         struct aw_staging_summary *sum)
{
    if (!isnan (a->brought)) {
        sum->brought++;
        sum->shared += a->staged_bytes == 0;
        sum->bytes += a->staged_bytes;
        sum->from_nodes += a->node_bytes;
        sum->coming += a->brought - a->staged;
        sum->waiting += aw_history_came (history, a) - a->brought;
    }
    if (!isnan (a->released)) {
        sum->left++;
        sum->leaving += aw_history_left (history, a) - a->released;
    }
}

/* What counts as its duration: of a service, the time until it was ready; NAN: it has none. */
static double duration_of (const struct aw_attempt *a, const struct aw_set *set)
{
    if (set->service)
        return isnan (a->serving) ? NAN : a->startup;
    return a->status == AW_STATUS_COMPLETED ? a->seconds : NAN;
}

/* mean, wait_mean and gpu_util are sums, and min and max the values so far, until all is added up.
 */
static void add_attempt (const struct aw_history *history,
                         const struct aw_attempt *a,
                         struct aw_set_summary *sum)
{
    double wait = a->started ? a->start - a->ready : NAN;
    double seconds =
        duration_of (a, &history->graph->sets[aw_graph_task (history->graph, a->task).set]);

    sum->attempts++;
    sum->started_attempts += a->started;
    add_staging (history, a, &sum->staging);
    sum->busy += aw_history_end (history, a) - a->start;
    if (!isnan (wait)) {
        sum->wait_mean = isnan (sum->wait_mean) ? wait : sum->wait_mean + wait;
        sum->wait_max = fmax (sum->wait_max, wait);
    }
    if (isnan (a->finish))
        return;
    sum->cpu_seconds += a->cpu_seconds;
    if (a->max_rss > sum->max_rss)
        sum->max_rss = a->max_rss;
    if (a->gpu_mem > sum->gpu_mem)
        sum->gpu_mem = a->gpu_mem;
    if (!isnan (a->gpu_util)) {
        sum->gpu_seconds += a->seconds;
        sum->gpu_util = (isnan (sum->gpu_util) ? 0 : sum->gpu_util) + a->gpu_util * a->seconds;
    }
    if (isnan (seconds))
        return;
    sum->completed_attempts++;
    sum->first_calls += a->first_call;
    *(a->first_call ? &sum->first_call_mean : &sum->call_mean) += seconds;
    sum->mean = isnan (sum->mean) ? seconds : sum->mean + seconds;
    sum->min = fmin (sum->min, seconds);
    sum->max = fmax (sum->max, seconds);
}

void aw_history_sets (const struct aw_history *history, struct aw_set_summary *sets)
{
    const struct aw_graph *graph = history->graph;

    for (uint32_t i = 0; i < graph->n_sets; i++) {
        sets[i] = (struct aw_set_summary){
            .mean = NAN, .min = NAN, .max = NAN, .wait_mean = NAN, .wait_max = NAN, .gpu_util = NAN
        };
        count_set_states (history, i, &sets[graph->sets[i].group]);
    }
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct aw_attempt *a = &history->attempts[i];

        add_attempt (history, a, &sets[graph->sets[aw_graph_task (graph, a->task).set].group]);
    }
    for (uint32_t i = 0; i < graph->n_sets; i++) {
        sets[i].mean /= sets[i].completed_attempts; /* NAN stays NAN */
        sets[i].first_call_mean /= sets[i].first_calls; /* NAN: 0 / 0, as the next */
        sets[i].call_mean /= sets[i].completed_attempts - sets[i].first_calls;
        sets[i].wait_mean /= sets[i].started_attempts;
        sets[i].gpu_util /= sets[i].gpu_seconds;
        sets[i].staging.coming /= sets[i].staging.brought; /* NAN: 0 / 0 */
        sets[i].staging.waiting /= sets[i].staging.brought;
        sets[i].staging.leaving /= sets[i].staging.left;
    }
}
