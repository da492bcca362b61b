/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

#include "util/suggest.h"

static const char *const type_names[AW_EVENT_TYPES] = {
    [AW_EVENT_NODE] = "node",
    [AW_EVENT_NODE_LOST] = "node_lost",
    [AW_EVENT_READY] = "ready",
    [AW_EVENT_START] = "start",
    [AW_EVENT_KILL] = "kill",
    [AW_EVENT_FINISH] = "finish",
    [AW_EVENT_SKIP] = "skip",
    [AW_EVENT_STOP] = "stop",
    [AW_EVENT_END] = "end",
    [AW_EVENT_WAKE] = "wake",
    [AW_EVENT_RESUME] = "resume",
    [AW_EVENT_LIMIT] = "limit",
    [AW_EVENT_NODE_DRAIN] = "node_aside",
    [AW_EVENT_STAGE] = "stage",
    [AW_EVENT_STAGED] = "staged",
    [AW_EVENT_RELEASE] = "release",
    [AW_EVENT_MESSAGE] = "message",
    [AW_EVENT_CANCEL] = "cancel",
    [AW_EVENT_ADD] = "add",
};

static const char *const status_names[AW_STATUSES] = {
    [AW_STATUS_COMPLETED] = "completed", [AW_STATUS_FAILED] = "failed",
    [AW_STATUS_TIMEOUT] = "timeout",     [AW_STATUS_CANCELLED] = "cancelled",
    [AW_STATUS_NODE_FAIL] = "node_fail", [AW_STATUS_OUT_OF_MEMORY] = "out_of_memory",
};

const char *aw_event_type_name (enum aw_event_type type)
{
    return (unsigned)type < AW_EVENT_TYPES ? type_names[type] : "unknown";
}

int aw_event_type_parse (const char *name)
{
    return aw_find_name (name, type_names, AW_EVENT_TYPES);
}

const char *aw_status_name (enum aw_status status)
{
    return (unsigned)status < AW_STATUSES ? status_names[status] : "unknown";
}

int aw_status_parse (const char *name)
{
    return aw_find_name (name, status_names, AW_STATUSES);
}
