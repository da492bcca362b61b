/* SPDX-License-Identifier: Apache-2.0 */
/* Those keys of a task set that say what a failure is and what follows it. Private to the
 * workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_WORKFLOW_FAILURES_H
#define AW_IO_WORKFLOW_WORKFLOW_FAILURES_H

#include "core/retry.h"
#include "io/workflow/reader.h"

/* A number, or an object of count, delay, backoff, max_delay and on. Replaces RETRY. */
void aw_read_retries (struct aw_reader *reader, struct json_object *value, struct aw_retry *retry);

/* An array of exit codes. Replaces CODES. */
void aw_read_success_codes (struct aw_reader *reader,
                            struct json_object *value,
                            struct aw_codes *codes);

/* "USR1@60s": a signal, and how long before a task's end for time it is sent. */
void aw_read_checkpoint_signal (struct aw_reader *reader,
                                struct json_object *value,
                                int *number,
                                double *seconds);

#endif /* AW_IO_WORKFLOW_WORKFLOW_FAILURES_H */
