/* SPDX-License-Identifier: Apache-2.0 */
/* How the members of events stand in a line of the journal. Which event has which is in
 * core/event.c.
 */
#include "io/journal/journal_members.h"

#define HEAD(text) text, sizeof (text) - 1
#define KEY(name) name, HEAD (",\"" name "\":")
#define OF_EVENT(member) offsetof (struct aw_event, member)
#define OF_RESUME(member) offsetof (struct aw_resume, member)

/* The largest values are those that a run can reach, and that a double holds exactly. */
const struct aw_journal_member aw_journal_members[AW_MEMBERS] = {
    [AW_MEMBER_T] = { "t", HEAD ("{\"t\":"), AW_JOURNAL_SECONDS, OF_EVENT (t), 1e10 },
    [AW_MEMBER_EVENT] = { KEY ("event"), AW_JOURNAL_TYPE, OF_EVENT (type), 0 },
    [AW_MEMBER_TASK] = { KEY ("task"), AW_JOURNAL_TASK, OF_EVENT (task), 0 },
    [AW_MEMBER_ATTEMPT] = { KEY ("attempt"), AW_JOURNAL_U32, OF_EVENT (attempt), 1e6 },
    [AW_MEMBER_NODE] = { KEY ("node"), AW_JOURNAL_NODE, OF_EVENT (node), 0 },
    [AW_MEMBER_CPUS] = { KEY ("cpus"), AW_JOURNAL_IDS, OF_EVENT (cpus), 0 },
    [AW_MEMBER_GPUS] = { KEY ("gpus"), AW_JOURNAL_IDS, OF_EVENT (gpus), 0 },
    [AW_MEMBER_MORE] = { KEY ("more"), AW_JOURNAL_MORE, OF_EVENT (more), 0 },
    [AW_MEMBER_MEM] = { KEY ("mem"), AW_JOURNAL_U64, OF_EVENT (mem), 9e18 },
    [AW_MEMBER_TOPOLOGY] = { KEY ("topology"), AW_JOURNAL_TEXT, OF_EVENT (topology), 0 },
    [AW_MEMBER_STATUS] = { KEY ("status"), AW_JOURNAL_STATUS, OF_EVENT (status), 0 },
    [AW_MEMBER_CODE] = { KEY ("code"), AW_JOURNAL_INT, OF_EVENT (code), 1e6 },
    [AW_MEMBER_SIGNAL] = { KEY ("signal"), AW_JOURNAL_INT, OF_EVENT (signal), 1000 },
    [AW_MEMBER_SECONDS] = { KEY ("seconds"), AW_JOURNAL_SECONDS, OF_EVENT (seconds), 1e10 },
    [AW_MEMBER_CPU_SECONDS] = { KEY ("cpu_seconds"), AW_JOURNAL_SECONDS, OF_EVENT (cpu_seconds),
                                1e15 },
    [AW_MEMBER_MAX_RSS] = { KEY ("max_rss"), AW_JOURNAL_U64, OF_EVENT (max_rss), 9e18 },
    [AW_MEMBER_GPU_UTIL] = { KEY ("gpu_util"), AW_JOURNAL_SECONDS, OF_EVENT (gpu_util), 1 },
    [AW_MEMBER_GPU_MEM] = { KEY ("gpu_mem"), AW_JOURNAL_U64, OF_EVENT (gpu_mem), 9e18 },
    [AW_MEMBER_BYTES] = { KEY ("bytes"), AW_JOURNAL_U64, OF_EVENT (bytes), 9e18 },
    [AW_MEMBER_NODE_BYTES] = { KEY ("from_nodes"), AW_JOURNAL_U64, OF_EVENT (node_bytes), 9e18 },
    [AW_MEMBER_TOPIC] = { KEY ("topic"), AW_JOURNAL_TEXT, OF_EVENT (name), 0 },
    [AW_MEMBER_COUNT] = { KEY ("count"), AW_JOURNAL_U64, OF_EVENT (count), 9e15 },
    [AW_MEMBER_EPOCH] = { KEY ("epoch"), AW_JOURNAL_SECONDS, OF_RESUME (epoch), 1e11 },
    [AW_MEMBER_JOB] = { KEY ("job"), AW_JOURNAL_TEXT, OF_RESUME (job), 0 },
    [AW_MEMBER_MODE] = { KEY ("mode"), AW_JOURNAL_TEXT, OF_RESUME (mode), 0 },
    [AW_MEMBER_POLICY] = { KEY ("policy"), AW_JOURNAL_TEXT, OF_RESUME (policy), 0 },
    [AW_MEMBER_BACKLOG] = { KEY ("backlog"), AW_JOURNAL_SECONDS, OF_RESUME (backlog), 1e10 },
    [AW_MEMBER_WORKFLOW] = { KEY ("workflow"), AW_JOURNAL_TEXT, OF_RESUME (workflow), 0 },
    [AW_MEMBER_AGAIN] = { KEY ("again"), AW_JOURNAL_SETS, OF_RESUME (again), 0 },
    [AW_MEMBER_DROPPED] = { KEY ("dropped"), AW_JOURNAL_INDEXES, OF_RESUME (dropped), 0 },
    [AW_MEMBER_ORDER] = { KEY ("order"), AW_JOURNAL_TEXT, OF_EVENT (text), 0 },
    [AW_MEMBER_PORT] = { KEY ("port"), AW_JOURNAL_U32, OF_EVENT (port), 65535 },
    [AW_MEMBER_FIRST_CALL] = { KEY ("first_call"), AW_JOURNAL_U32, OF_EVENT (first_call),
                               UINT32_MAX },
    [AW_MEMBER_REASON] = { KEY ("reason"), AW_JOURNAL_TEXT, OF_EVENT (reason), 0 },
};

/* Offset of MEMBER in an event of TYPE, or in its RESUME. */
static size_t offset_of (enum aw_event_type type, int member, bool *of_resume)
{
    *of_resume = member >= AW_MEMBER_EPOCH && member <= AW_MEMBER_DROPPED;
    if (member != AW_MEMBER_WORKFLOW || type != AW_EVENT_ADD)
        return aw_journal_members[member].offset;
    *of_resume = false;
    return OF_EVENT (text);
}

const void *aw_journal_value (const struct aw_event *ev, int member)
{
    bool of_resume;
    size_t offset = offset_of (ev->type, member, &of_resume);

    return of_resume ? (const char *)ev->resume + offset : (const char *)ev + offset;
}

void *aw_journal_place (struct aw_event *ev, struct aw_resume *resume, int member)
{
    bool of_resume;
    size_t offset = offset_of (ev->type, member, &of_resume);

    return of_resume ? (char *)resume + offset : (char *)ev + offset;
}
