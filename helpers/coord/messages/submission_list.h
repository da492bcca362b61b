/* SPDX-License-Identifier: Apache-2.0 */
/* The list of submitted tasks as their submitters see it (LIST in util/packet.h). A line has, with
 * a blank between them:
 *
 *   ID COUNT         COUNT tasks with ids from ID on, of which the rest of the line is true
 *   LETTER           enum aw_packet_state
 *   STATUS CODE SIGNAL   how the last attempt ended ("-" 0 0: none has)
 *   ATTEMPT CPUS GPUS MEM LIMIT   GPUS may have a fraction; MEM in bytes, LIMIT in seconds, 0: none
 *   SUBMITTED STARTED ENDED   seconds since 1970; 0: not yet
 *   NODE NAME        NODE "-": not yet
 *
 * then, after a tab, the first word of the comment; or, with details, the comment, a tab, and the
 * working directory.
 */
#ifndef AW_COORD_MESSAGES_SUBMISSION_LIST_H
#define AW_COORD_MESSAGES_SUBMISSION_LIST_H

#include <stdbool.h>

#include "core/event.h"
#include "core/sched/sched.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"
#include "util/packet.h"
#include "util/strings.h"

/* What is noted of a task besides its state. */
struct aw_submission_note {
    uint32_t submitted, started, ended; /* seconds since 1970 */
    uint32_t node, attempt;
    int code, signal;
    enum aw_status status; /* of the last attempt that ended; AW_STATUSES: none has */
};

/* Zeroed but for workflow and state it is empty. */
struct aw_submission_list {
    const struct aw_workflow *workflow; /* borrowed */
    enum aw_task_state (*state) (void *arg, uint32_t task);
    void *arg;
    struct aw_submission_note *notes; /* private, as all below: by id */
    uint32_t n, room;
    struct aw_strings nodes; /* by number, those of earlier parts of the run first */
    uint32_t first_node; /* number of this part's first one */
    struct aw_textbuf last, line; /* scratch */
};

void aw_submission_list_finish (struct aw_submission_list *list);

/* EV has happened, at the wall clock's time NOW. Without memory nothing is noted. */
void aw_submission_list_event (struct aw_submission_list *list,
                               const struct aw_event *ev,
                               uint32_t now);

/* The letter for STATE. */
char aw_submission_letter (enum aw_task_state state);

/* Appends lines for the SIZE bytes of a LIST to TEXT, and sets NEXT, the id to continue with. 0, or
 * -1: the request is wrong. */
int aw_submission_list_put (struct aw_submission_list *list,
                            const char *request,
                            size_t size,
                            struct aw_textbuf *text,
                            uint64_t *next);

#endif /* AW_COORD_MESSAGES_SUBMISSION_LIST_H */
