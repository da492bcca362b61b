/* SPDX-License-Identifier: Apache-2.0 */
/* Longest remaining path: for each set instance the seconds from its start to the end of the
 * workflow along the longest chain of successors, its own duration included (the "upward rank" of
 * list scheduling: Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002, without communication).
 */
#ifndef AW_CORE_SCHED_PRIORITY_H
#define AW_CORE_SCHED_PRIORITY_H

#include "core/graph/graph.h"

/* Fills REMAINING (iterations * n_sets, by instance) from SECONDS (one a set). A duration that is
 * NAN counts as the mean of the known ones, or as 1 if none is known: then the path is a number of
 * tasks.
 */
void aw_priority_remaining (const struct aw_graph *graph, const double *seconds, double *remaining);

#endif /* AW_CORE_SCHED_PRIORITY_H */
