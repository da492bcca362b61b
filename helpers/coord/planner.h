/* SPDX-License-Identifier: Apache-2.0 */
/* Planning again during a run. When something has happened, a process of its own (the command
 * `replan`) reads the journal, predicts the run's end, and searches for a better order if that has
 * moved, or if nodes or tasks came or went. The coordinator waits for it neither to start tasks nor
 * to end. One that is killed, takes too long or answers nonsense costs nothing.
 *
 * Looks take a hundredth of the run at most: after one that used C seconds of CPU time the next one
 * begins 100 C later. Where a number of simulations is given in place of a time, they follow each
 * other at once.
 */
#ifndef AW_COORD_PLANNER_H
#define AW_COORD_PLANNER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

struct event_base;
struct aw_planner;

struct aw_planner_config {
    const char *run_dir; /* borrowed */
    uint32_t n_tasks; /* by which the time of the first look is chosen */
    double seconds; /* that a search may take; NAN: as it sees fit */
    uint32_t evaluations; /* simulations of a search; 0: not given */
    bool resumed; /* it is no new run */
    double makespan; /* that the present order has by the model; 0: not known */
    /* Follow ORDER (borrowed), a plan; WHY, for the user. */
    void (*plan) (void *arg, const char *order, const char *why);
    void *arg;
};

/* NULL with ENOMEM. destroy ends a look that is under way, takes NULL and keeps errno. */
struct aw_planner *aw_planner_create (struct event_base *base,
                                      const struct aw_planner_config *config);
void aw_planner_destroy (struct aw_planner *planner);

/* Takes an event of the run. The next two as this one: NULL does nothing. */
void aw_planner_event (struct aw_planner *planner, const struct aw_event *ev);

/* The journal has all events up to T: looks, if it is time to. */
void aw_planner_turn (struct aw_planner *planner, double t);

/* t at which the run is expected to end, by the last look; NAN: not known. */
double aw_planner_end (const struct aw_planner *planner);

#endif /* AW_COORD_PLANNER_H */
