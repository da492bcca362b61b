/* SPDX-License-Identifier: Apache-2.0 */
/* A lower bound of the makespan by the work that must fit between what comes before and what comes
 * after. Instances of sets that cannot begin before R, and after which Q must pass until the end,
 * need R + work / capacity + Q: the relaxation of energetic reasoning in which windows do not
 * depend on the makespan (Lopez, Erschler and Esquirol, RAIRO-APII 26, 1992; Baptiste, Le Pape and
 * Nuijten, Annals of Operations Research 92, 1999; Carlier and Latapie, RAIRO Recherche
 * operationnelle 25, 1991). R and Q take into account that all predecessors have to be done first.
 * On nodes that are alike, work is counted in further ways, as tasks do not share several nodes: by
 * dual feasible functions of their demands (Fekete and Schepers, Mathematical Programming 91,
 * 2001).
 */
#ifndef AW_MODEL_WORK_BOUND_H
#define AW_MODEL_WORK_BOUND_H

#include "core/graph/graph.h"
#include "model/allocation.h"

enum { AW_WORK_MAX_INSTANCES = 600 }; /* the time grows with their square */

/* Seconds that no schedule of GRAPH on ALLOCATION is below; 0: the graph is too large, has added
 * sets, or there is no memory. GRAPH is finalized and knows all durations; every set fits. LATENCY
 * as in model/bounds.h.
 */
double aw_work_bound (const struct aw_graph *graph,
                      const struct aw_allocation *allocation,
                      double latency);

#endif /* AW_MODEL_WORK_BOUND_H */
