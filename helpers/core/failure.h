/* SPDX-License-Identifier: Apache-2.0 */
/* How an attempt failed, in words for people. */
#ifndef AW_CORE_FAILURE_H
#define AW_CORE_FAILURE_H

#include <stddef.h>

#include "core/event.h"

/* "exit code 3", "SIGKILL", "time limit reached", "node lost: ...", for a FINISH of that status,
 * code, signal and reason (may be NULL). Cut at SIZE. Returns BUF.
 */
const char *aw_failure_text (
    char *buf, size_t size, enum aw_status status, int code, int signal, const char *reason);

/* "SIGKILL"; "signal 99" for one without name. Returns BUF. */
const char *aw_signal_name (char *buf, size_t size, int signal);

#endif /* AW_CORE_FAILURE_H */
