/* SPDX-License-Identifier: Apache-2.0 */
/* The time of a run, and the timers of its loop. */
#include <math.h>

#include "coord/coordinator_state.h"
#include "util/clock.h"

double aw_coordinator_round (double seconds)
{
    return floor (seconds * 1e6 + 0.5) / 1e6;
}

double aw_coordinator_now (const struct aw_coordinator *c)
{
    double t = aw_coordinator_round (aw_clock_monotonic () - c->epoch);
    double last = aw_sched_now (c->sched);

    return t > last ? t : last; /* events carry a time that never falls */
}

void aw_coordinator_want_turn (struct aw_coordinator *c)
{
    event_active (++c->n_wanted < AW_TURN_MOST ? c->turn : c->full_turn, EV_TIMEOUT, 0);
}

void aw_coordinator_arm (struct event *timer, double seconds)
{
    struct timeval tv;

    if (isinf (seconds)) {
        event_del (timer);
        return;
    }
    seconds = fmin (fmax (seconds, 0), 1e9);
    tv.tv_sec = (time_t)seconds;
    tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
    event_add (timer, &tv);
}

void aw_coordinator_arm_redraw (struct aw_coordinator *c)
{
    aw_coordinator_arm (c->redraw, aw_display_next (c->display, aw_coordinator_now (c)));
}
