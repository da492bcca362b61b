/* SPDX-License-Identifier: Apache-2.0 */
/* The time that is left by the model: the scheduler's present state run to its end under a virtual
 * clock. The looking takes at most a hundredth of the time. Where a look takes too long, as with
 * very many tasks, the work that is left over what the pool holds has to do: a lower bound.
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
