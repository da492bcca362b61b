/* SPDX-License-Identifier: Apache-2.0 */
/* The remaining time by the model: the scheduler's present state simulated to its end under a
 * virtual clock. The simulation takes at most a hundredth of the time. If it takes too long, as
 * with very many tasks, the remaining work divided by the pool's size is used: a lower bound.
 */
#ifndef AW_COORD_TIME_LEFT_H
#define AW_COORD_TIME_LEFT_H

#include "core/sched/sched.h"

/* {0} to begin with. */
struct aw_time_left {
    double end; /* t of the predicted end; NAN: not known */
    double looked; /* t of the last simulation */
    double cost; /* seconds that it took */
    int looks;
};

/* Seconds from T to the predicted end; NAN where a set has no expected duration yet. */
double aw_time_left (struct aw_time_left *left, const struct aw_sched *sched, double t);

#endif /* AW_COORD_TIME_LEFT_H */
