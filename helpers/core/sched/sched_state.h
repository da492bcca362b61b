/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's state, shared by the files sched*.c. No other file includes it. */
#ifndef AW_CORE_SCHED_SCHED_STATE_H
#define AW_CORE_SCHED_SCHED_STATE_H

#include <math.h>

#include "core/graph/depend.h"
#include "core/sched/backlog.h"
#include "core/sched/estimate.h"
#include "core/sched/delay_queue.h"
#include "core/sched/holds.h"
#include "core/sched/ready.h"
#include "core/sched/reserve.h"
#include "core/sched/residents.h"
#include "core/sched/running.h"
#include "core/sched/sched.h"
#include "core/sched/stage.h"
#include "core/sched/node_health.h"

struct aw_tries {
    uint16_t attempts; /* ended attempts: also the number of the next one */
    uint16_t failures; /* ended attempts that count as a failure */
    bool cancelled : 1; /* it is not needed any more */
    bool released : 1; /* ... and its successors run as if it had succeeded */
    bool restarted : 1; /* its attempt is to end, and another to follow */
    uint16_t lost; /* node failures in a row */
};

/* What the scheduler knows of services. All NULL where there are none. */
struct aw_services {
    uint32_t *at; /* their instances, users before what they use. Owned, as all arrays */
    uint32_t n;
    uint32_t n_running; /* attempts of services in `running` */
    uint32_t *busy; /* by instance of users: running tasks that have started */
    uint8_t *marks; /* by instance: see sched_service.c */
    uint32_t n_marks;
    uint32_t focus; /* the instance that gets the pool (sched_stuck.c); AW_NONE: none does */
    enum { AW_STUCK_BEGINS, AW_STUCK_EMPTIES, AW_STUCK_EMPTY } phase; /* how far that is */
};

/* Who uses a service. */
struct aw_users {
    bool open; /* some have not ended */
    bool wanted; /* some run, or are ready and could start */
    bool busy; /* some run */
};

/* What aw_sched_next_stuck found. */
enum aw_stuck {
    AW_NOT_STUCK,
    AW_STUCK_END, /* the service is to be ended */
    AW_STUCK_AGAIN, /* something can start now */
};

struct aw_sched {
    const struct aw_graph *graph; /* borrowed */
    struct aw_sched_config config;
    struct aw_graph_size size; /* of the graph, as far as it is taken into account */
    struct aw_graph_size room; /* of the arrays here */
    double now;
    double limit; /* t by which every task that starts must be able to end; INFINITY: none */
    struct aw_pool pool;
    struct aw_depend depend;
    struct aw_ready ready;
    struct aw_delay_queue delayed; /* ready tasks that wait for a delay before their next attempt */
    struct aw_stage stage; /* ready tasks whose data must come to a node first */
    struct aw_running_table running;
    struct aw_backlog backlog; /* of these, what nodes have in advance */
    struct aw_residents residents;
    const struct aw_resident *resident; /* whose place the next start gets; NULL: any */
    struct aw_estimate estimate;
    struct aw_reservation reservation;
    struct aw_forecast forecast;
    struct aw_health health;
    uint32_t n_undecided; /* suspect nodes that no decision has been made on */
    bool any_drained; /* a node has been drained */
    char drain_reason[192]; /* of the last NODE_DRAIN action */
    struct aw_tries *tries; /* by task */
    uint32_t *failed_on; /* by task: the node where it failed last; AW_NO_NODE: none. Owned; NULL:
                            no task has failed */
    uint8_t *done; /* by task: completed earlier in the run; NULL: none is. Owned */
    uint32_t *chosen; /* nodes for the next start; room for those of one task of any set */
    struct aw_part *parts; /* of the last START action, except its first; as much room */
    uint32_t part_room;
    struct aw_released news; /* READY and SKIP actions that aw_sched_next has not returned yet */
    uint32_t last_iteration; /* later ones are not needed; UINT32_MAX: all are needed */
    bool cancels; /* a cancelled task may be running that is still to be killed */
    struct aw_cancel *cancelled; /* earlier in the run; applied when this part begins. Owned */
    uint32_t n_cancelled;
    uint32_t cancel_from; /* slots of `running` below it hold no cancelled task to be killed */
    uint32_t kill_from; /* slots of `running` below it have been killed, or are free */
    uint64_t n_awaited; /* nodes that may still join */
    uint32_t n_lost; /* lost nodes whose tasks may still be in `running` */
    uint32_t n_moves; /* estimates that changed since the last snapshot for ranks */
    double *plan; /* ranks of the instances that iterations repeat; NULL: the policy's. Owned */
    struct aw_holds holds; /* of the plan */
    struct aw_services services;
    bool ranks_due; /* the next decision computes ranks, by that snapshot */
    bool begun;
    bool stopped; /* nothing more is started */
    bool stop_kills; /* what runs is killed too */
    bool failed; /* a task failed for good */
    bool interrupted; /* stopped from outside, not by a failure */
    bool out_of_memory;
    bool ended;
};

/* What starts next. */
struct aw_choice {
    uint32_t instance;
    uint32_t task; /* whose data is at the chosen node; AW_NONE: the first of the instance */
};

/*
 * The functions below stand in the order of their files, lowest first. Each file calls only those
 * above it. If not stated otherwise, a function returns 0, or -1 with ENOMEM.
 */

/* sched_cache.c: what decisions found out, and when that is dropped. */

/* NODE has something free that it had not: shapes that fit there are considered again. */
void aw_sched_unblock (struct aw_sched *s, uint32_t node);

/* Which shapes can never start: NODE has joined; the pool has changed; SHAPE is new. */
void aw_sched_fit (struct aw_sched *s, uint32_t node);
void aw_sched_fit_all (struct aw_sched *s);
void aw_sched_fit_shape (struct aw_sched *s, struct aw_shape *shape);

/* Running tasks have changed: the reservation is computed again, and the shapes that it held back
 * are considered again. */
void aw_sched_drop_reservation (struct aw_sched *s);

/* How long a task of SET is taken to run where a reservation must allow it. -INFINITY: it was
 * submitted, by a task that waits for it; if that holds what the reserved place lacks, neither
 * would ever end.
 */
static inline double aw_sched_beside_seconds (const struct aw_sched *s, uint32_t set)
{
    return s->graph->sets[set].submitted ? -INFINITY : aw_estimate_seconds (&s->estimate, set);
}

/* An event comes, even if only time has passed: drops all that decisions found out, except what
 * they decided. Decisions then follow from events and earlier decisions alone. A replay need not
 * know when the scheduler was asked in vain.
 */
void aw_sched_forget (struct aw_sched *s);

/* The next decision computes the ranks again, by the durations that are known now. Refresh does
 * that at once, by GRAPH, if it is due. */
void aw_sched_rank_again (struct aw_sched *s);
int aw_sched_refresh_ranks (struct aw_sched *s, const struct aw_graph *graph);

/* Puts the ranks of the plan, if there is one, in place of the policy's. */
void aw_sched_apply_plan (struct aw_sched *s);

/* A node has joined or takes no more tasks: ranks that depend on the pool are due. */
void aw_sched_pool_changed (struct aw_sched *s);

/* sched_limit.c: the time by which the job ends. */

/* Sets the limit to T; INFINITY: none. */
void aw_sched_set_limit (struct aw_sched *s, double t);

/* Can a task of INSTANCE, started now, end by the limit? */
bool aw_sched_in_time (const struct aw_sched *s, uint32_t instance);

/* The same for a task that starts at T. */
bool aw_sched_in_time_from (const struct aw_sched *s, uint32_t instance, double t);

/* From when on it cannot; INFINITY: always can. */
double aw_sched_late_from (const struct aw_sched *s, uint32_t instance);

/* Is a task left that could start, but not end by the limit? */
bool aw_sched_cut (const struct aw_sched *s);

/* sched_service.c: services and their users. An instance that is no service and uses none is always
 * served.
 */
int aw_sched_init_services (struct aw_sched *s);
int aw_sched_clone_services (struct aw_sched *s, const struct aw_sched *from);
void aw_sched_finish_services (struct aw_sched *s);

/* Sets have been added. First comes room for N instances instead of OLD: 0, or -1 with ENOMEM. Then
 * services that were done, and that the new sets use, may start again. */
int aw_sched_service_room (struct aw_sched *s, uint32_t old, uint32_t n);
void aw_sched_reopen_services (struct aw_sched *s);

/* The first task of INSTANCE. */
uint32_t aw_sched_task_of (const struct aw_sched *s, uint32_t instance);

/* Can a task of INSTANCE, started now, end by the limit, and does all serve that it uses? */
bool aw_sched_startable (const struct aw_sched *s, uint32_t instance);

/* Does nothing run, or services alone? */
bool aw_sched_services_alone (const struct aw_sched *s);

/* The first of SHAPE's instances that is startable; AW_NONE: none is. */
uint32_t aw_sched_first_startable (const struct aw_sched *s, const struct aw_shape *shape);

/* Could a ready task of INSTANCE start, once there is room and all serves that it uses? */
bool aw_sched_could_start (const struct aw_sched *s, uint32_t instance);

/* INSTANCE finds no room even in a pool of its own: its tasks no longer count as users; all count
 * again. */
void aw_sched_give_up (struct aw_sched *s, uint32_t instance);
void aw_sched_hope_again (struct aw_sched *s);

/* The users of the service INSTANCE. */
struct aw_users aw_sched_users_of (const struct aw_sched *s, uint32_t instance);

/* The instance of the next service that INSTANCE itself uses, from edge *EDGE (0 to begin) on;
 * AW_NONE: that was the last. */
uint32_t aw_sched_service_of (const struct aw_sched *s, uint32_t instance, uint32_t *edge);

/* Do users of the service INSTANCE start: it serves, or they run without it? */
bool aw_sched_lets_start (const struct aw_sched *s, uint32_t instance);

/* A service that INSTANCE uses and that does not let it start; AW_NONE: there is none. */
uint32_t aw_sched_missing_service (const struct aw_sched *s, uint32_t instance);

/* Has a service that INSTANCE uses failed, or been skipped, so that its tasks will not run? */
bool aw_sched_is_forsaken (const struct aw_sched *s, uint32_t instance);

/* Does INSTANCE use the service TASK, or a service that does? */
bool aw_sched_uses (const struct aw_sched *s, uint32_t instance, uint32_t task);

/* May a task of INSTANCE have the place of RUN, which is idle? Not that of a service that the task
 * uses, or the one that gets the pool. */
bool aw_sched_may_evict (const struct aw_sched *s, uint32_t instance, const struct aw_running *run);

/* The next service that runs and that nothing will need; NULL: there is none. */
struct aw_running *aw_sched_next_unneeded (const struct aw_sched *s);

/* RUN is ended for another task's place: if it is a service, it does not start again before a task
 * has started that is none. Pardon: the services that INSTANCE uses may; true if that is new. */
void aw_sched_mark_evicted (struct aw_sched *s, const struct aw_running *run);
bool aw_sched_pardon (struct aw_sched *s, uint32_t instance);

/* RUN, a service, is idle: no task that uses it runs, so another may have its place. Or it is not.
 */
void aw_sched_set_idle (struct aw_sched *s, struct aw_running *run, bool idle);

/* RUN has started; has ended. */
void aw_sched_begin_service (struct aw_sched *s, const struct aw_running *run);
void aw_sched_end_service (struct aw_sched *s, const struct aw_running *run);

/* sched_hold.c: places that the plan holds for tasks that are expected soon. */

/* Holds the places of HOLDS (copied; NULL: none) from now on. finish frees all; a zeroed value is
 * allowed. */
int aw_sched_set_holds (struct aw_sched *s, const struct aw_plan_holds *holds);
int aw_sched_clone_holds (struct aw_sched *s, const struct aw_sched *from);
void aw_sched_finish_holds (struct aw_sched *s);

/* May a task of INSTANCE, with DEMAND, start now on NODE? */
bool aw_sched_hold_allows (struct aw_sched *s,
                           uint32_t instance,
                           uint32_t node,
                           const struct aw_demand *demand);

/* What a task of INSTANCE that holds keep back waits for, as of the last decision. NULL: nothing.
 */
const struct aw_awaited *aw_sched_held_for (const struct aw_sched *s, uint32_t instance);

/* The attempt of RUN (its first part) has begun; is about to end. */
void aw_sched_hold_begin (struct aw_sched *s, const struct aw_running *run);
void aw_sched_hold_end (struct aw_sched *s, const struct aw_running *run);

/* It has taken CPUs and GPUs: what is left there for awaited tasks is measured again. */
void aw_sched_hold_measure (struct aw_sched *s, const struct aw_running *run);

/* sched_plan.c: an order that comes from outside. */

/* Handles a PLAN. 0, or -1 with text. */
int aw_sched_handle_plan (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* Follows the plan TEXT of an earlier part of the run, unless the workflow has another size now. */
int aw_sched_resume_plan (struct aw_sched *s, const char *text);

/* sched_backlog.c: attempts that nodes have in advance, as they come and go. */

/* Can tasks of SET be assigned, and others be assigned to their places? */
bool aw_sched_is_assignable (const struct aw_sched *s, uint32_t set);

/* The attempt of RUN holds a place from now on (BY 1), or no longer (-1). */
void aw_sched_count_place (struct aw_sched *s, const struct aw_running *run, int by);

/* The expected seconds of a task of SET; 1 where nothing is known. */
double aw_sched_seconds_of (const struct aw_sched *s, uint32_t set);

/* RUN, which is assigned, is being taken back; leaves, because it starts or has come back. */
void aw_sched_take_back (struct aw_sched *s, struct aw_running *run);
void aw_sched_leave_backlog (struct aw_sched *s, struct aw_running *run);

/* sched_run.c: a task begins to run. */

/* Room for the nodes of one task of any set from FROM on. */
int aw_sched_part_room (struct aw_sched *s, uint32_t from);

/* RUN is about to begin in its place: idle workers there make room, and one of its set takes it. */
void aw_sched_meet_residents (struct aw_sched *s, struct aw_running *run);

/* Fills RUN, of one part or more, with TASK's next attempt, which begins now and is expected to end
 * at END. */
void aw_sched_fill_run (struct aw_sched *s, struct aw_running *run, uint32_t task, double end);

/* TASK runs from now. RUN and its further parts hold node, CPUs and GPUs, already taken from the
 * pool. */
void aw_sched_begin_run (struct aw_sched *s, struct aw_running *run, uint32_t task);

/* A task of SET took SECONDS; a service, until it served. */
void aw_sched_learn (struct aw_sched *s, uint32_t set, double seconds);

/* Gives back what RUN's first N parts took from the pool. */
void aw_sched_give_back (struct aw_sched *s, const struct aw_running *run, uint32_t n);

/* Fills node, cpus, gpus and further parts of EV by RUN: borrowed, valid until the next call. */
void aw_sched_fill_parts (const struct aw_sched *s,
                          const struct aw_running *run,
                          struct aw_event *ev);

/* sched_release.c: tasks become ready or are skipped. */

/* Queues tasks FIRST..LAST, ready since T, for their data or for resources. */
int aw_sched_queue (struct aw_sched *s, uint32_t first, uint32_t last, double t);

/* Queues the ready tasks of OUT and keeps its tasks as news; frees OUT. RC is the result of the
 * function that filled OUT: if that failed, nothing is queued, and the result is RC. A failure
 * stops the run.
 */
int aw_sched_release (struct aw_sched *s, int rc, struct aw_released *out);

/* sched_stage.c: data that comes to a node before its task starts. */

/* The next task whose data is to come, and its node: its attempt begins. False: there is none. */
bool aw_sched_next_stage (struct aw_sched *s, uint32_t *task, uint32_t *node);

/* Handle a STAGE, a STAGED, a RELEASE. 0, or -1 with text. */
int aw_sched_handle_stage (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);
int aw_sched_handle_staged (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);
int aw_sched_handle_release (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* The next attempt that has its data, or waits for it, and will not start; NULL: there is none. */
struct aw_running *aw_sched_stranded (const struct aw_sched *s);

/* RUN is about to end: if it has not started, it leaves the queue. */
void aw_sched_leave_staging (struct aw_sched *s, struct aw_running *run);

/* RUN, which has its data, starts: it holds CPUs and GPUs, already taken from the pool. */
void aw_sched_begin_staged (struct aw_sched *s, struct aw_running *run);

/* Chooses a task of SHAPE, a bound one, whose data has come and whose node has room. BESIDE: the
 * reservation must allow it. Fills CHOICE and s->chosen; false: there is none.
 */
bool aw_sched_choose_staged (struct aw_sched *s,
                             const struct aw_shape *shape,
                             bool beside,
                             struct aw_choice *choice);

/* Reserves for the first task of INSTANCE, of the bound SHAPE. False: it needs no reservation. */
bool aw_sched_reserve_staged (struct aw_sched *s, const struct aw_shape *shape, uint32_t instance);

/* sched_cancel.c: tasks that are not needed any more. */

/* Handles a CANCEL. 0, or -1 with text. */
int aw_sched_handle_cancel (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* Cancels COUNT tasks from FIRST on. RELEASES: successors run as if these had succeeded. */
int aw_sched_cancel_range (struct aw_sched *s, uint32_t first, uint64_t count, bool releases);

/* Cancels all iterations after LAST. Added sets that depend on them run without them. */
int aw_sched_end_iterations (struct aw_sched *s, uint32_t last);

/* Cancels the iterations that are not needed: TASK's success (EV), or a message, may be what the
 * workflow iterates until. */
int aw_sched_until (struct aw_sched *s, uint32_t task, const struct aw_event *ev);
int aw_sched_until_message (struct aw_sched *s);

/* A cancelled attempt of TASK has ended, and did not succeed. */
int aw_sched_end_cancelled (struct aw_sched *s, uint32_t task);

/* The next running attempt that is cancelled and still to be killed; NULL: there is none. */
struct aw_running *aw_sched_next_cancelled (struct aw_sched *s);

/* Takes those of FIRST..LAST, all of one instance, that wait in queues out of them. */
void aw_sched_leave_queues (struct aw_sched *s, uint32_t first, uint32_t last);

/* COUNT tasks from FIRST on, all of one instance: those that wait in queues are skipped, with all
 * that depends on them. */
int aw_sched_drop_queued (struct aw_sched *s, uint32_t first, uint32_t count);

/* sched_serve.c: services become ready, idle and done, as their users do. Call after each event. */
int aw_sched_serve (struct aw_sched *s);

/* Handles a SERVING. 0, or -1 with text. */
int aw_sched_handle_serving (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* sched_drain.c: nodes where task after task fails. */

/* RUN, still intact, ended as EV says: is its node to blame? */
void aw_sched_note_health (struct aw_sched *s,
                           const struct aw_running *run,
                           const struct aw_event *ev);

/* Decides on the next suspect node, into ACTION. False: there is none. */
bool aw_sched_next_drain (struct aw_sched *s, struct aw_event *action);

/* Handles a NODE_DRAIN. 0, or -1 with text. */
int aw_sched_handle_drain (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* sched_finish.c: an attempt ends. */

/* The running attempt RUN ended as EV says. */
int aw_sched_finish_run (struct aw_sched *s, struct aw_running *run, const struct aw_event *ev);

/* Queues the tasks whose delay before another attempt is over. */
int aw_sched_wake (struct aw_sched *s);

/* sched_begin.c. Releases the tasks that wait for nothing, and cancels what earlier parts of the
 * run had cancelled. Does so once. */
int aw_sched_begin (struct aw_sched *s);

/* sched_message.c. Handles a MESSAGE. 0, or -1 with text. */
int aw_sched_handle_message (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* Nothing runs and nothing can start, so no message will come: skips the tasks that wait for
 * messages. True if that has changed anything. */
bool aw_sched_starve (struct aw_sched *s);

/* sched_together.c. Does a task of SET fit into the empty pool next to the services that it uses?
 * False: with text. */
bool aw_sched_fits_together (const struct aw_sched *s, uint32_t set, struct aw_error *err);

/* sched_query.c. Can tasks that remain start when more nodes have joined, and may some join? */
bool aw_sched_awaits_nodes (const struct aw_sched *s);

/* sched_stuck.c. Nothing can start: do services alone run, and is *RUN to be ended for the first
 * ready task, or because none is left? */
enum aw_stuck aw_sched_next_stuck (struct aw_sched *s, struct aw_running **run);

/* sched_later.c: shapes whose first task finds no room, but a later one does. They are put off:
 * other shapes may have tasks that come before that one.
 */

/* Blocks SHAPE for WHY until it is INSTANCE's turn. */
void aw_sched_put_off (struct aw_sched *s,
                       struct aw_shape *shape,
                       enum aw_block why,
                       uint32_t instance);

/* The shape that is put off, and has its turn before the others and before instance FIRST (AW_NONE:
 * of none). It stays put off until it is blocked or opened. NULL: there is none. */
struct aw_shape *aw_sched_next_later (const struct aw_sched *s, uint32_t first);

/* A task starts: those that are put off are considered again. */
void aw_sched_open_later (struct aw_sched *s);

/* sched_assign.c. Must a task of INSTANCE wait, because one that a node has comes before it, and
 * will come back for the room that is there? */
bool aw_sched_yields (struct aw_sched *s, uint32_t instance);

/* sched_decide.c. Among blocked shapes, or among the others, the one whose FIRST instance that can
 * end by the limit comes before those of all others. The first instances of shapes may be late, or
 * not served. NULL: there is none.
 */
struct aw_shape *aw_sched_first_shape (struct aw_sched *s, bool blocked, uint32_t *first);

/* Makes sure that the reservation is for SHAPE, whose first task is of INSTANCE.
 * False: it needs none, because it could never fit. */
bool aw_sched_reserve_for (struct aw_sched *s, const struct aw_shape *shape, uint32_t instance);

/* sched_evict.c. The next idle attempt to end (a KILL with code 1), because a ready task wants its
 * place; NULL: there is none. Ask when nothing can start. */
struct aw_running *aw_sched_next_evicted (struct aw_sched *s);

/* Chooses the next task to start and takes its resources. 1: RUN is it; 0: nothing
 * can start now; -1: ENOMEM. */
int aw_sched_decide (struct aw_sched *s, struct aw_running **run);

/* sched_assign.c: ready tasks are given to nodes in advance, and taken back. */

/* The next task that a node gets, and the node; the attempt of the next one to be taken back.
 * Ask when nothing can start. False, NULL: there is none. */
bool aw_sched_next_assign (struct aw_sched *s, uint32_t *task, uint32_t *node);
struct aw_running *aw_sched_next_returned (struct aw_sched *s);

/* Handles a recorded ASSIGN. 0, or -1 with text. */
int aw_sched_handle_assign (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

/* sched_start.c. Handles a recorded START, or one of an assigned attempt. 0, or -1 with text. */
int aw_sched_handle_start (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err);

#endif /* AW_CORE_SCHED_SCHED_STATE_H */
