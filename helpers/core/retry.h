/* SPDX-License-Identifier: Apache-2.0 */
/* When a failed attempt is tried again, and how soon: a rule of each task set, asked with how the
 * attempt failed. Which exit codes are no failure at all stands here, too.
 */
#ifndef AW_CORE_RETRY_H
#define AW_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

/* How an attempt failed, as far as "on" of a workflow's "retries" tells causes apart. */
enum aw_cause {
    AW_CAUSE_EXIT, /* an exit code, or it could not be started */
    AW_CAUSE_SIGNAL,
    AW_CAUSE_TIMEOUT, /* its time_limit */
    AW_CAUSE_OOM, /* out of memory */
    AW_CAUSE_NODE_FAIL, /* more lost nodes than are forgiven, see AW_LOST_NODES_A_TASK */
    AW_CAUSES /* their number */
};

/* Exit codes 0 to 255; none: {0}. */
struct aw_codes {
    uint64_t bits[4];
};

/* The further attempts after a failed first one. {0}: none. */
struct aw_retry {
    uint32_t count;
    double delay; /* seconds before the first of them; 0: none */
    double backoff; /* each further delay is so many times the one before; 0: 1 */
    double max_delay; /* seconds that no delay exceeds; 0: any */
    uint32_t causes; /* bits 1 << enum aw_cause that are tried again */
    struct aw_codes codes; /* exit codes that are, too. Neither causes nor codes: all are */
};

/* So many lost nodes in a row use up no retry; then a task counts as what kills them. */
enum { AW_LOST_NODES_A_TASK = 3 };

/* The longest delay, 30 days: more is cut. */
#define AW_MAX_DELAY (30 * 86400.0)

/* "exit", "signal", "timeout", "oom", "node_fail". parse gives -1 for others. */
const char *aw_cause_name (enum aw_cause cause);
int aw_cause_parse (const char *name);

void aw_codes_add (struct aw_codes *codes, int code); /* others than 0 to 255 are left out */
bool aw_codes_has (const struct aw_codes *codes, int code);
bool aw_codes_empty (const struct aw_codes *codes);

/* The cause of FINISH, which did not complete. A cancelled attempt counts as ended by a signal. */
enum aw_cause aw_cause_of (const struct aw_event *finish);

/* Is there another attempt after FINISH, the FAILURES'th failure (from 1) of its task? */
bool aw_retry_allows (const struct aw_retry *retry,
                      uint32_t failures,
                      const struct aw_event *finish);

/* Seconds before that attempt: delay * backoff^(failures - 1), cut at max_delay. */
double aw_retry_delay (const struct aw_retry *retry, uint32_t failures);

/* By the exit codes that mean success (none: 0 alone), FINISH may be a success though its code is
 * not 0, or a failure though it is: sets its status so. What ended by a signal, could not be
 * started, or was ended by us stays as it is.
 */
void aw_judge_finish (struct aw_event *finish, const struct aw_codes *success);

#endif /* AW_CORE_RETRY_H */
