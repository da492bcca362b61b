/* SPDX-License-Identifier: Apache-2.0 */
#include "mix-graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "graphs.h"

const char *const mix_topics[MIX_TOPICS] = { "m0", "m1", "m2" };

static void random_failures (uint64_t *seed, struct aw_set *set)
{
    set->retry.count = graphs_below (seed, 4);
    if (graphs_below (seed, 3) == 0) {
        set->retry.delay = 1 + graphs_below (seed, 20);
        set->retry.backoff = graphs_below (seed, 3);
        set->retry.max_delay = graphs_below (seed, 2) ? 30 : 0;
    }
    if (graphs_below (seed, 3) == 0)
        set->retry.causes = 1 + graphs_below (seed, (1 << AW_CAUSES) - 1);
    set->on_failure = (enum aw_on_failure)graphs_below (seed, 3);
    if (set->on_failure == AW_ON_FAILURE_STOP && graphs_below (seed, 4))
        set->on_failure = AW_ON_FAILURE_SKIP;
    aw_codes_add (&set->success, 0);
    aw_codes_add (&set->success, MIX_GOAL);
    if (graphs_below (seed, 3) == 0)
        set->time_limit = 10 + graphs_below (seed, 60);
    if (graphs_below (seed, 5) == 0) {
        set->checkpoint_signal = 10;
        set->checkpoint_seconds = 3;
    }
}

static void random_demand (uint64_t *seed, struct aw_set *set)
{
    set->mem = graphs_below (seed, 3) ? 0 : graphs_below (seed, 300);
    set->threads_per_core = graphs_below (seed, 4) ? 0 : 1 + graphs_below (seed, 2);
    if (graphs_below (seed, 3) == 0)
        set->gpus = 1 + graphs_below (seed, 2);
    else if (graphs_below (seed, 3) == 0)
        set->gpu_share = 1 + graphs_below (seed, 999);
    if ((set->gpus || set->gpu_share) && graphs_below (seed, 3) == 0)
        set->gpu_type = 1 + graphs_below (seed, 2);
    if (graphs_below (seed, 4) == 0)
        set->ranks_per_node = 1 + graphs_below (seed, 2);
    set->stage_in = (enum aw_staging_mode)graphs_below (seed, 3);
    set->stage_out = (enum aw_staging_mode)graphs_below (seed, 3);
    set->stage_shared = graphs_below (seed, 2);
    if (graphs_below (seed, 4) == 0) {
        set->nodes = 1 + graphs_below (seed, MIX_PARTS);
        set->step = true;
        set->stage_in = set->stage_out = AW_STAGING_NONE;
    }
}

/* Sets of one demand queue together. */
static void same_demand (struct aw_set *set, const struct aw_set *other)
{
    set->cpus = other->cpus;
    set->mem = other->mem;
    set->threads_per_core = other->threads_per_core;
    set->gpus = other->gpus;
    set->gpu_share = other->gpu_share;
    set->gpu_type = other->gpu_type;
    set->ranks_per_node = other->ranks_per_node;
    set->nodes = other->nodes;
    set->step = other->step;
    set->stage_in = other->nodes > 1 ? AW_STAGING_NONE : set->stage_in;
    set->stage_out = other->nodes > 1 ? AW_STAGING_NONE : set->stage_out;
}

/* SET waits for P, in parts or as a whole. */
static void random_edge (uint64_t *seed, struct aw_graph *g, uint32_t s, uint32_t p, bool in_parts)
{
    bool iterated = !g->sets[s].once && !g->n_base;
    struct aw_edge edge = { .set = p, .back = iterated && (p == s || graphs_below (seed, 4) == 0) };
    uint32_t before = g->sets[p].count, after = g->sets[s].count;

    in_parts = in_parts && graphs_below (seed, 2);
    if (in_parts && before == after && graphs_below (seed, 2))
        edge.by = AW_BY_INDEX;
    if (in_parts && edge.by == AW_BY_SET)
        graphs_keyed_edge (g, s, edge, 1 + graphs_below (seed, before < after ? before : after),
                           seed);
    else
        assert_int_equal (aw_graph_add_edge (g, s, edge), 0);
}

/* Edges of the last set, and of iterated ones to it where it comes before them. */
static void random_edges (uint64_t *seed, struct aw_graph *g, bool large, enum aw_phase phase)
{
    uint32_t s = g->n_sets - 1;

    for (uint32_t p = 0; p < s + (phase == AW_PHASE_ITERATED); p++) {
        bool once = g->sets[p].once;

        if (graphs_below (seed, large ? 50 : 3))
            continue;
        if (phase == AW_PHASE_BEFORE && !once)
            assert_int_equal (aw_graph_add_edge (g, p, (struct aw_edge){ .set = s }), 0);
        else
            random_edge (seed, g, s, p,
                         phase == AW_PHASE_ITERATED || once
                             || (phase == AW_PHASE_ADDED && aw_graph_iterations (g, p) == 1));
    }
}

/* Many tasks that need nothing but CPUs and GPUs: nodes get them in advance. */
static void make_bag (uint64_t *seed, struct aw_set *set)
{
    set->count = 20 + graphs_below (seed, 40);
    set->cpus = 1;
    set->nodes = 1;
    set->stage_in = set->stage_out = AW_STAGING_NONE;
    set->checkpoint_signal = 0;
    if (graphs_below (seed, 2))
        set->success = (struct aw_codes){ 0 };
}

void mix_set (uint64_t *seed, struct aw_graph *g, bool large, enum aw_phase phase)
{
    bool added = phase == AW_PHASE_ADDED;
    uint32_t s = g->n_sets;
    struct aw_set *set;
    char name[16];

    snprintf (name, sizeof (name), "s%u", s);
    set = graphs_set (g, name, 1 + graphs_below (seed, large ? 2 : 8), 1 + graphs_below (seed, 4),
                      0, graphs_below (seed, 2) ? NAN : 1 + graphs_below (seed, 50));
    random_demand (seed, set);
    if (s > 0 && graphs_below (seed, 2))
        same_demand (set, &g->sets[graphs_below (seed, s)]);
    if (added && set->gpu_type && graphs_below (seed, 4) == 0)
        set->gpu_type = aw_graph_gpu_type (g, "h100");
    random_failures (seed, set);
    if (!added && !large && graphs_below (seed, 8) == 0)
        make_bag (seed, set);
    set->once = phase == AW_PHASE_BEFORE || phase == AW_PHASE_AFTER;
    random_edges (seed, g, large, phase);
    if (graphs_below (seed, added ? 4 : 8) == 0)
        aw_graph_add_message_dependency (g, s,
                                         mix_topics[graphs_below (seed, added ? MIX_TOPICS : 2)],
                                         1 + graphs_below (seed, 3), graphs_below (seed, 2));
}

void mix_submission (uint64_t *seed, struct aw_graph *g)
{
    static const char *const labels[] = { "a", "b" };
    const char *label = labels[graphs_below (seed, 2)];
    uint32_t s = g->n_sets, head = s;
    struct aw_set *set;
    char name[16];

    snprintf (name, sizeof (name), "s%u", s);
    set = graphs_set (g, name, 1, 1 + graphs_below (seed, 4), 0,
                      graphs_below (seed, 2) ? NAN : 1 + graphs_below (seed, 50));
    random_demand (seed, set);
    random_failures (seed, set);
    set->nodes = 1;
    for (uint32_t p = s; p-- > g->n_base;)
        if (g->sets[p].submitted && strcmp (g->sets[p].label, label) == 0)
            head = p;
    assert_int_equal (aw_graph_submitted (g, s, label, head), 0);
    for (uint32_t p = g->n_base; p < s; p++) {
        struct aw_edge edge = { .set = p, .any = graphs_below (seed, 2) };

        if (g->sets[p].submitted && graphs_below (seed, 3) == 0)
            assert_int_equal (aw_graph_add_edge (g, s, edge), 0);
    }
}

struct aw_graph *mix_graph (uint64_t *seed)
{
    struct aw_graph *g = aw_graph_create ();
    bool large =
        graphs_below (seed, 30) == 0; /* ranks are not worked out anew with each estimate */
    uint32_t n = 1 + graphs_below (seed, large ? 150 : 8), n_before = 0, n_after = 0;

    g->iterations = 1 + graphs_below (seed, 3);
    g->iterated = g->iterations > 1;
    assert_int_equal (aw_graph_gpu_type (g, "a100"), 1);
    assert_int_equal (aw_graph_gpu_type (g, "v100"), 2);
    for (uint32_t s = 0; s < n; s++)
        mix_set (seed, g, large, AW_PHASE_ITERATED);
    if (graphs_below (seed, 3) == 0) {
        n_before = graphs_below (seed, 3);
        n_after = graphs_below (seed, 3);
    }
    for (; n_before > 0; n_before--)
        mix_set (seed, g, large, AW_PHASE_BEFORE);
    for (; n_after > 0; n_after--)
        mix_set (seed, g, large, AW_PHASE_AFTER);
    if (g->iterations > 1 && graphs_below (seed, 3) == 0) {
        g->until = graphs_below (seed, n);
        g->until_code = MIX_GOAL;
    }
    if (g->iterations > 1 && graphs_below (seed, 6) == 0)
        aw_graph_set_until_topic (g, "m0");
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}
