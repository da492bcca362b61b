/* SPDX-License-Identifier: Apache-2.0 */
/* From when to when services are needed, what they hold, and how much of that for nothing. */
#ifndef AW_CORE_HISTORY_SERVICE_TIMES_H
#define AW_CORE_HISTORY_SERVICE_TIMES_H

#include "core/history/history.h"

/* Of all attempts of one set, in seconds. */
struct aw_service_times {
    uint32_t n_starts, n_ready;
    double from, to; /* t of the first start and the last end; NAN: it has not started */
    double startup; /* until ready, the sum of those that were */
    double served; /* ready */
    double idle; /* ... while no task ran that uses it */
};

/* Fills TIMES, one item a set of GRAPH, from N ATTEMPTS in the order of their starts. What runs is
 * counted up to NOW. 0, or -1 with ENOMEM.
 */
int aw_service_times (const struct aw_graph *graph,
                      const struct aw_attempt *attempts,
                      size_t n,
                      double now,
                      struct aw_service_times *times);

#endif /* AW_CORE_HISTORY_SERVICE_TIMES_H */
