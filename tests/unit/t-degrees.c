/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "graphs.h"
#include "model/degrees.h"
#include "model/width.h"

static struct aw_allocation nodes (uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_allocation a = { 0 };

    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ n, cpus, gpus, 0 }, NULL), 0);
    return a;
}

static void wrong_arguments_are_refused (void **state)
{
    struct aw_graph *g = graphs_talk (), *unfinished = aw_graph_create ();
    struct aw_allocation none = { 0 }, a = nodes (1, 4, 0);
    struct aw_degrees d;
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_degrees (NULL, &a, &d, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_degrees (unfinished, &a, &d, &err), -1);
    assert_int_equal (aw_degrees (g, NULL, &d, &err), -1);
    assert_int_equal (aw_degrees (g, &none, &d, &err), -1);
    assert_non_null (strstr (err.text, "allocation"));
    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ 0, 1, 0, 0 }, &err), -1);
    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ 1, 0, 0, 0 }, &err), -1);
    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ UINT32_MAX, 1, 0, 0 }, &err),
                      -1);
    assert_int_equal (aw_allocation_add (&a, (struct aw_node_shape){ 1, UINT32_MAX, 0, 0 }, &err),
                      -1);
    assert_int_equal (a.n_nodes, 1);
    aw_allocation_finish (&a);
    aw_allocation_finish (&a);
    aw_graph_destroy (unfinished);
    aw_graph_destroy (g);
}

/* The first argument is freed. */
static void check (
    struct aw_graph *g, struct aw_allocation a, uint64_t doa_dep, uint64_t doa_res, uint64_t width)
{
    struct aw_degrees d;

    assert_int_equal (aw_degrees (g, &a, &d, NULL), 0);
    assert_int_equal (d.branches, doa_dep + 1);
    assert_int_equal (d.doa_dep, doa_dep);
    assert_int_equal (d.doa_res, doa_res);
    assert_int_equal (d.wla, doa_dep < doa_res ? doa_dep : doa_res);
    assert_int_equal (d.width, width);
    assert_false (d.doa_res_is_bound);
    assert_false (d.width_is_bound);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* Two arms that join again: one branch, though two sets can go on side by side. */
static struct aw_graph *diamond (void)
{
    struct aw_graph *g = aw_graph_create ();

    graphs_set (g, "a", 1, 1, 0, 1);
    graphs_set (g, "b", 1, 1, 0, 1);
    graphs_set (g, "c", 1, 1, 0, 1);
    graphs_set (g, "d", 1, 1, 0, 1);
    graphs_edge (g, "b", "a", 0, 0);
    graphs_edge (g, "c", "a", 0, 0);
    graphs_edge (g, "d", "b", 0, 0);
    graphs_edge (g, "d", "c", 0, 0);
    aw_graph_finalize (g, NULL);
    return g;
}

/* N branches of one task set each, each task of CPUS. */
static struct aw_graph *fan (uint32_t n, uint32_t count, uint32_t cpus)
{
    struct aw_graph *g = aw_graph_create ();

    for (uint32_t i = 0; i < n; i++) {
        char name[16];

        snprintf (name, sizeof (name), "b%u", i);
        graphs_set (g, name, count, cpus, 0, 1);
    }
    aw_graph_finalize (g, NULL);
    return g;
}

static void degrees_are_those_of_the_table (void **state)
{
    struct aw_allocation mixed = { 0 };

    (void)state;
    check (graphs_talk (), nodes (1, 8, 0), 1, 1, 2);
    check (graphs_talk (), nodes (1, 1, 0), 1, 0, 2);
    check (graphs_c_dg1 (), nodes (16, 168, 6), 2, 2, 4);
    check (graphs_c_dg2 (), nodes (16, 168, 6), 2, 2, 4);
    check (graphs_ddmd (0), nodes (16, 168, 6), 2, 1, 3);
    check (graphs_ddmd (1), nodes (16, 168, 6), 0, 0, 1);
    /* 97 GPUs: simulate@2, aggregate@1, train@0 */
    check (graphs_ddmd (0), nodes (17, 168, 6), 2, 2, 3);
    check (graphs_ddmd (0), nodes (8, 168, 6), 2, 1, 3); /* train and aggregate */
    check (diamond (), nodes (1, 8, 0), 0, 0, 2);
    check (fan (1, 1, 1), nodes (1, 1, 0), 0, 0, 1);
    check (fan (8, 1, 4), nodes (3, 8, 0), 7, 5, 8);
    check (fan (8, 9, 4), nodes (1, 32, 0), 7, 0, 8); /* no set fits whole */
    check (fan (5, 1, 3), nodes (4, 5, 0), 4, 3, 5); /* by sums six would fit */
    assert_int_equal (aw_allocation_add (&mixed, (struct aw_node_shape){ 2, 4, 0, 0 }, NULL), 0);
    assert_int_equal (aw_allocation_add (&mixed, (struct aw_node_shape){ 1, 7, 0, 0 }, NULL), 0);
    check (fan (6, 1, 3), mixed, 5, 3, 6);
}

/* A long chain of iterations stays exact; more instances than the closure takes give bounds that
 * say so.
 */
static void large_workflows_need_no_square_time (void **state)
{
    struct aw_graph *g = graphs_ddmd (0);
    struct aw_allocation a = nodes (16, 168, 6);
    struct aw_degrees d;

    (void)state;
    g->iterations = 3000;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_degrees (g, &a, &d, NULL), 0);
    assert_int_equal (d.doa_dep, 2999);
    assert_int_equal (d.doa_res, 1);
    assert_false (d.doa_res_is_bound);
    assert_int_equal (d.width, 3000);
    g->iterations = 10000;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_degrees (g, &a, &d, NULL), 0);
    assert_int_equal (d.doa_dep, 9999);
    assert_true (d.width_is_bound);
    assert_true (d.width >= 10000);
    assert_true (d.doa_res <= d.doa_res_most);
    assert_true (d.doa_res_is_bound || d.doa_res == 1);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);

    g = fan (5000, 1, 1);
    a = nodes (100, 64, 0);
    assert_int_equal (aw_degrees (g, &a, &d, NULL), 0);
    assert_int_equal (d.width, 5000);
    assert_true (d.doa_res <= d.doa_res_most);
    assert_int_equal (d.doa_res_most, 4999);
    assert_true (d.doa_res_is_bound || d.doa_res == 4999);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

/* All that follows is the definition, written down plainly. */
struct plain {
    const struct aw_graph *g;
    uint32_t n, n_nodes, cpus, gpus;
    bool after[16][16]; /* [i][j]: j comes after i */
    uint32_t left[4][2]; /* of each node: CPUs and GPUs */
};

static void plain_closure (struct plain *p)
{
    const struct aw_graph *g = p->g;

    for (uint32_t j = 0; j < p->n; j++)
        for (uint32_t e = 0; e < g->sets[j % g->n_sets].n_after; e++) {
            struct aw_edge edge = g->sets[j % g->n_sets].after[e];
            if (edge.back <= j / g->n_sets)
                p->after[(j / g->n_sets - edge.back) * g->n_sets + edge.set][j] = true;
        }
    for (uint32_t k = 0; k < p->n; k++)
        for (uint32_t i = 0; i < p->n; i++)
            for (uint32_t j = 0; j < p->n; j++)
                p->after[i][j] |= p->after[i][k] && p->after[k][j];
}

static bool plain_end (const struct plain *p, uint32_t i)
{
    for (uint32_t j = 0; j < p->n; j++)
        if (p->after[i][j])
            return false;
    return true;
}

static bool plain_antichain (const struct plain *p, uint32_t subset)
{
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t j = 0; j < p->n; j++)
            if (subset >> i & 1 && subset >> j & 1 && p->after[i][j])
                return false;
    return true;
}

static bool plain_kinds (const struct plain *p, uint32_t subset)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t kind = 1u << (i % p->g->n_sets);
        if (subset >> i & 1 && seen & kind)
            return false;
        seen |= subset >> i & 1 ? kind : 0;
    }
    return true;
}

/* A branch of its own for each, of those in FREE. */
static bool plain_branches (const struct plain *p, uint32_t subset, uint32_t free)
{
    uint32_t i = 0;

    if (!subset)
        return true;
    while (!(subset >> i & 1))
        i++;
    for (uint32_t e = 0; e < p->n; e++)
        if (free >> e & 1 && plain_end (p, e) && (e == i || p->after[i][e])
            && plain_branches (p, subset & ~(1u << i), free & ~(1u << e)))
            return true;
    return false;
}

static bool plain_pack (struct plain *p, uint32_t subset, uint32_t i, uint32_t done)
{
    const struct aw_set *set;

    while (i < p->n && !(subset >> i & 1))
        i++;
    if (i == p->n)
        return true;
    set = &p->g->sets[i % p->g->n_sets];
    if (done == set->count)
        return plain_pack (p, subset, i + 1, 0);
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        bool fits;

        if (p->left[n][0] < set->cpus || p->left[n][1] < set->gpus)
            continue;
        p->left[n][0] -= set->cpus;
        p->left[n][1] -= set->gpus;
        fits = plain_pack (p, subset, i, done + 1);
        p->left[n][0] += set->cpus;
        p->left[n][1] += set->gpus;
        if (fits)
            return true;
    }
    return false;
}

static void degrees_agree_with_their_definition (void **state)
{
    uint64_t seed = 314159;
    uint32_t tried = 0, sums[4] = { 0 };

    (void)state;
    while (tried < 400) {
        struct plain p = {
            .n_nodes = 1 + graphs_below (&seed, 3),
            .cpus = 4 + graphs_below (&seed, 5),
            .gpus = graphs_below (&seed, 3),
        };
        struct aw_graph *g = graphs_layered (&seed, 4, p.gpus);
        struct aw_allocation a = nodes (p.n_nodes, p.cpus, p.gpus);
        uint32_t width = 0, together = 0, ends = 0;
        struct aw_degrees d;

        p.g = g;
        p.n = g->n_sets * g->iterations;
        for (uint32_t i = 0; i < g->n_sets; i++) {
            g->sets[i].count = 1 + g->sets[i].count % 3;
            for (uint32_t e = 0; e < g->sets[i].n_after; e++)
                g->sets[i].after[e].by = AW_BY_SET;
        }
        assert_int_equal (aw_graph_finalize (g, NULL), 0);
        for (uint32_t n = 0; n < p.n_nodes; n++) {
            p.left[n][0] = p.cpus;
            p.left[n][1] = p.gpus;
        }
        if (p.n <= 12) {
            plain_closure (&p);
            for (uint32_t i = 0; i < p.n; i++)
                ends += plain_end (&p, i);
            for (uint32_t subset = 1; subset < 1u << p.n; subset++) {
                uint32_t size = (uint32_t)__builtin_popcount (subset);

                if (size <= width && size <= together)
                    continue;
                if (!plain_antichain (&p, subset))
                    continue;
                width = size > width ? size : width;
                if (size > together && plain_kinds (&p, subset)
                    && plain_branches (&p, subset, UINT32_MAX) && plain_pack (&p, subset, 0, 0))
                    together = size;
            }
            assert_int_equal (aw_degrees (g, &a, &d, NULL), 0);
            assert_int_equal (d.branches, ends);
            assert_int_equal (d.width, width);
            assert_int_equal (d.doa_res, together ? together - 1 : 0);
            assert_false (d.doa_res_is_bound);
            assert_true (aw_width_bound (g) >= width);
            sums[0] += ends - 1;
            sums[1] += (uint32_t)d.doa_res;
            sums[2] += (uint32_t)d.wla;
            sums[3] += width;
            tried++;
        }
        aw_allocation_finish (&a);
        aw_graph_destroy (g);
    }
    print_message ("# sums over 400 graphs: DOA_dep %u, DOA_res %u, WLA %u, width %u\n", sums[0],
                   sums[1], sums[2], sums[3]);
    assert_true (sums[1] > 100 && sums[1] < sums[0]); /* the graphs are no trivial ones */
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (degrees_are_those_of_the_table),
        cmocka_unit_test (large_workflows_need_no_square_time),
        cmocka_unit_test (degrees_agree_with_their_definition),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
