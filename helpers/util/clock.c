/* SPDX-License-Identifier: Apache-2.0 */
#include "util/clock.h"

#include <time.h>

static double seconds_of (clockid_t id)
{
    struct timespec ts = { 0, 0 };

    clock_gettime (id, &ts); /* cannot fail for these two clocks */
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

double aw_clock_monotonic (void)
{
    return seconds_of (CLOCK_MONOTONIC);
}

double aw_clock_wall (void)
{
    return seconds_of (CLOCK_REALTIME);
}
