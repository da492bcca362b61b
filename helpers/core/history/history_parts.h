/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the history share, and nobody else sees. */
#ifndef AW_CORE_HISTORY_HISTORY_PARTS_H
#define AW_CORE_HISTORY_HISTORY_PARTS_H

#include <stdint.h>

#include "core/history/history.h"

/* Marks of a task. AGAIN: it runs again, even if its last attempt failed. CANCELLED: it was
 * cancelled before it had ended for good, so it never starts again. DROPPED: it is not wanted, by
 * the last RESUME. RETURNED: since its last attempt, it was assigned to a node, and the node gave
 * it back or was lost.
 */
enum {
    AW_MARK_SKIPPED = 1,
    AW_MARK_AGAIN = 2,
    AW_MARK_CANCELLED = 4,
    AW_MARK_DROPPED = 8,
    AW_MARK_RETURNED = 16
};

/* "simulate@2[17] WHAT" as an error: -1. */
int aw_history_refuse (const struct aw_history *history,
                       uint32_t task,
                       const char *what,
                       struct aw_error *err);

/* Has the node number I of the START what it takes, free? 0, or -1 with text. */
int aw_history_check_held (const struct aw_history *history,
                           const struct aw_event *ev,
                           uint32_t i,
                           struct aw_error *err);

/* Makes the nodes of an attempt busy, as its START says; checked, and with room reserved. */
void aw_history_hold (struct aw_history *history, struct aw_attempt *a, const struct aw_event *ev);

/* The attempt holds nothing any more. */
void aw_history_give_back (struct aw_history *history, const struct aw_attempt *a);

/* history_attempt.c. Each: 0, or -1 with text. */

/* Handles a START, or a STAGE, with which the attempt holds nothing yet. */
int aw_history_handle_start (struct aw_history *history,
                             const struct aw_event *ev,
                             struct aw_error *err);

/* Handles a FINISH. */
int aw_history_handle_finish (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err);

/* Handles a STAGED or RELEASE. */
int aw_history_handle_staging (struct aw_history *history,
                               const struct aw_event *ev,
                               struct aw_error *err);

/* Handles a SERVING. */
int aw_history_handle_serving (struct aw_history *history,
                               const struct aw_event *ev,
                               struct aw_error *err);

/* history_assign.c. Each: 0, or -1 with text. */

/* Handles an ASSIGN. */
int aw_history_handle_assign (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err);

/* EV is the START or STAGE of an attempt: does it agree with what the task is assigned to? */
int aw_history_check_assigned (const struct aw_history *history,
                               const struct aw_event *ev,
                               struct aw_error *err);

/* Handles the FINISH of an assigned attempt that has not started. 1: it could not be started, which
 * is a failure of the task; nothing has changed. */
int aw_history_take_back (struct aw_history *history,
                          const struct aw_event *ev,
                          struct aw_error *err);

/* The task is assigned to no node any more. Was it? */
bool aw_history_unassign (struct aw_history *history, uint32_t task);

/* history_cancel.c. Handles a CANCEL. 0, or -1 with text. */
int aw_history_handle_cancel (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err);

/* history_resume.c. Handles a RESUME. 0, or -1 with text. */
int aw_history_handle_resume (struct aw_history *history,
                              const struct aw_event *ev,
                              struct aw_error *err);

#endif /* AW_CORE_HISTORY_HISTORY_PARTS_H */
