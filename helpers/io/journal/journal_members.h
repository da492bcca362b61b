/* SPDX-License-Identifier: Apache-2.0 */
/* The table that the journal is written and read by: key, form and place of each member. */
#ifndef AW_IO_JOURNAL_JOURNAL_MEMBERS_H
#define AW_IO_JOURNAL_JOURNAL_MEMBERS_H

#include <stddef.h>

#include "core/event.h"

enum aw_journal_form {
    AW_JOURNAL_TYPE, /* name of the event's type */
    AW_JOURNAL_TASK, /* "simulate@0[3]" */
    AW_JOURNAL_NODE, /* name of a node */
    AW_JOURNAL_STATUS, /* "completed" */
    AW_JOURNAL_IDS, /* "0-3,8" */
    AW_JOURNAL_TEXT,
    AW_JOURNAL_TEXTS = AW_JOURNAL_TEXT, /* all up to here are strings in JSON */
    AW_JOURNAL_U32,
    AW_JOURNAL_U64,
    AW_JOURNAL_INT, /* may be negative */
    AW_JOURNAL_SECONDS, /* with up to six digits after the point */
    AW_JOURNAL_MORE, /* [{"node":"n2","cpus":"0-3","gpus":"0"}]: the other nodes of a task */
    AW_JOURNAL_SETS, /* ["a","b"]: names of task sets */
    AW_JOURNAL_INDEXES, /* ["a[0-3,8]"]: tasks of sets by index */
};

struct aw_journal_member {
    const char *key;
    const char *head; /* the text before the value: ,"key": */
    size_t head_size; /* its length */
    enum aw_journal_form form;
    size_t offset; /* in struct aw_event or aw_resume */
    double max; /* of numbers */
};
extern const struct aw_journal_member aw_journal_members[AW_MEMBERS];

/* Where MEMBER stands in EV; EV has a RESUME if it is one of that. */
const void *aw_journal_value (const struct aw_event *ev, int member);

/* The same to write to, for an event that is being read. */
void *aw_journal_place (struct aw_event *ev, struct aw_resume *resume, int member);

#endif /* AW_IO_JOURNAL_JOURNAL_MEMBERS_H */
