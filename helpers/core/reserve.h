/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for the first task that finds no room, so that narrow tasks which do find some
 * cannot starve it: EASY backfilling (Lifka, JSSPP 1995; Mu'alem and Feitelson, IEEE TPDS 12(6),
 * 2001) on one node. Others may start on that node only if they end before the reserved task can
 * start, or take what it will not need.
 */
#ifndef AW_CORE_RESERVE_H
#define AW_CORE_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/forecast.h"
#include "core/pool.h"
#include "core/running.h"

struct aw_reservation {
    bool active;
    uint32_t shape; /* for whom */
    uint32_t node;
    double t; /* when the demand will fit; INFINITY: not known */
    struct aw_demand spare; /* what is free beside it then */
};

/* Chooses the node where DEMAND will fit first by the expected ends. false where no node could ever
 * hold it. What comes out depends on the present state alone, so that a replayed run decides as the
 * live one did. FORECAST spares work; it may be NULL.
 */
bool aw_reservation_make (struct aw_reservation *res,
                          struct aw_forecast *forecast,
                          const struct aw_pool *pool,
                          const struct aw_running_table *running,
                          uint32_t shape,
                          const struct aw_demand *demand,
                          double now);

/* May a task of DEMAND that takes SECONDS (NAN: not known) start now on the reserved node? */
bool aw_reservation_allows (const struct aw_reservation *res,
                            const struct aw_demand *demand,
                            double now,
                            double seconds);

#endif /* AW_CORE_RESERVE_H */
