/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs for tests: the paper's workflows (arXiv 2208.11069) and random ones. */
#ifndef AW_TESTS_GRAPHS_H
#define AW_TESTS_GRAPHS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"

/* A set in short: finalize is the caller's to call, all in the graph is the graph's. NULL stands
 * for failure. */
struct aw_set *graphs_set (struct aw_graph *g,
                           const char *name,
                           uint32_t count,
                           uint32_t cpus,
                           uint32_t gpus,
                           double seconds);

/* "AFTER" as the workflow file has it is too much here: SET waits for PRED of BACK iterations ago.
 */
void graphs_edge (struct aw_graph *g, const char *set, const char *pred, uint32_t back, int each);

/* SET waits for the tasks of EDGE's predecessor that have the same of N keys. N is at most the
 * count of either set. How keys are spread over the tasks is random, and stands in the key's name.
 */
void graphs_keyed_edge (
    struct aw_graph *g, uint32_t set, struct aw_edge edge, uint32_t n, uint64_t *state);

/* Does the task of INDEX in SET wait along EDGE for the predecessor's task BEFORE? By names alone:
 * for what the graph makes of its keys, this is the plain model.
 */
bool graphs_are_paired (const struct aw_graph *g,
                        uint32_t set,
                        const struct aw_edge *edge,
                        uint32_t index,
                        uint32_t before);

/* Does SET in ITERATION wait along EDGE for the predecessor in iteration BEFORE? By the plain
 * model: what runs once waits for all iterations, and they for it.
 */
bool graphs_waits (const struct aw_graph *g,
                   uint32_t set,
                   uint32_t iteration,
                   const struct aw_edge *edge,
                   uint32_t before);

struct aw_graph *graphs_talk (void); /* the talk's example: six sets of one task */
struct aw_graph *graphs_c_dg1 (void);
struct aw_graph *graphs_c_dg2 (void);
struct aw_graph *graphs_ddmd (int sequential_edges);

/* A generator with a state of its own (xorshift64*, Vigna 2016). */
uint64_t graphs_random (uint64_t *state);
uint32_t graphs_below (uint64_t *state, uint32_t n);

/* A random layered graph of mixed CPU and GPU sets whose tasks fit on nodes of CPUS and GPUS. */
struct aw_graph *graphs_layered (uint64_t *state, uint32_t cpus, uint32_t gpus);

/* The first task whose name, number and instance do not lead to each other, or whose name has an
 * iteration though its number is N_ITERATED or more; AW_NONE: there is none.
 */
uint32_t graphs_wrong_name (const struct aw_graph *g, uint32_t n_iterated);

#endif /* AW_TESTS_GRAPHS_H */
