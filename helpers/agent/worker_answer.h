/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker answers to a call: {"code":0,"result":ANY,"error":"text"}, on one line. All members
 * may be absent: the call has succeeded then, without a result.
 */
#ifndef AW_AGENT_WORKER_ANSWER_H
#define AW_AGENT_WORKER_ANSWER_H

#include <stddef.h>

#include "io/textbuf.h"
#include "util/error.h"
#include "util/packet.h"

enum {
    AW_WORKER_ERROR_MAX = 4096, /* bytes of "error" */
    AW_WORKER_ANSWER_MAX = AW_MESSAGE_MAX + 8 * AW_WORKER_ERROR_MAX, /* of the line */
};

struct aw_worker_answer {
    int code; /* 0 to 255 */
    struct aw_piece result; /* JSON; size 0: none */
    const char *error; /* text; NULL: none */
};

/* Takes LINE apart in place; it has SIZE bytes and a NUL after them. RAW becomes a copy of it, to
 * which the result points. 0, or -1 with text.
 */
int aw_worker_answer_read (struct aw_worker_answer *answer,
                           char *line,
                           size_t size,
                           struct aw_textbuf *raw,
                           struct aw_error *err);

#endif /* AW_AGENT_WORKER_ANSWER_H */
