/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer may send, line by line through one reader, as over a connection: a frame that is
 * understood is one that we could have sent: written again it is understood again, and written
 * twice it is the same text.
 */
#include <string.h>

#include "fuzz.h"
#include "io/wire/frame.h"

/* A new type does not build until it is added here, with an example in the corpus. */
static bool is_known (enum aw_frame_type type)
{
    switch (type) {
    case AW_FRAME_CHALLENGE:
    case AW_FRAME_PROOF:
    case AW_FRAME_HELLO:
    case AW_FRAME_START:
    case AW_FRAME_ASSIGN:
    case AW_FRAME_UNASSIGN:
    case AW_FRAME_STAGE:
    case AW_FRAME_STAGED:
    case AW_FRAME_RELEASE:
    case AW_FRAME_KILL:
    case AW_FRAME_FINISH:
    case AW_FRAME_LEAVE:
    case AW_FRAME_QUIT:
    case AW_FRAME_PING:
    case AW_FRAME_PONG:
    case AW_FRAME_SERVING:
    case AW_FRAME_TAKE:
        return true;
    case AW_FRAME_TYPES:
        break;
    }
    return false;
}

static void round_trip (const struct aw_frame *frame)
{
    struct aw_frame_reader *reader = aw_frame_reader_create ();
    struct aw_textbuf once = { 0 }, twice = { 0 };
    struct aw_frame again;
    struct aw_error err = { "" };

    RULE (reader);
    RULE (is_known (frame->type));
    /* Too long to be sent is the one excuse. */
    if (aw_frame_put (&once, frame, NULL) == 0) {
        RULE (once.len > 0 && once.data[once.len - 1] == '\n');
        RULE (!memchr (once.data, '\n', once.len - 1));
        RULE (aw_frame_read (reader, once.data, once.len - 1, &again, &err) == 0);
        RULE (again.type == frame->type);
        RULE (aw_frame_put (&twice, &again, NULL) == 0);
        RULE (once.len == twice.len && memcmp (once.data, twice.data, once.len) == 0);
    }
    aw_textbuf_finish (&once);
    aw_textbuf_finish (&twice);
    aw_frame_reader_destroy (reader);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static struct aw_frame_reader *reader; /* used again and again, as in a connection */
    const uint8_t *end = data + size;
    struct aw_frame frame;

    if (!reader)
        reader = aw_frame_reader_create ();
    RULE (reader);
    while (data < end) {
        const uint8_t *stop = memchr (data, '\n', (size_t)(end - data));
        size_t n = (size_t)((stop ? stop : end) - data);
        char *line = malloc (n + 1); /* of its own size, so that reading beyond it is seen */

        RULE (line);
        memcpy (line, data, n);
        if (aw_frame_read (reader, line, n, &frame, NULL) == 0)
            round_trip (&frame);
        free (line);
        data += n + 1;
    }
    return 0;
}
