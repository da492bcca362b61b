/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for the first task that finds no room, so that smaller tasks cannot starve it: EASY
 * backfilling (Lifka, JSSPP 1995; Mu'alem and Feitelson, IEEE TPDS 12(6), 2001) on the nodes that
 * the task needs. Other tasks may start there only if they end before the reserved task can start,
 * or use only what it does not need.
 */
#ifndef AW_CORE_SCHED_RESERVE_H
#define AW_CORE_SCHED_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/sched/forecast.h"
#include "core/resources/pool.h"
#include "core/sched/running.h"

struct aw_reservation {
    bool active;
    uint32_t shape; /* that it is for */
    double t; /* when the demand will fit; INFINITY: not known */
    uint32_t n; /* nodes that are reserved */
    struct aw_reserved {
        uint32_t node;
        uint32_t n_threads; /* of its cores */
        struct aw_demand spare; /* free there alongside the demand at T (aw_headroom_beside) */
    } * nodes; /* by number */
    uint32_t room; /* private, as the next one */
    uint32_t *numbers;
};

/* {0} is an inactive reservation. finish frees what it holds. clone makes RES, uninitialised
 * before, a copy: 0, or -1 with ENOMEM and RES empty.
 */
void aw_reservation_finish (struct aw_reservation *res);
int aw_reservation_clone (struct aw_reservation *res, const struct aw_reservation *from);

/* Chooses the nodes where the demand will fit first, by the expected ends. False, with RES
 * inactive: too few nodes could ever hold it, or out of memory. The result depends on the present
 * state alone, so a replay decides as the run did. FORECAST only saves work; it may be NULL.
 */
bool aw_reservation_make (struct aw_reservation *res,
                          struct aw_forecast *forecast,
                          const struct aw_forecast_query *query);

/* The same for a task that can run on NODE alone. */
bool aw_reservation_make_on (struct aw_reservation *res,
                             const struct aw_forecast_query *query,
                             uint32_t node);

/* Will a task that takes SECONDS (NAN: not known; -INFINITY: T waits for it) and starts now have
 * ended by T, when another can start (INFINITY: not known)? */
bool aw_reservation_ends_before (double t, double now, double seconds);

/* May a task of DEMAND that takes SECONDS start now on NODE? */
bool aw_reservation_allows (const struct aw_reservation *res,
                            uint32_t node,
                            const struct aw_demand *demand,
                            double now,
                            double seconds);

#endif /* AW_CORE_SCHED_RESERVE_H */
