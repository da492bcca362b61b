/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's inside, shared by sched.c (events in, actions out), sched_finish.c (what an end
 * means) and sched_decide.c (what starts next, and where). Nobody else includes it.
 */
#ifndef AW_CORE_SCHED_SCHED_STATE_H
#define AW_CORE_SCHED_SCHED_STATE_H

#include "core/graph/depend.h"
#include "core/sched/estimate.h"
#include "core/sched/delay_queue.h"
#include "core/sched/ready.h"
#include "core/sched/reserve.h"
#include "core/sched/running.h"
#include "core/sched/sched.h"
#include "core/sched/stage.h"
#include "core/sched/node_health.h"

struct aw_tries {
    uint16_t attempts; /* ended ones: the number of the next */
    uint16_t failures; /* those that used up a try */
    bool cancelled; /* nobody wants it any more */
    bool released; /* ... and what waits for it goes on */
    uint16_t lost; /* lost nodes since it last ran to an end of its own */
};

struct aw_sched {
    const struct aw_graph *graph; /* borrowed */
    struct aw_sched_config config;
    struct aw_graph_size size; /* of the graph as far as it is taken up */
    struct aw_graph_size room; /* of the arrays here */
    double now;
    double limit; /* t by which all that is started must be able to end; INFINITY: none */
    struct aw_pool pool;
    struct aw_depend depend;
    struct aw_ready ready;
    struct aw_delay_queue later; /* ready as well, but for a delay before their next attempt */
    struct aw_stage stage; /* ready as well, but for data that is to come to a node first */
    struct aw_running_table running;
    struct aw_estimate estimate;
    struct aw_reservation reservation;
    struct aw_forecast forecast;
    struct aw_health health;
    uint32_t n_suspects; /* nodes that have become suspect and are still to be decided on */
    bool any_drained; /* a node has been set aside */
    char drain_reason[192]; /* of the last NODE_ASIDE action */
    struct aw_tries *tries; /* by task */
    uint32_t *failed_on; /* by task: the node where it failed last; AW_NO_NODE: none. Owned; NULL:
                            no task has failed */
    uint8_t *done; /* by task: earlier parts of the run did it; NULL: there are none. Owned */
    uint32_t *chosen; /* nodes for the next start: room for as many as a task of any set wants */
    struct aw_part *parts; /* of the last START action, but its first: as much room */
    uint32_t part_room;
    struct aw_released news; /* READY and SKIP actions still to be given out */
    uint32_t last_iteration; /* behind it nothing is needed any more; UINT32_MAX: all are */
    bool cancels; /* a cancelled task may be running that has not been told to end */
    struct aw_cancel *cancelled; /* of earlier parts of the run, still to be done. Owned */
    uint32_t n_cancelled;
    uint32_t kill_from; /* slots of `running` below it have been killed, or are free */
    uint32_t n_lost; /* lost nodes whose tasks may still stand as running */
    uint32_t n_moves; /* changed estimates since those by which ranks are worked out were kept */
    bool rank_anew; /* at the next decision, by those that were kept */
    bool begun;
    bool stopped; /* nothing more is started */
    bool stop_kills; /* what runs is killed too */
    bool failed; /* a task failed for good */
    bool interrupted; /* stopped from outside, not by a failure */
    bool out_of_memory;
    bool ended;
};

/* What is to start next. */
struct aw_choice {
    uint32_t instance;
    uint32_t task; /* whose data is at the chosen node; AW_NONE: the first of the instance */
};

/* Gives out what waits for nothing, once. 0, or -1 with ENOMEM. */
int aw_sched_begin (struct aw_sched *s);

/* Queues what OUT says is ready, and keeps it as news. 0, or -1 with ENOMEM. */
int aw_sched_release (struct aw_sched *s, struct aw_released *out);

/* Takes in that the running attempt RUN ended as EV says. 0, or -1 with ENOMEM. */
int aw_sched_finish_run (struct aw_sched *s, struct aw_running *run, const struct aw_event *ev);

/* The attempt that ran as RUN, still intact, ended as EV says: what of that is its node's doing? */
void aw_sched_note_health (struct aw_sched *s,
                           const struct aw_running *run,
                           const struct aw_event *ev);

/* sched_message.c. Takes in a MESSAGE. */
int aw_sched_handle_message (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* Nothing runs, and nothing can start: what waits for messages will wait for ever. Skips it. True
 * where that has changed anything. */
bool aw_sched_starve (struct aw_sched *s);

/* sched_cancel.c. Takes in a CANCEL; those of earlier parts of the run. */
int aw_sched_handle_cancel (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);
int aw_sched_cancel_earlier (struct aw_sched *s);

/* Does what ended as EV says, well, end the iterations? Or a message? Then those behind are not
 * needed. 0, or -1 with ENOMEM. */
int aw_sched_until (struct aw_sched *s, uint32_t task, const struct aw_event *ev);
int aw_sched_until_message (struct aw_sched *s);

/* A cancelled attempt has ended otherwise than well. 0, or -1 with ENOMEM. */
int aw_sched_end_cancelled (struct aw_sched *s, uint32_t task);

/* The next attempt that is cancelled and has not been told to end; NULL: there is none. */
struct aw_running *aw_sched_next_cancelled (struct aw_sched *s);

/* Decides on the next suspect node. False: there is none. Or takes in what was decided. */
bool aw_sched_next_drain (struct aw_sched *s, struct aw_event *action);
int aw_sched_handle_drain (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* Takes in the limit, T; INFINITY: there is none. */
void aw_sched_set_limit (struct aw_sched *s, double t);

/* Can a task of INSTANCE, started now, end by the limit? */
bool aw_sched_in_time (const struct aw_sched *s, uint32_t instance);

/* Is something left that could start, but not end by the limit? */
bool aw_sched_cut (const struct aw_sched *s);

/* The first of SHAPE's instances that can; AW_NONE: there is none. */
uint32_t aw_sched_first_in_time (const struct aw_sched *s, const struct aw_shape *shape);

/* Queues tasks FIRST..LAST, ready since T, for their data or for resources. 0, or -1 with ENOMEM.
 */
int aw_sched_queue (struct aw_sched *s, uint32_t first, uint32_t last, double t);

/* sched_stage.c. The next task whose data is to come, and where to: its attempt begins. False:
 * there is none.
 */
bool aw_sched_next_stage (struct aw_sched *s, uint32_t *task, uint32_t *node);
int aw_sched_handle_stage (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);
int aw_sched_handle_staged (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);
int aw_sched_handle_release (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* An attempt that has its data, or waits for it, and will not start any more; NULL: there is none.
 */
struct aw_running *aw_sched_stranded (const struct aw_sched *s);

/* RUN is about to end: if it has not started it leaves the queue. Or it starts: its CPUs and GPUs
 * stand in it, already taken from the pool.
 */
void aw_sched_leave_staging (struct aw_sched *s, struct aw_running *run);
void aw_sched_begin_staged (struct aw_sched *s, struct aw_running *run);

/* Chooses among the tasks of a bound SHAPE, whose data has come, one whose node has room; BESIDE
 * the reservation or whatever it says. Fills s->chosen. Reserves for the first of INSTANCE, one of
 * its.
 */
bool aw_sched_choose_staged (struct aw_sched *s,
                             const struct aw_shape *shape,
                             bool beside,
                             struct aw_choice *choice);
bool aw_sched_reserve_staged (struct aw_sched *s, const struct aw_shape *shape, uint32_t instance);

/* Queues the tasks whose delay is over. 0, or -1 with ENOMEM. */
int aw_sched_wake (struct aw_sched *s);

/* Records that TASK runs from now: node, CPUs and GPUs stand in RUN and its further parts, already
 * taken from the pool.
 */
void aw_sched_begin_run (struct aw_sched *s, struct aw_running *run, uint32_t task);

/* Makes room for the nodes of one task of any set from FROM on. 0, or -1 with ENOMEM. */
int aw_sched_part_room (struct aw_sched *s, uint32_t from);

/* Gives back what RUN's first N parts took from the pool. */
void aw_sched_give_back (struct aw_sched *s, const struct aw_running *run, uint32_t n);

/* Fills node, cpus, gpus and further parts of EV by RUN: borrowed, valid until the next call. */
void aw_sched_fill_parts (const struct aw_sched *s,
                          const struct aw_running *run,
                          struct aw_event *ev);

/* Chooses the next task to start and takes its resources. 1: RUN is it; 0: nothing can start now;
 * -1: ENOMEM. */
int aw_sched_decide (struct aw_sched *s, struct aw_running **run);

/* NODE has something free that it had not: shapes that fit are tried again. */
void aw_sched_unblock (struct aw_sched *s, uint32_t node);

/* NODE has joined, or a node is lost: which shapes can never start is worked out anew. */
void aw_sched_fit (struct aw_sched *s, uint32_t node);
void aw_sched_fit_all (struct aw_sched *s);

/* The same for a new SHAPE. */
void aw_sched_fit_shape (struct aw_sched *s, struct aw_shape *shape);

/* What runs has changed, so the reservation is worked out anew, and what it alone held back is
 * tried again. */
void aw_sched_drop_reservation (struct aw_sched *s);

/* Something happens, and be it that time has passed: what was found out while deciding, other than
 * by what was decided, is forgotten. So decisions follow from the events and the decisions before
 * them alone, and a replay need not know when it was asked in vain.
 */
void aw_sched_forget (struct aw_sched *s);

/* Ranks are worked out anew at the next decision, by what is told of durations now; or, where they
 * are to be, at once, by GRAPH: 0, or -1 with ENOMEM. */
void aw_sched_rank_anew (struct aw_sched *s);
int aw_sched_refresh_ranks (struct aw_sched *s, const struct aw_graph *graph);

#endif /* AW_CORE_SCHED_SCHED_STATE_H */
