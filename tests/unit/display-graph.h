/* SPDX-License-Identifier: Apache-2.0 */
/* Task sets to be displayed. */
#ifndef AW_TESTS_DISPLAY_GRAPH_H
#define AW_TESTS_DISPLAY_GRAPH_H

#include <stdint.h>

#include "core/graph/graph.h"

/* N_SETS sets of COUNT tasks. A finalized graph. */
struct aw_graph *display_graph (uint32_t n_sets, uint32_t count, uint32_t iterations);

#endif /* AW_TESTS_DISPLAY_GRAPH_H */
