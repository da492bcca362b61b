/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

#include <string.h>

#include "util/suggest.h"

#define BIT(member) AW_MEMBER_BIT (AW_MEMBER_##member)
#define ATTEMPT (BIT (TASK) | BIT (ATTEMPT))

/* T, EVENT and REASON, which events of all types may have, are added by aw_event_members. */
static const struct aw_event_members types[AW_EVENT_TYPES] = {
    [AW_EVENT_NODE] = { "node", BIT (NODE) | BIT (CPUS), BIT (GPUS) | BIT (MEM), BIT (TOPOLOGY) },
    [AW_EVENT_NODE_LOST] = { "node_lost", BIT (NODE), 0, 0 },
    [AW_EVENT_READY] = { "ready", ATTEMPT, 0, 0 },
    [AW_EVENT_START] = { "start", ATTEMPT | BIT (NODE) | BIT (CPUS), BIT (GPUS), BIT (MORE) },
    [AW_EVENT_STAGE] = { "stage", ATTEMPT | BIT (NODE), 0, 0 },
    [AW_EVENT_STAGED] = { "staged", ATTEMPT | BIT (NODE), BIT (SECONDS) | BIT (BYTES),
                          BIT (NODE_BYTES) },
    [AW_EVENT_RELEASE] = { "release", ATTEMPT | BIT (NODE), BIT (SECONDS), 0 },
    [AW_EVENT_KILL] = { "kill", ATTEMPT, 0, BIT (CODE) },
    [AW_EVENT_FINISH] = { "finish", ATTEMPT | BIT (NODE) | BIT (STATUS) | BIT (SECONDS),
                          BIT (CODE) | BIT (SIGNAL) | BIT (CPU_SECONDS) | BIT (MAX_RSS),
                          BIT (GPU_UTIL) | BIT (GPU_MEM) | BIT (FIRST_CALL) },
    [AW_EVENT_SKIP] = { "skip", BIT (TASK), 0, 0 },
    [AW_EVENT_STOP] = { "stop", 0, 0, BIT (CODE) },
    [AW_EVENT_END] = { "end", BIT (CODE), 0, 0 },
    [AW_EVENT_WAKE] = { "wake", 0, 0, 0 },
    [AW_EVENT_RESUME] = { "resume", BIT (EPOCH), 0,
                          BIT (JOB) | BIT (MODE) | BIT (POLICY) | BIT (BACKLOG) | BIT (WORKFLOW)
                              | BIT (AGAIN) | BIT (DROPPED) },
    [AW_EVENT_LIMIT] = { "limit", BIT (SECONDS), 0, 0 },
    [AW_EVENT_NODE_DRAIN] = { "node_aside", BIT (NODE), 0, BIT (CODE) },
    [AW_EVENT_MESSAGE] = { "message", BIT (TOPIC) | BIT (COUNT), 0, 0 },
    [AW_EVENT_CANCEL] = { "cancel", BIT (TASK) | BIT (COUNT), 0, BIT (CODE) },
    [AW_EVENT_ADD] = { "add", ATTEMPT | BIT (WORKFLOW), 0, 0 },
    [AW_EVENT_STALL] = { "stall", ATTEMPT | BIT (TOPIC) | BIT (COUNT), 0, BIT (CODE) },
    [AW_EVENT_PLAN] = { "plan", BIT (ORDER), 0, 0 },
    [AW_EVENT_SERVING] = { "serving", ATTEMPT | BIT (NODE) | BIT (SECONDS), 0, BIT (PORT) },
    [AW_EVENT_ASSIGN] = { "assign", ATTEMPT | BIT (NODE), 0, 0 },
    [AW_EVENT_AWAIT] = { "await", BIT (COUNT), 0, 0 },
};

static const char *const status_names[AW_STATUSES] = {
    [AW_STATUS_COMPLETED] = "completed", [AW_STATUS_FAILED] = "failed",
    [AW_STATUS_TIMEOUT] = "timeout",     [AW_STATUS_CANCELLED] = "cancelled",
    [AW_STATUS_NODE_FAIL] = "node_fail", [AW_STATUS_OUT_OF_MEMORY] = "out_of_memory",
};

const char *aw_event_type_name (enum aw_event_type type)
{
    return (unsigned)type < AW_EVENT_TYPES ? types[type].name : "unknown";
}

int aw_event_type_parse (const char *name)
{
    for (int i = 0; i < AW_EVENT_TYPES; i++)
        if (strcmp (name, types[i].name) == 0)
            return i;
    return -1;
}

struct aw_event_members aw_event_members (enum aw_event_type type)
{
    struct aw_event_members members = types[type];

    members.required |= BIT (T) | BIT (EVENT);
    members.optional |= BIT (REASON);
    return members;
}

bool aw_event_names_task (enum aw_event_type type)
{
    return (unsigned)type < AW_EVENT_TYPES && types[type].required & BIT (TASK)
           && type != AW_EVENT_ADD;
}

const char *aw_status_name (enum aw_status status)
{
    return (unsigned)status < AW_STATUSES ? status_names[status] : "unknown";
}

int aw_status_parse (const char *name)
{
    return aw_find_name (name, status_names, AW_STATUSES);
}
