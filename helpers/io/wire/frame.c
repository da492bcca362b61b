/* SPDX-License-Identifier: Apache-2.0 */
/* Frames into text. Reading them is in frame_read.c. */
#include "io/wire/frame_members.h"

#include <math.h>
#include <string.h>

#include "io/json_string.h"

static void put_string (struct aw_textbuf *text, const char *string)
{
    aw_textbuf_putc (text, '"');
    aw_json_put_bytes (text, string, strlen (string));
    aw_textbuf_putc (text, '"');
}

static void put_strings (struct aw_textbuf *text, char *const *strings)
{
    aw_textbuf_putc (text, '[');
    for (size_t i = 0; strings && strings[i]; i++) {
        if (i > 0)
            aw_textbuf_putc (text, ',');
        put_string (text, strings[i]);
    }
    aw_textbuf_putc (text, ']');
}

static void put_ids (struct aw_textbuf *text, const struct aw_idset *ids)
{
    aw_textbuf_putc (text, '"');
    aw_textbuf_idset (text, ids);
    aw_textbuf_putc (text, '"');
}

static void put_codes (struct aw_textbuf *text, const struct aw_codes *codes)
{
    char separator = '"';

    for (int code = 0; code <= 255; code++)
        if (aw_codes_has (codes, code)) {
            aw_textbuf_putc (text, separator);
            aw_textbuf_u64 (text, (uint64_t)code);
            separator = ',';
        }
    aw_textbuf_putc (text, '"');
}

/* Microseconds are exact enough; what is longer than any time is cut. */
static void put_seconds (struct aw_textbuf *text, double seconds)
{
    aw_textbuf_fixed (text, seconds >= 0 ? fmin (seconds, 1e9) : 0, 6);
}

static void put_value (struct aw_textbuf *text, enum aw_frame_form form, const void *value)
{
    switch (form) {
    case AW_FORM_VERSION:
        aw_textbuf_u64 (text, AW_FRAME_VERSION);
        break;
    case AW_FORM_TRUE:
        aw_textbuf_puts (text, "true");
        break;
    case AW_FORM_FLAG:
        aw_textbuf_puts (text, *(const bool *)value ? "true" : "false");
        break;
    case AW_FORM_STRING:
        put_string (text, *(const char *const *)value);
        break;
    case AW_FORM_STATUS:
        put_string (text, aw_status_name (*(const enum aw_status *)value));
        break;
    case AW_FORM_IDS:
        put_ids (text, value);
        break;
    case AW_FORM_CODES:
        put_codes (text, value);
        break;
    case AW_FORM_STRINGS:
    case AW_FORM_COMMAND:
    case AW_FORM_COPIES:
        put_strings (text, *(char *const *const *)value);
        break;
    case AW_FORM_U32:
        aw_textbuf_u64 (text, *(const uint32_t *)value);
        break;
    case AW_FORM_U64:
        aw_textbuf_u64 (text, *(const uint64_t *)value);
        break;
    case AW_FORM_BYTE:
    case AW_FORM_SIGNAL:
        aw_textbuf_u64 (text, (uint64_t) * (const int *)value);
        break;
    case AW_FORM_SECONDS:
        put_seconds (text, *(const double *)value);
        break;
    }
}

static void take_back (struct aw_textbuf *text, size_t start)
{
    text->len = start;
    text->failed = false;
}

/* Ends the frame that began at START, or takes it back. */
static int end_frame (struct aw_textbuf *text, size_t start, struct aw_error *err)
{
    size_t size;

    aw_textbuf_put (text, "}\n", 2);
    if (text->failed) {
        take_back (text, start);
        return aw_error_set (err, "out of memory");
    }
    size = text->len - start;
    if (size > AW_FRAME_MAX) {
        take_back (text, start);
        return aw_error_set (
            err, "command and environment are too long: %zu bytes, at most %d can be sent", size,
            AW_FRAME_MAX);
    }
    return 0;
}

int aw_frame_put (struct aw_textbuf *text, const struct aw_frame *frame, struct aw_error *err)
{
    const struct aw_frame_kind *kind = &aw_frame_kinds[frame->type];
    size_t start = text->len;

    aw_textbuf_putc (text, '{');
    for (size_t i = 0; i < kind->n; i++) {
        const struct aw_frame_member *member = &kind->members[i];

        if (!aw_frame_has (frame, member))
            continue;
        /* The first follows no comma. */
        aw_textbuf_put (text, member->head + (i == 0), member->head_size - (i == 0));
        put_value (text, member->form, (const char *)frame + member->offset);
    }
    return end_frame (text, start, err);
}
