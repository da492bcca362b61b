/* SPDX-License-Identifier: Apache-2.0 */
/* What services hold in a simulated run. */
#ifndef AW_MODEL_SERVICE_USE_H
#define AW_MODEL_SERVICE_USE_H

#include "core/history/service_times.h"
#include "model/predict.h"

/* Simulates the best run of PREDICTION again, on the ALLOCATION and with the LATENCY (seconds) that
 * it was made for, and fills TIMES, one item a set of GRAPH. 0, or -1 with text.
 */
int aw_service_use (const struct aw_graph *graph,
                    const struct aw_allocation *allocation,
                    const struct aw_prediction *prediction,
                    double latency,
                    struct aw_service_times *times,
                    struct aw_error *err);

#endif /* AW_MODEL_SERVICE_USE_H */
