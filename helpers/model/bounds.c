/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bounds.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/peers.h"

/* Seconds of the whole set if it has the allocation to itself. */
static double in_waves (const struct aw_allocation *a, const struct aw_set *set)
{
    uint64_t capacity = aw_allocation_capacity (a, set);

    if (capacity >= set->count || capacity == 0)
        return set->duration;
    return ceil ((double)set->count / capacity) * set->duration;
}

/* The predecessor of the instance at AT that ends last; AW_NONE: there is none. */
static uint32_t latest_predecessor (const struct aw_graph *g,
                                    const double *ends,
                                    const struct aw_task *at)
{
    const struct aw_set *set = &g->sets[at->set];
    uint32_t best = AW_NONE;

    for (uint32_t e = 0; e < set->n_after; e++) {
        struct aw_span span = aw_span_before (g, &set->after[e], at->set, at->iteration);

        for (uint32_t k = 0; k < span.n; k++) {
            uint32_t before = aw_graph_instance (g, span.first + k, set->after[e].set);

            if (best == AW_NONE || ends[before] > ends[best])
                best = before;
        }
    }
    return best;
}

/* Do tasks of the set wait for a part of another set, by index or key? Then waves overlap along the
 * edge, and none is counted. All tasks of one key wait for the whole set.
 */
static bool waits_for_parts (const struct aw_graph *g, const struct aw_set *set)
{
    for (uint32_t e = 0; e < set->n_after; e++) {
        uint32_t by = set->after[e].by;

        if (by == AW_BY_INDEX || (by >= AW_BY_KEY && aw_graph_key (g, by)->n_groups > 1))
            return true;
    }
    return false;
}

/* Fills ENDS by instance; WAVES as in wave_path. Returns the last end. */
static double pass (const struct aw_graph *g,
                    const struct aw_allocation *a,
                    double latency,
                    bool waves,
                    double *ends)
{
    double last = 0;

    for (uint32_t k = 0; k < aw_graph_n_instances (g); k++) {
        struct aw_task at = aw_graph_ordered (g, k);
        const struct aw_set *set = &g->sets[at.set];
        uint32_t before = latest_predecessor (g, ends, &at);
        double seconds = waves && !waits_for_parts (g, set) ? in_waves (a, set) : set->duration;
        double end = (before == AW_NONE ? 0 : ends[before] + latency) + seconds;

        ends[aw_graph_instance (g, at.iteration, at.set)] = end;
        last = end > last ? end : last;
    }
    return last;
}

/* The same of INSTANCE. */
static uint32_t step_back (const struct aw_graph *g, const double *ends, uint32_t instance)
{
    struct aw_task at = aw_graph_instance_place (g, instance);

    return latest_predecessor (g, ends, &at);
}

/* Follows predecessors back from the instance that ends last. */
static int trace (struct aw_bounds *b, const struct aw_graph *g, const double *ends)
{
    uint32_t last = 0;

    for (uint32_t i = 1; i < aw_graph_n_instances (g); i++)
        if (ends[i] > ends[last])
            last = i;
    for (uint32_t i = last; i != AW_NONE; i = step_back (g, ends, i))
        b->n_path++;
    b->path = calloc (b->n_path, sizeof (*b->path));
    if (!b->path)
        return -1;
    for (uint32_t i = last, place = b->n_path; i != AW_NONE; i = step_back (g, ends, i))
        b->path[--place] = i;
    return 0;
}

static double stage_after_stage (const struct aw_graph *g,
                                 const struct aw_allocation *a,
                                 double latency,
                                 double *longest)
{
    double sum = 0;

    for (uint32_t stage = 0; stage < g->n_stages; stage++)
        longest[stage] = 0;
    for (uint32_t s = 0; s < g->n_base; s++) {
        double seconds = in_waves (a, &g->sets[s]);

        for (uint32_t it = 0; it < aw_graph_iterations (g, s); it++) {
            double *mine = &longest[aw_graph_stage (g, it, s)];

            *mine = seconds > *mine ? seconds : *mine;
        }
    }
    for (uint32_t stage = 0; stage < g->n_stages; stage++)
        sum += longest[stage] + latency;
    return sum - latency;
}

static void areas (struct aw_bounds *b, const struct aw_graph *g, const struct aw_allocation *a)
{
    double mem_seconds = 0;

    for (uint32_t s = 0; s < g->n_sets; s++) {
        const struct aw_set *set = &g->sets[s];
        struct aw_whole whole = aw_set_whole (set);
        double seconds = (double)aw_graph_iterations (g, s) * set->count * set->duration;

        b->serial_sum += seconds;
        b->cpu_seconds += seconds * whole.cpus;
        b->gpu_seconds += seconds * whole.gpus;
        mem_seconds += seconds * whole.mem;
    }
    b->area_cpus = b->cpu_seconds / a->cpus;
    b->area_gpus = a->gpus ? b->gpu_seconds / a->gpus : 0;
    b->area_mem = a->mem ? mem_seconds / (double)a->mem : 0;
    b->area = fmax (b->area_cpus, fmax (b->area_gpus, b->area_mem));
}

static int check (const struct aw_graph *g, const struct aw_allocation *a, struct aw_error *err)
{
    if (!g || g->n_tasks == 0 || !a || a->n_nodes == 0) {
        errno = EINVAL;
        return aw_error_set (err, "the bounds need a finalized graph and an allocation");
    }
    for (uint32_t s = 0; s < g->n_sets; s++)
        if (isnan (g->sets[s].duration))
            return aw_error_set (err, "tasks.%s: unknown duration", g->sets[s].name);
    return 0;
}

int aw_bounds_init (struct aw_bounds *b,
                    const struct aw_graph *g,
                    const struct aw_allocation *a,
                    double latency,
                    struct aw_error *err)
{
    double *ends;

    memset (b, 0, sizeof (*b));
    if (check (g, a, err) < 0)
        return -1;
    /* there are at most as many stages as instances */
    ends = calloc ((size_t)aw_graph_n_instances (g) + 1, sizeof (*ends));
    if (!ends)
        return aw_error_set (err, "out of memory for the bounds");
    b->wave_path = pass (g, a, latency, true, ends);
    b->critical_path = pass (g, a, latency, false, ends);
    if (trace (b, g, ends) < 0) {
        free (ends);
        return aw_error_set (err, "out of memory for the bounds");
    }
    areas (b, g, a);
    b->t_seq_formula = stage_after_stage (g, a, latency, ends);
    b->lower = fmax (b->wave_path, b->area);
    free (ends);
    return 0;
}

void aw_bounds_finish (struct aw_bounds *b)
{
    int saved = errno;

    free (b->path);
    memset (b, 0, sizeof (*b));
    errno = saved;
}
