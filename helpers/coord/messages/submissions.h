/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about submitted tasks. What an attempt has submitted belongs to it: when it ends in any
 * other way than well, what has not ended is cancelled.
 */
#ifndef AW_COORD_MESSAGES_SUBMISSIONS_H
#define AW_COORD_MESSAGES_SUBMISSIONS_H

#include "coord/messages/awaits.h"
#include "core/event.h"
#include "core/sched/sched.h"
#include "io/problems.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"
#include "util/packet.h"

struct aw_submissions;

struct aw_submissions_user {
    /* What has become of TASK? */
    enum aw_task_state (*state) (void *arg, uint32_t task);
    /* ASKER gets the N bytes at TEXT, and SEQ, when the journal is written. */
    void (*answer) (
        void *arg, const struct aw_asker *asker, const char *text, size_t n, uint64_t seq);
    /* TASK is cancelled, because BY has ended. */
    void (*cancel) (void *arg, uint32_t task, const char *by);
    void *arg;
};

/* RUN_DIR and USER are copied, WORKFLOW is borrowed. NULL with ENOMEM. destroy takes NULL. */
struct aw_submissions *aw_submissions_create (const char *run_dir,
                                              const struct aw_workflow *workflow,
                                              const struct aw_submissions_user *user);
void aw_submissions_destroy (struct aw_submissions *submissions);

/* Takes what EARLIER, of earlier parts of the run and the same workflow, knows, and empties it. */
struct aw_submission_list;
void aw_submissions_continue (struct aw_submissions *submissions,
                              struct aw_submission_list *earlier);

/* The workflow that the SUBMIT with SIZE bytes of DATA adds, in TEXT. 0, or -1 with problems. */
int aw_submissions_read (struct aw_submissions *submissions,
                         const char *data,
                         size_t size,
                         struct aw_textbuf *text,
                         struct aw_problems *problems);

/* There is room to note one more submission of the attempt. 0, or -1 with ENOMEM. note follows,
 * with the newest one. */
int aw_submissions_reserve (struct aw_submissions *submissions, uint32_t task, uint32_t attempt);
uint64_t aw_submissions_note (struct aw_submissions *submissions, uint32_t task);

/* Has this attempt submitted a task that has not ended? Is there any attempt that has submitted? */
bool aw_submissions_has_open (const struct aw_submissions *submissions,
                              uint32_t task,
                              uint32_t attempt);
bool aw_submissions_has_any (const struct aw_submissions *submissions);

/* A STATES, AWAIT or LIST with SIZE bytes of DATA. NULL, or the error. */
const char *aw_submissions_ask (struct aw_submissions *submissions,
                                enum aw_packet_kind kind,
                                const struct aw_asker *asker,
                                const char *data,
                                size_t size);

/* The connection is gone: number 0. */
void aw_submissions_close (struct aw_submissions *submissions, const struct aw_asker *asker);

/* EV has happened; the run has been stopped. */
void aw_submissions_event (struct aw_submissions *submissions, const struct aw_event *ev);
void aw_submissions_stopped (struct aw_submissions *submissions);

#endif /* AW_COORD_MESSAGES_SUBMISSIONS_H */
