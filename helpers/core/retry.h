/* SPDX-License-Identifier: Apache-2.0 */
/* Whether and when a failed attempt is retried: a rule of each task set that depends on how the
 * attempt failed. Also: which exit codes mean success.
 */
#ifndef AW_CORE_RETRY_H
#define AW_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

/* The causes of a failure that "on" of a workflow's "retries" distinguishes. */
enum aw_cause {
    AW_CAUSE_EXIT, /* an exit code, or it could not start */
    AW_CAUSE_SIGNAL,
    AW_CAUSE_TIMEOUT, /* its time_limit */
    AW_CAUSE_OOM, /* out of memory */
    AW_CAUSE_NODE_FAIL, /* more lost nodes than AW_LOST_NODES_A_TASK */
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
    double backoff; /* each further delay is the one before times this; 0: 1 */
    double max_delay; /* seconds that no delay exceeds; 0: any */
    uint32_t causes; /* bits 1 << enum aw_cause that are retried */
    struct aw_codes codes; /* exit codes that are retried. No causes and no codes: all are */
};

/* This many lost nodes in a row use up no retry; with more, the task is assumed to be the cause. */
enum { AW_LOST_NODES_A_TASK = 3 };

/* The longest delay, 30 days: more is cut. */
#define AW_MAX_DELAY (30 * 86400.0)

/* "exit", "signal", "timeout", "oom", "node_fail". */
const char *aw_cause_name (enum aw_cause cause);

void aw_codes_add (struct aw_codes *codes, int code); /* others than 0 to 255 are ignored */
bool aw_codes_has (const struct aw_codes *codes, int code);
bool aw_codes_empty (const struct aw_codes *codes);

/* The cause of FINISH, which is not a success. A cancelled attempt is treated as ended by a signal.
 */
enum aw_cause aw_cause_of (const struct aw_event *finish);

/* Is there another attempt after FINISH, the FAILURES'th failure (from 1) of its task? */
bool aw_retry_allows (const struct aw_retry *retry,
                      uint32_t failures,
                      const struct aw_event *finish);

/* Seconds before that attempt: delay * backoff^(failures - 1), cut at max_delay. */
double aw_retry_delay (const struct aw_retry *retry, uint32_t failures);

/* The status of an attempt that ended by itself, with the code and signal of FINISH: COMPLETED if
 * the code is one of SUCCESS (none: 0 alone), else OTHERWISE.
 */
enum aw_status aw_judge_end (const struct aw_event *finish,
                             const struct aw_codes *success,
                             enum aw_status otherwise);

#endif /* AW_CORE_RETRY_H */
