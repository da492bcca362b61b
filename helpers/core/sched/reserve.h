/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for the first task that finds no room, so that narrow tasks which do find some
 * cannot starve it: EASY backfilling (Lifka, JSSPP 1995; Mu'alem and Feitelson, IEEE TPDS 12(6),
 * 2001) on the nodes that the task needs. Others may start on those only if they end before the
 * reserved task can start, or take what it will not need.
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
    uint32_t shape; /* for whom */
    double t; /* when the demand will fit; INFINITY: not known */
    uint32_t n; /* nodes that are reserved */
    struct aw_reserved {
        uint32_t node;
        uint32_t n_threads; /* of its cores */
        struct aw_demand spare; /* what is free there beside the demand at T (aw_headroom_beside) */
    } * nodes; /* by number */
    uint32_t room; /* private, as the next one */
    uint32_t *numbers;
};

/* {0} is one that is not active. finish frees what it holds. clone makes RES, uninitialised before,
 * a copy: 0, or -1 with ENOMEM and RES empty.
 */
void aw_reservation_finish (struct aw_reservation *res);
int aw_reservation_clone (struct aw_reservation *res, const struct aw_reservation *from);

/* Chooses the nodes where DEMAND will fit first by the expected ends. false, with RES inactive,
 * where too few could ever hold it, or for lack of memory. What comes out depends on the present
 * state alone, so that a replayed run decides as the live one did. FORECAST spares work; it may be
 * NULL.
 */
bool aw_reservation_make (struct aw_reservation *res,
                          struct aw_forecast *forecast,
                          const struct aw_forecast_query *query);

/* The same for a task that can run on NODE alone. */
bool aw_reservation_make_on (struct aw_reservation *res,
                             const struct aw_forecast_query *query,
                             uint32_t node);

/* Will a task that takes SECONDS (NAN: not known) and starts now be over by then? */
bool aw_reservation_ends_before (const struct aw_reservation *res, double now, double seconds);

/* May a task of DEMAND that takes SECONDS start now on NODE? */
bool aw_reservation_allows (const struct aw_reservation *res,
                            uint32_t node,
                            const struct aw_demand *demand,
                            double now,
                            double seconds);

#endif /* AW_CORE_SCHED_RESERVE_H */
