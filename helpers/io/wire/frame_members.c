/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wire/frame_members.h"

#include <math.h>

#define HEAD(name) ",\"" name "\":"
#define KEY(name) name, HEAD (name), sizeof (HEAD (name)) - 1
#define OF(place) offsetof (struct aw_frame, place)
#define MEMBER(name, form, place)                              \
    {                                                          \
        KEY (name), AW_FORM_##form, OF (place), AW_WHEN_ALWAYS \
    }
#define MAYBE(name, form, place, when)                         \
    {                                                          \
        KEY (name), AW_FORM_##form, OF (place), AW_WHEN_##when \
    }
#define COUNT(members) (sizeof (members) / sizeof (members[0]))
/* The array is of a wrong size, which the compiler reports, where a kind has too many members. */
#define KIND(members, event)                                                                   \
    {                                                                                          \
        members,                                                                               \
            COUNT (members) * sizeof (char[COUNT (members) <= AW_FRAME_MEMBERS_MAX ? 1 : -1]), \
            event                                                                              \
    }

static const struct aw_frame_member challenge[] = {
    MEMBER ("challenge", STRING, nonce),
};

static const struct aw_frame_member proof[] = {
    MEMBER ("proof", STRING, credential),
    MAYBE ("nonce", STRING, nonce, SAID),
};

static const struct aw_frame_member hello[] = {
    MEMBER ("hello", VERSION, type),
    MEMBER ("node", STRING, event.name),
    MEMBER ("cpus", IDS, event.cpus),
    MEMBER ("gpus", IDS, event.gpus),
    MEMBER ("mem", U64, event.mem),
    MAYBE ("unbound", FLAG, event.unbound, SAID),
    MAYBE ("topology", STRING, event.topology, SAID),
    MAYBE ("socket", STRING, event.socket, SAID),
    MAYBE ("host", STRING, event.host, SAID),
    MAYBE ("port", U32, event.port, SAID),
    MAYBE ("note", STRING, event.reason, SAID),
};

/* A start and an assignment differ in their first key, and an assignment has no CPUs and GPUs. */
/* clang-format off */
#define LAUNCH(kind)                                            \
    {                                                           \
        MEMBER (kind, U32, launch.task),                        \
        MEMBER ("attempt", U32, launch.attempt),                \
        MEMBER ("argv", COMMAND, launch.argv),                  \
        MEMBER ("env", STRINGS, launch.env),                    \
        MAYBE ("base", STRING, launch.base, SAID),              \
        MEMBER ("dir", STRING, launch.directory),               \
        MAYBE ("out", STRING, launch.out, SAID),                \
        MAYBE ("err", STRING, launch.err, SAID),                \
        MAYBE ("store", STRING, launch.store, SAID),            \
        MAYBE ("durable", FLAG, launch.durable, SAID),          \
        MAYBE ("tidy", U32, launch.tidy, SAID),                 \
        MAYBE ("place", U32, launch.place, SAID),               \
        MAYBE ("batch", U32, launch.batch, SAID),               \
        MAYBE ("cpus", IDS, launch.cpus, PLACED),               \
        MAYBE ("gpus", IDS, launch.gpus, PLACED),               \
        MAYBE ("slurm", FLAG, launch.slurm_commands, SAID),     \
        MAYBE ("unbound", FLAG, launch.unbound, SAID),          \
        MAYBE ("share", U32, launch.gpu_share, SAID),           \
        MAYBE ("service", FLAG, launch.service, SAID),          \
        MAYBE ("port", U32, launch.port, SAID),                 \
        MAYBE ("topic", STRING, launch.ready_topic, SAID),      \
        MAYBE ("within", SECONDS, launch.ready_timeout, SAID),  \
        MAYBE ("limit", SECONDS, launch.time_limit, SAID),      \
        MAYBE ("grace", SECONDS, launch.grace, LIMIT),          \
        MAYBE ("notice", SECONDS, launch.notice, SAID),         \
        MAYBE ("signal", SIGNAL, launch.notice_signal, NOTICE), \
        MAYBE ("cancels", FLAG, launch.notice_cancels, NOTICE), \
        MAYBE ("bring", COPIES, launch.stage_in, SAID),         \
        MAYBE ("peers", STRINGS, launch.peers, SAID),           \
        MAYBE ("instance", U32, launch.instance, STAGE_IN),     \
        MAYBE ("fetch", COPIES, launch.stage_out, SAID),        \
        MAYBE ("release", FLAG, launch.release, STAGE_OUT),     \
        MAYBE ("success", CODES, launch.success, SAID),         \
        MAYBE ("worker", U32, launch.worker, SAID),             \
        MAYBE ("name", STRING, launch.name, SAID),              \
        MAYBE ("call", STRING, launch.call, SAID),              \
        MAYBE ("mib", U32, launch.mem, SAID)                    \
    }
/* clang-format on */

static const struct aw_frame_member start[] = LAUNCH ("start");
static const struct aw_frame_member assign[] = LAUNCH ("assign");

static const struct aw_frame_member unassign[] = {
    MEMBER ("unassign", U32, event.task),
    MEMBER ("attempt", U32, event.attempt),
};

static const struct aw_frame_member stage[] = {
    MEMBER ("stage", U32, launch.task),
    MEMBER ("attempt", U32, launch.attempt),
    MAYBE ("bring", COPIES, launch.stage_in, SAID),
    MAYBE ("peers", STRINGS, launch.peers, SAID),
    MAYBE ("instance", U32, launch.instance, STAGE_IN),
};

static const struct aw_frame_member staged[] = {
    MEMBER ("staged", U32, event.task),
    MEMBER ("attempt", U32, event.attempt),
    MEMBER ("seconds", SECONDS, event.seconds),
    MEMBER ("bytes", U64, event.bytes),
    MAYBE ("from_nodes", U64, event.node_bytes, SAID),
    MAYBE ("note", STRING, event.reason, SAID),
};

static const struct aw_frame_member release[] = {
    MEMBER ("release", U32, event.task),
    MEMBER ("attempt", U32, event.attempt),
    MEMBER ("seconds", SECONDS, event.seconds),
};

static const struct aw_frame_member serving[] = {
    MEMBER ("serving", U32, event.task),
    MEMBER ("attempt", U32, event.attempt),
    MEMBER ("seconds", SECONDS, event.seconds),
    MAYBE ("port", U32, event.port, SAID),
};

static const struct aw_frame_member task_kill[] = {
    MEMBER ("kill", U32, event.task),
    MEMBER ("attempt", U32, event.attempt),
    MEMBER ("grace", SECONDS, grace),
};

static const struct aw_frame_member finish[] = {
    MEMBER ("finish", U32, event.task),
    MEMBER ("attempt", U32, event.attempt),
    MEMBER ("status", STATUS, event.status),
    MEMBER ("code", BYTE, event.code),
    MEMBER ("signal", BYTE, event.signal),
    MEMBER ("seconds", SECONDS, event.seconds),
    MEMBER ("cpu", SECONDS, event.cpu_seconds),
    MEMBER ("rss", U64, event.max_rss),
    MAYBE ("gpu_util", SECONDS, event.gpu_util, GPU_LOAD),
    MAYBE ("gpu_mem", U64, event.gpu_mem, GPU_USAGE),
    MAYBE ("first", U32, event.first_call, SAID),
    MAYBE ("reason", STRING, event.reason, SAID),
    MAYBE ("next", U32, event.next, CONTINUED),
    MAYBE ("next_attempt", U32, event.next_attempt, CONTINUED),
};

static const struct aw_frame_member leave[] = {
    MEMBER ("leave", STRING, event.reason),
};

static const struct aw_frame_member quit[] = {
    MEMBER ("quit", FLAG, now),
};

static const struct aw_frame_member ping[] = {
    MEMBER ("ping", SECONDS, seconds),
};

static const struct aw_frame_member pong[] = {
    MEMBER ("pong", TRUE, type),
};

static const struct aw_frame_member take[] = {
    MEMBER ("take", STRING, take.from), MEMBER ("to", STRING, take.to),
    MEMBER ("file", STRING, take.file), MEMBER ("bytes", U64, take.bytes),
    MEMBER ("time", U64, take.time),    MAYBE ("damaged", FLAG, take.damaged, SAID),
};

const struct aw_frame_kind aw_frame_kinds[AW_FRAME_TYPES] = {
    [AW_FRAME_CHALLENGE] = KIND (challenge, 0),
    [AW_FRAME_PROOF] = KIND (proof, 0),
    [AW_FRAME_HELLO] = KIND (hello, AW_EVENT_NODE),
    [AW_FRAME_START] = KIND (start, 0),
    [AW_FRAME_ASSIGN] = KIND (assign, 0),
    [AW_FRAME_UNASSIGN] = KIND (unassign, 0),
    [AW_FRAME_STAGE] = KIND (stage, 0),
    [AW_FRAME_STAGED] = KIND (staged, AW_EVENT_STAGED),
    [AW_FRAME_RELEASE] = KIND (release, AW_EVENT_RELEASE),
    [AW_FRAME_SERVING] = KIND (serving, AW_EVENT_SERVING),
    [AW_FRAME_KILL] = KIND (task_kill, AW_EVENT_KILL),
    [AW_FRAME_FINISH] = KIND (finish, AW_EVENT_FINISH),
    [AW_FRAME_LEAVE] = KIND (leave, 0),
    [AW_FRAME_QUIT] = KIND (quit, 0),
    [AW_FRAME_PING] = KIND (ping, 0),
    [AW_FRAME_PONG] = KIND (pong, 0),
    [AW_FRAME_TAKE] = KIND (take, 0),
};

/* Is there something in VALUE? */
static bool says (enum aw_frame_form form, const void *value)
{
    switch (form) {
    case AW_FORM_FLAG:
        return *(const bool *)value;
    case AW_FORM_U32:
        return *(const uint32_t *)value > 0;
    case AW_FORM_U64:
        return *(const uint64_t *)value > 0;
    case AW_FORM_SECONDS:
        return isfinite (*(const double *)value);
    case AW_FORM_CODES:
        return !aw_codes_empty (value);
    default:
        return *(const void *const *)value;
    }
}

bool aw_frame_has (const struct aw_frame *frame, const struct aw_frame_member *member)
{
    const struct aw_launch *launch = &frame->launch;
    const struct aw_event *ev = &frame->event;

    switch (member->when) {
    case AW_WHEN_ALWAYS:
        return true;
    case AW_WHEN_SAID:
        return says (member->form, (const char *)frame + member->offset);
    case AW_WHEN_LIMIT:
        return isfinite (launch->time_limit) || launch->service;
    case AW_WHEN_NOTICE:
        return isfinite (launch->notice);
    case AW_WHEN_PLACED:
        return !launch->assigned;
    case AW_WHEN_STAGE_IN:
        return launch->stage_in;
    case AW_WHEN_STAGE_OUT:
        return launch->stage_out;
    case AW_WHEN_GPU_USAGE:
        return ev->gpu_known;
    case AW_WHEN_GPU_LOAD:
        return ev->gpu_known && ev->gpu_util >= 0;
    case AW_WHEN_CONTINUED:
        return ev->continued;
    }
    return false;
}
