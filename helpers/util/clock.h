/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks: one that only goes forward, for intervals, and the wall clock, for people. */
#ifndef AW_UTIL_CLOCK_H
#define AW_UTIL_CLOCK_H

/* Seconds of CLOCK_MONOTONIC. */
double aw_clock_monotonic (void);

/* Seconds since the epoch, CLOCK_REALTIME. */
double aw_clock_wall (void);

#endif /* AW_UTIL_CLOCK_H */
