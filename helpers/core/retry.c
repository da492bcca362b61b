/* SPDX-License-Identifier: Apache-2.0 */
#include "core/retry.h"

#include <math.h>

static const char *const cause_names[AW_CAUSES] = {
    [AW_CAUSE_EXIT] = "exit", [AW_CAUSE_SIGNAL] = "signal",       [AW_CAUSE_TIMEOUT] = "timeout",
    [AW_CAUSE_OOM] = "oom",   [AW_CAUSE_NODE_FAIL] = "node_fail",
};

const char *aw_cause_name (enum aw_cause cause)
{
    return (unsigned)cause < AW_CAUSES ? cause_names[cause] : "unknown";
}

void aw_codes_add (struct aw_codes *codes, int code)
{
    if (code >= 0 && code <= 255)
        codes->bits[code / 64] |= UINT64_C (1) << (code % 64);
}

bool aw_codes_has (const struct aw_codes *codes, int code)
{
    return code >= 0 && code <= 255 && (codes->bits[code / 64] >> (code % 64) & 1);
}

bool aw_codes_empty (const struct aw_codes *codes)
{
    return !(codes->bits[0] | codes->bits[1] | codes->bits[2] | codes->bits[3]);
}

enum aw_cause aw_cause_of (const struct aw_event *finish)
{
    switch (finish->status) {
    case AW_STATUS_TIMEOUT:
        return AW_CAUSE_TIMEOUT;
    case AW_STATUS_OUT_OF_MEMORY:
        return AW_CAUSE_OOM;
    case AW_STATUS_NODE_FAIL:
        return AW_CAUSE_NODE_FAIL;
    case AW_STATUS_CANCELLED:
        return AW_CAUSE_SIGNAL;
    default:
        return finish->signal ? AW_CAUSE_SIGNAL : AW_CAUSE_EXIT;
    }
}

bool aw_retry_allows (const struct aw_retry *retry,
                      uint32_t failures,
                      const struct aw_event *finish)
{
    enum aw_cause cause = aw_cause_of (finish);

    if (failures > retry->count)
        return false;
    if (!retry->causes && aw_codes_empty (&retry->codes))
        return true;
    return (retry->causes >> cause & 1)
           || (cause == AW_CAUSE_EXIT && aw_codes_has (&retry->codes, finish->code));
}

double aw_retry_delay (const struct aw_retry *retry, uint32_t failures)
{
    double most = retry->max_delay > 0 ? fmin (retry->max_delay, AW_MAX_DELAY) : AW_MAX_DELAY;
    double delay = retry->delay, factor = retry->backoff > 0 ? retry->backoff : 1;

    if (factor != 1)
        for (uint32_t i = 1; i < failures && delay < most && delay > 1e-6; i++)
            delay *= factor;
    return delay > 0 ? fmin (delay, most) : 0;
}

enum aw_status aw_judge_end (const struct aw_event *finish,
                             const struct aw_codes *success,
                             enum aw_status otherwise)
{
    bool succeeded =
        aw_codes_empty (success) ? finish->code == 0 : aw_codes_has (success, finish->code);

    return succeeded && finish->signal == 0 ? AW_STATUS_COMPLETED : otherwise;
}
