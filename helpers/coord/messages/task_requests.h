/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of running tasks: cancel, add, submit, questions about what was submitted, and
 * messages, which go to the hub. */
#ifndef AW_COORD_MESSAGES_TASK_REQUESTS_H
#define AW_COORD_MESSAGES_TASK_REQUESTS_H

#include "core/event.h"
#include "core/sched/sched.h"
#include "io/journal/sync_thread.h"
#include "io/workflow/workflow.h"
#include "util/error.h"
#include "util/packet.h"

struct aw_task_requests;

/* The name of the file in problems of an added workflow. */
#define AW_REQUEST_ADDED "added"

struct aw_task_requests_user {
    /* Sends PACKET to the agent of NODE; REST as in struct aw_hub_callbacks. */
    void (*send) (
        void *arg, uint32_t node, const struct aw_packet *packet, const char *rest, size_t size);
    /* TOPIC has COUNT messages now, written. */
    void (*counted) (void *arg, const char *topic, uint64_t count);
    /* A task wants something to happen: CANCEL. */
    void (*event) (void *arg, struct aw_event *ev);
    /* A task adds TEXT, SIZE bytes and a NUL, as EV (an ADD) has it; SUBMITTED: it submits it. 0:
     * added, now or before; -1: rejected, with PROBLEMS. */
    int (*add) (
        void *arg, struct aw_event *ev, size_t size, bool submitted, struct aw_problems *problems);
    /* What has become of TASK? */
    enum aw_task_state (*state) (void *arg, uint32_t task);
    void *arg;
};

/* RUN_DIR holds the logs of topics. Those of an earlier part of the run are read, and USER gets
 * their counts. WORKFLOW is borrowed. NULL with text. destroy takes NULL.
 */
struct aw_task_requests *aw_task_requests_create (const char *run_dir,
                                                  const struct aw_workflow *workflow,
                                                  const struct aw_task_requests_user *user,
                                                  struct aw_error *err);
void aw_task_requests_destroy (struct aw_task_requests *requests);

/* As aw_submissions_continue. */
struct aw_submission_list;
void aw_task_requests_continue (struct aw_task_requests *requests,
                                struct aw_submission_list *earlier);

/* A task of NODE sent PACKET at T, in seconds of the run. A flush is due then. */
void aw_task_requests_take (struct aw_task_requests *requests,
                            uint32_t node,
                            const struct aw_packet *packet,
                            double t);

/* Writes the messages and hands them out. This comes before the journal is written: if a task is
 * complete there, its messages are in the logs. 0, or -1 with text. */
int aw_task_requests_flush (struct aw_task_requests *requests, struct aw_error *err);

/* As aw_hub_unsynced. */
int aw_task_requests_unsynced (struct aw_task_requests *requests,
                               struct aw_sync_list *list,
                               struct aw_error *err);

/* Requests that are carried out and not answered. */
size_t aw_task_requests_waiting (const struct aw_task_requests *requests);

/* Answers the first N of them: they are kept as the run's durability wants, or ERROR says why not.
 */
void aw_task_requests_answer (struct aw_task_requests *requests, size_t n, const char *error);

/* How many messages there are on TOPIC, written ones. */
uint64_t aw_task_requests_count (const struct aw_task_requests *requests, const char *topic);

/* As aw_hub_all_wait, aw_hub_end_waits, aw_hub_n_packets. */
struct aw_hub_waits;
bool aw_task_requests_all_wait (const struct aw_task_requests *requests,
                                struct aw_hub_waits *waits);
void aw_task_requests_end_waits (struct aw_task_requests *requests, const char *why);
uint64_t aw_task_requests_n_packets (const struct aw_task_requests *requests);

/* As aw_submissions_has_open, aw_submissions_has_any. */
bool aw_task_requests_has_open (const struct aw_task_requests *requests,
                                uint32_t task,
                                uint32_t attempt);
bool aw_task_requests_has_submitted (const struct aw_task_requests *requests);

/* What events and actions mean for messages and for what was submitted: FINISH, NODE_LOST, SKIP,
 * CANCEL. */
void aw_task_requests_event (struct aw_task_requests *requests, const struct aw_event *ev);

/* The run has been stopped: what was submitted and has not started will not start. */
void aw_task_requests_stopped (struct aw_task_requests *requests);

#endif /* AW_COORD_MESSAGES_TASK_REQUESTS_H */
