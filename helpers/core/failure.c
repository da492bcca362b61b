/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/failure.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/compat.h"

const char *aw_signal_name (char *buf, size_t size, int signal)
{
    const char *name = sigabbrev_np (signal);

    if (name)
        snprintf (buf, size, "SIG%s", name);
    else
        snprintf (buf, size, "signal %d", signal);
    return buf;
}

/* "WHAT (HOW)", either of which may be missing; HOW comes behind a colon where COLON. */
static void join (char *buf, size_t size, const char *what, const char *how, bool colon)
{
    if (!*how || !*what)
        snprintf (buf, size, "%s%s", what, how);
    else
        snprintf (buf, size, colon ? "%s: %s" : "%s (%s)", what, how);
}

const char *aw_failure_text (
    char *buf, size_t size, enum aw_status status, int code, int signal, const char *reason)
{
    char how[64] = "";

    if (signal)
        aw_signal_name (how, sizeof (how), signal);
    else if (code)
        snprintf (how, sizeof (how), "exit code %d", code);
    if (!reason)
        reason = "";
    switch (status) {
    case AW_STATUS_COMPLETED:
        join (buf, size, "completed", "", false);
        break;
    case AW_STATUS_FAILED:
        /* All other failures without code and signal have a reason. */
        join (buf, size, *how || *reason ? how : "exit code 0, not one of its success_codes",
              reason, true);
        break;
    case AW_STATUS_TIMEOUT:
        join (buf, size, *reason ? reason : "time limit reached", how, false);
        break;
    case AW_STATUS_CANCELLED:
        join (buf, size, "cancelled", how, false);
        break;
    case AW_STATUS_NODE_FAIL: /* where nothing more is known that is all the reason */
        join (buf, size, "node lost", strcmp (reason, "node lost") == 0 ? "" : reason, true);
        break;
    case AW_STATUS_OUT_OF_MEMORY:
        join (buf, size, "out of memory", how, false);
        break;
    case AW_STATUSES:
        join (buf, size, "unknown", "", false);
        break;
    }
    return buf;
}
