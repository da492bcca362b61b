/* SPDX-License-Identifier: Apache-2.0 */
/* Width: the size of the largest antichain, that is of set instances none of which comes after
 * another.
 */
#ifndef AW_MODEL_WIDTH_H
#define AW_MODEL_WIDTH_H

#include <stdint.h>

#include "core/graph/graph.h"
#include "model/closure.h"

/* By Dilworth's theorem (Annals of Mathematics 51(1), 1950) the smallest number of chains that
 * cover all instances: the instances minus the largest matching between them along the closure
 * (Fulkerson, Proc. AMS 7(4), 1956). -1 with ENOMEM.
 */
int64_t aw_width (const struct aw_closure *closure);

/* An upper bound without the closure: chains along single edges, as found in one pass. -1 with
 * ENOMEM.
 */
int64_t aw_width_bound (const struct aw_graph *graph);

#endif /* AW_MODEL_WIDTH_H */
