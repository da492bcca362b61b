/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's state, out of the journal of a run: a live journal that is replayed gives the
 * decisions of the run.
 */
#ifndef AW_CMD_EXPLAIN_REPLAY_H
#define AW_CMD_EXPLAIN_REPLAY_H

#include "cmd/report/report.h"
#include "core/sched/sched.h"

/* A node of the pool, as it joined. */
struct aw_replay_node {
    struct aw_idset cpus, gpus; /* owned, as the text */
    uint64_t mem; /* bytes; 0: not known */
    char *topology; /* NULL: not known */
};

/* {0} at first. */
struct aw_replay {
    struct aw_sched *sched; /* as it is after the last event; NULL: no event has come. Owned */
    struct aw_sched_config config; /* of the last part of the run */
    struct aw_replay_node *nodes; /* of the last part of the run. Owned */
    uint32_t n_nodes;
    uint32_t node_room; /* private */
    struct aw_error trouble; /* the scheduler did not take an event; "": all is well */
};

/* An aw_report_event_fn: ARG is the replay. What the scheduler does not take becomes the trouble:
 * the report is right all the same. 0, or -1 with text for lack of memory.
 */
aw_report_event_fn aw_replay_event;

/* All has come: the time becomes that of the report, and the scheduler decides what it would decide
 * now, so that it can be asked why tasks wait. 0, or -1 with text: no scheduler.
 */
int aw_replay_now (struct aw_replay *replay, const struct aw_report *report, struct aw_error *err);

void aw_replay_finish (struct aw_replay *replay);

#endif /* AW_CMD_EXPLAIN_REPLAY_H */
