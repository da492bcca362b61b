/* SPDX-License-Identifier: Apache-2.0 */
/* The table that frames are written and read by: key, form and place of each member. */
#ifndef AW_IO_WIRE_FRAME_MEMBERS_H
#define AW_IO_WIRE_FRAME_MEMBERS_H

#include "io/wire/frame.h"

enum aw_frame_form {
    AW_FORM_VERSION, /* of the protocol; without a place */
    AW_FORM_TRUE, /* always true; without a place */
    AW_FORM_FLAG,
    AW_FORM_STRING, /* any bytes but NUL */
    AW_FORM_STATUS, /* "completed" */
    AW_FORM_IDS, /* "0-3,8" */
    AW_FORM_CODES, /* "0,3": exit codes */
    AW_FORM_STRINGS,
    AW_FORM_COMMAND, /* strings, at least one */
    AW_FORM_COPIES, /* strings, three for each copy */
    AW_FORM_U32,
    AW_FORM_U64,
    AW_FORM_BYTE, /* an int, 0 to 255 */
    AW_FORM_SIGNAL, /* an int, 0 to 64 */
    AW_FORM_SECONDS, /* with up to six digits after the point */
};

enum aw_frame_when {
    AW_WHEN_ALWAYS,
    AW_WHEN_SAID, /* where it is not NULL, 0, false, infinite or empty */
    AW_WHEN_LIMIT, /* where the launch has a time limit, or is a service */
    AW_WHEN_NOTICE, /* where the launch has a notice */
    AW_WHEN_PLACED, /* where it is not assigned */
    AW_WHEN_STAGE_IN, /* where it has copies to the node */
    AW_WHEN_STAGE_OUT, /* where it has copies from the node */
    AW_WHEN_GPU_USAGE, /* where the event has the usage of GPUs */
    AW_WHEN_GPU_LOAD, /* the same, and their load is known */
    AW_WHEN_CONTINUED, /* where the event names the attempt that follows */
};

struct aw_frame_member {
    const char *key;
    const char *head; /* the text before the value: ,"key": */
    size_t head_size; /* its length */
    enum aw_frame_form form;
    size_t offset; /* in struct aw_frame */
    enum aw_frame_when when;
};

enum { AW_FRAME_MEMBERS_MAX = 48 }; /* of a kind */

struct aw_frame_kind {
    const struct aw_frame_member *members; /* in their order; the key of the first names the kind */
    size_t n;
    enum aw_event_type event; /* type of the frame's event */
};
extern const struct aw_frame_kind aw_frame_kinds[AW_FRAME_TYPES];

/* Is MEMBER written in FRAME? Where members before it have been read: must it be there? */
bool aw_frame_has (const struct aw_frame *frame, const struct aw_frame_member *member);

#endif /* AW_IO_WIRE_FRAME_MEMBERS_H */
