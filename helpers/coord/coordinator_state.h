/* SPDX-License-Identifier: Apache-2.0 */
/* What the coordinator's files share, and nobody else sees: its state, and who does what with it.
 */
#ifndef AW_COORD_COORDINATOR_STATE_H
#define AW_COORD_COORDINATOR_STATE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "coord/coordinator.h"
#include "coord/planner.h"
#include "coord/stop_signals.h"
#include "coord/messages/task_requests.h"
#include "coord/time_left.h"
#include "io/journal/journal.h"
#include "util/exit_status.h"

enum {
    AW_TURN_MOST = 256 /* events, and decisions, of a turn: some 3 ms */
};

/* A start that was decided, to be sent when the journal keeps it. */
struct aw_dispatch {
    uint32_t node;
    struct aw_launch launch; /* owned */
    bool kill; /* it was killed before it was sent: it is killed once sent, with this grace */
    double grace;
};

enum aw_commit_stage { AW_COMMIT_NONE, AW_COMMIT_MESSAGES, AW_COMMIT_JOURNAL };

/* The commit that is under way (coordinator_commit.c). */
struct aw_commit {
    struct aw_sync_thread *thread; /* NULL: durability "process", or not running */
    struct event *synced; /* its end */
    enum aw_commit_stage stage;
    struct aw_sync_list files; /* in that thread's hands */
    size_t n_bytes, n_answers, n_dispatches; /* what the commit is of: the first ones of each */
};

/* What may mean a lost node or the end of the job (coordinator_doubt.c). */
struct aw_doubt {
    bool open; /* events are kept; nothing starts */
    bool settled; /* being released */
    struct aw_event *events; /* reasons owned */
    size_t n_events, room;
    struct aw_error failure; /* of the pool; "": none */
    double since, asked; /* t */
    bool answered; /* the last question, by: */
    enum aw_job_state answer;
    struct event *timer;
};

/* All running tasks wait for messages, or for what they have submitted (coordinator_stall.c). */
struct aw_stall_watch {
    struct event *timer; /* the next look */
    bool soon; /* ... is not long from now */
    struct aw_event event; /* the last STALL, texts owned */
    bool reported; /* and not over */
    double since; /* t of that report */
    bool full; /* those that have submitted tasks were found to hold what these need */
    uint32_t look; /* number of the last look at the nodes */
    uint32_t n_answers; /* that are still to come */
    bool only_wait; /* all answers so far: the nodes' tasks only wait */
    uint64_t n_packets; /* of tasks, when it began */
};

struct aw_coordinator {
    struct aw_coordinator_config config;
    struct event_base *base; /* borrowed */
    struct aw_sched *sched;
    struct aw_journal *journal;
    struct aw_task_requests *requests; /* while running */
    struct aw_display *display;
    struct aw_display_set *display_sets; /* one a set */
    uint32_t set_room; /* of these */
    struct aw_time_left time_left;
    struct aw_planner *planner; /* NULL: the order stays */
    struct aw_exec *exec; /* borrowed while running */
    struct aw_exec_callbacks callbacks;
    struct aw_stop_signals *signals;
    struct event *turn; /* made active when there is something to decide */
    struct event *full_turn; /* the same, before what else the loop has to do */
    uint32_t n_wanted; /* calls of want_turn since the last turn */
    struct event *redraw; /* one timer, armed as the display wants */
    struct event *limit; /* another: the end of the job */
    double limit_t; /* t of it; INFINITY: none */
    struct event *kill_deadline; /* another, after a second Ctrl-C */
    struct event *wake; /* another, armed as the scheduler wants */
    double epoch; /* monotonic clock at t = 0 */
    struct aw_outlook outlook; /* what the model says */
    char *order; /* the plan to follow; NULL: none. Owned */
    char **hosts; /* by node: the name of its machine; owned, NULL: not known */
    size_t n_hosts, host_room;
    uint32_t n_joined, n_awaited; /* nodes; awaited: may still join a pool that has begun */
    struct aw_dispatch *dispatches; /* in the order of their decisions */
    size_t n_dispatches, dispatch_room;
    struct aw_commit commit;
    struct aw_doubt doubt;
    struct aw_stall_watch stall;
    struct aw_idset place_cpus, place_gpus; /* scratch: of the attempt that ends */
    bool job_ends; /* and with it all nodes: what fails now has not failed */
    struct event *question; /* timer: Slurm is asked for the end of the job */
    double limit_known; /* t of the last answer */
    bool limit_asked; /* the answer has not come */
    bool holds_back; /* at the last look, a task because of the limit */
    bool *leaving; /* by node: told by SIGTERM to end, and about to */
    uint32_t n_leaving; /* of those that are not lost yet */
    bool has_started; /* a task */
    bool stopping; /* a stop was asked for */
    bool killing; /* and with it the end of all running tasks */
    bool stop_known; /* the scheduler has stopped, and tasks that wait have been told */
    bool complete; /* min_nodes have joined and the pool has been checked */
    int exit_code; /* -1: the run continues */
    bool journal_broken;
    bool directory_lost; /* removed or moved; the journal is broken then, too */
    const char *note; /* for the display */
    char joining[64]; /* the note while agents are missing */
    struct aw_error failure; /* of the pool */
};

/* coordinator_clock.c */

/* Seconds since the run began, rounded; never less than the scheduler's own time. */
double aw_coordinator_now (const struct aw_coordinator *c);

/* SECONDS in whole microseconds, as the journal has them: a replay must see the same order. */
double aw_coordinator_round (double seconds);

/* Asks the loop for the end of a turn, where decisions are made. */
void aw_coordinator_want_turn (struct aw_coordinator *c);

/* Sets TIMER to SECONDS from now; infinite seconds disarm it. */
void aw_coordinator_arm (struct event *timer, double seconds);
void aw_coordinator_arm_redraw (struct aw_coordinator *c);

/* coordinator_services.c: services that tasks use */

/* NODE has joined: keeps the name of its machine. Drop frees all. */
void aw_coordinator_keep_host (struct aw_coordinator *c, const struct aw_event *node);
void aw_coordinator_drop_hosts (struct aw_coordinator *c);

/* The port for the attempt of START, if it is of a service that has one; else 0. */
uint32_t aw_coordinator_service_port (const struct aw_coordinator *c, const struct aw_event *start);

/* Fills SERVICES (room for ROOM) with those that the task of START uses; returns their number. */
struct aw_task_service;
uint32_t aw_coordinator_services (const struct aw_coordinator *c,
                                  const struct aw_event *start,
                                  struct aw_task_service *services,
                                  uint32_t room);

/* coordinator_events.c: the one way in for what happens, and the ends of a run */

/* EV happened: sets its time, hands it to the scheduler, and what that accepts to journal and
 * display. Nothing after the end of the run. EV's texts are borrowed for the call. 0, or -1:
 * refused.
 */
int aw_coordinator_handle_event (struct aw_coordinator *c, struct aw_event *ev);

/* TOPIC has COUNT messages: an event if a task may start because of that. */
void aw_coordinator_count (struct aw_coordinator *c, const char *topic, uint64_t count);

/* Hands EV, which the scheduler knows of, to journal and display. */
void aw_coordinator_record (struct aw_coordinator *c, const struct aw_event *ev);

/* Writes the messages of tasks; then the journal, so that what a completed task has sent is
 * there before its completion.
 */
void aw_coordinator_flush_requests (struct aw_coordinator *c);
void aw_coordinator_flush_journal (struct aw_coordinator *c);

/* RC is the result of writing or syncing journal or messages, with ERR. The first failure is
 * reported and stops the run; the journal stays failed.
 */
void aw_coordinator_check_journal (struct aw_coordinator *c, int rc, const struct aw_error *err);

/* The same for messages. Then the journal ends where it is: what it has on tasks whose messages are
 * lost must not be written. */
void aw_coordinator_check_messages (struct aw_coordinator *c, int rc, const struct aw_error *err);

/* Starts nothing more; with KILL, ends the running tasks. REASON is for the journal. */
void aw_coordinator_stop (struct aw_coordinator *c, bool kill, const char *reason);

/* The pool is broken: the run ends, without asking Slurm. */
void aw_coordinator_end_failed (struct aw_coordinator *c, const struct aw_error *why);

/* Ends the run with exit status CODE before the scheduler does, unless it has ended. REASON is for
 * the journal. */
void aw_coordinator_end_run (struct aw_coordinator *c, int code, const char *reason);

/* coordinator_add.c */

/* Adds the task sets in EV, an ADD with SIZE bytes of text; SUBMITTED: a task has submitted it. 0,
 * or -1 with problems and nothing changed.
 */
int aw_coordinator_add (struct aw_coordinator *c,
                        struct aw_event *ev,
                        size_t size,
                        bool submitted,
                        struct aw_problems *problems);

/* coordinator_start.c */

/* Makes the launch of a START, STAGE or ASSIGN; it leaves when its decision is committed. If it
 * cannot be made, the attempt ends as failed.
 */
void aw_coordinator_prepare_start (struct aw_coordinator *c, const struct aw_event *start);

/* Sends the first N launches; if the journal is broken, their attempts end as cancelled. */
void aw_coordinator_send_starts (struct aw_coordinator *c, size_t n);

/* Kills an attempt, as exec's kill, or takes it back if it is assigned; one that was not sent yet
 * is killed when it is. */
void aw_coordinator_kill (
    struct aw_coordinator *c, uint32_t node, uint32_t task, uint32_t attempt, double grace);

/* coordinator_commit.c */

/* Commits what has happened and was decided; its effects follow, now or when it is on disk. */
void aw_coordinator_commit (struct aw_coordinator *c);

/* Before the loop, when the journal is there; 0, or -1 with text. After the loop, before the
 * journal is closed: commits the remainder.
 */
int aw_coordinator_open_commits (struct aw_coordinator *c, struct aw_error *err);
void aw_coordinator_close_commits (struct aw_coordinator *c);

/* coordinator_doubt.c */

/* Something may mean a lost node or the end of the job: Slurm is asked, and until then nothing
 * starts. */
void aw_coordinator_doubt (struct aw_coordinator *c);

/* Keeps EV, a NODE_LOST or FINISH, if that is in doubt; false: it happens now, by one of the next
 * two. */
bool aw_coordinator_keep (struct aw_coordinator *c, const struct aw_event *ev);
void aw_coordinator_end_attempt (struct aw_coordinator *c, const struct aw_event *ev);
void aw_coordinator_lose_node (struct aw_coordinator *c, const struct aw_event *ev);

/* The job ends, as TEXT tells the user and REASON the journal: the run stops. */
void aw_coordinator_end_job (struct aw_coordinator *c, const char *text, const char *reason);

void aw_coordinator_on_doubt (evutil_socket_t fd, short what, void *arg);
bool aw_coordinator_on_all_silent (void *arg, bool again);
void aw_coordinator_forget_doubt (struct aw_coordinator *c); /* frees it */

/* coordinator_limit.c */

/* The pool is complete: tells the scheduler the end of the job. */
void aw_coordinator_begin_limit (struct aw_coordinator *c);

/* The job ends at END_TIME, wall clock, as Slurm says now. */
void aw_coordinator_set_end (struct aw_coordinator *c, double end_time);

/* Slurm has answered, or does not. */
void aw_coordinator_limit_asked (struct aw_coordinator *c);

/* May the scheduler decide now? */
bool aw_coordinator_is_free (struct aw_coordinator *c);

void aw_coordinator_on_question (evutil_socket_t fd, short what, void *arg);
void aw_coordinator_on_limit (evutil_socket_t fd, short what, void *arg);

/* coordinator_stall.c */

/* A turn has ended: if tasks may all wait, looks a moment later. */
void aw_coordinator_watch_stall (struct aw_coordinator *c);

/* A LOOK of a node's agent. */
void aw_coordinator_take_look (struct aw_coordinator *c, const struct aw_packet *packet);

void aw_coordinator_on_stall (evutil_socket_t fd, short what, void *arg);
void aw_coordinator_forget_stall (struct aw_coordinator *c); /* frees it */

/* coordinator_turn.c: callbacks of libevent; ARG is the coordinator */
void aw_coordinator_on_turn (evutil_socket_t fd, short what, void *arg);
void aw_coordinator_on_wake (evutil_socket_t fd, short what, void *arg);

/* coordinator_stop.c: callbacks of execution, libevent and stop_signals; ARG is the coordinator */
void aw_coordinator_on_node_lost (void *arg, const struct aw_event *ev);
void aw_coordinator_on_node_leaves (void *arg, const struct aw_event *ev);
void aw_coordinator_on_kill_deadline (evutil_socket_t fd, short what, void *arg);
void aw_coordinator_on_stop_signal (void *arg, int times, const char *name);
void aw_coordinator_on_drain (void *arg, const char *name);

#endif /* AW_COORD_COORDINATOR_STATE_H */
