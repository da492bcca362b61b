/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a small graph for its history, in short form. */
#ifndef AW_TESTS_HISTORY_STEPS_H
#define AW_TESTS_HISTORY_STEPS_H

#include <stdint.h>

#include "core/history/history.h"

/* a (2 tasks) -> b[i] (2) -> c, and c of the iteration before. */
struct aw_graph *history_graph (uint32_t iterations);

/* An event with its lists of CPUs and GPUs as text. */
struct step {
    struct aw_event ev;
    const char *cpus, *gpus;
};

/* As aw_history_handle. */
int history_feed (struct aw_history *history, const struct step *step, struct aw_error *err);

#endif /* AW_TESTS_HISTORY_STEPS_H */
