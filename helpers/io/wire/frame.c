/* SPDX-License-Identifier: Apache-2.0 */
/* Frames into text. Reading them is in frame_read.c. */
#include "io/wire/frame.h"

#include <math.h>
#include <string.h>

#include "io/json_string.h"

static void put_json (struct aw_textbuf *text, const char *string)
{
    aw_textbuf_putc (text, '"');
    aw_json_put_bytes (text, string, strlen (string));
    aw_textbuf_putc (text, '"');
}

static void put_set (struct aw_textbuf *text, const char *key, const struct aw_idset *set)
{
    aw_textbuf_puts (text, key);
    aw_textbuf_putc (text, '"');
    aw_textbuf_idset (text, set);
    aw_textbuf_putc (text, '"');
}

/* Microseconds are exact enough; what is longer than any time is cut. */
static void put_seconds (struct aw_textbuf *text, const char *key, double seconds)
{
    aw_textbuf_puts (text, key);
    aw_textbuf_fixed (text, seconds >= 0 ? fmin (seconds, 1e9) : 0, 6);
}

static void put_string (struct aw_textbuf *text, const char *key, const char *string)
{
    aw_textbuf_puts (text, key);
    put_json (text, string);
}

static void put_number (struct aw_textbuf *text, const char *key, uint64_t value)
{
    aw_textbuf_puts (text, key);
    aw_textbuf_u64 (text, value);
}

static void put_strings (struct aw_textbuf *text, const char *key, char *const *strings)
{
    aw_textbuf_puts (text, key);
    aw_textbuf_putc (text, '[');
    for (size_t i = 0; strings && strings[i]; i++) {
        if (i > 0)
            aw_textbuf_putc (text, ',');
        put_json (text, strings[i]);
    }
    aw_textbuf_putc (text, ']');
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

int aw_frame_put_challenge (struct aw_textbuf *text, const char *nonce, struct aw_error *err)
{
    size_t start = text->len;

    put_string (text, "{\"challenge\":", nonce);
    return end_frame (text, start, err);
}

int aw_frame_put_proof (struct aw_textbuf *text,
                        const char *credential,
                        const char *nonce,
                        struct aw_error *err)
{
    size_t start = text->len;

    put_string (text, "{\"proof\":", credential);
    if (nonce)
        put_string (text, ",\"nonce\":", nonce);
    return end_frame (text, start, err);
}

int aw_frame_put_hello (struct aw_textbuf *text, const struct aw_event *node, struct aw_error *err)
{
    size_t start = text->len;

    put_number (text, "{\"hello\":", AW_FRAME_VERSION);
    put_string (text, ",\"node\":", node->name);
    put_set (text, ",\"cpus\":", &node->cpus);
    put_set (text, ",\"gpus\":", &node->gpus);
    put_number (text, ",\"mem\":", node->mem);
    if (node->unbound)
        aw_textbuf_puts (text, ",\"unbound\":true");
    if (node->topology)
        put_string (text, ",\"topology\":", node->topology);
    if (node->socket)
        put_string (text, ",\"socket\":", node->socket);
    if (node->reason)
        put_string (text, ",\"note\":", node->reason);
    return end_frame (text, start, err);
}

/* "0,3" */
static void put_codes (struct aw_textbuf *text, const struct aw_codes *codes)
{
    const char *separator = "";

    aw_textbuf_puts (text, ",\"success\":\"");
    for (int code = 0; code <= 255; code++)
        if (aw_codes_has (codes, code)) {
            aw_textbuf_printf (text, "%s%d", separator, code);
            separator = ",";
        }
    aw_textbuf_putc (text, '"');
}

static void put_copies (struct aw_textbuf *text, const struct aw_launch *launch)
{
    if (launch->stage_in) {
        put_strings (text, ",\"bring\":", launch->stage_in);
        put_number (text, ",\"instance\":", launch->instance);
    }
    if (!launch->stage_out)
        return;
    put_strings (text, ",\"fetch\":", launch->stage_out);
    aw_textbuf_puts (text, launch->release ? ",\"release\":true" : ",\"release\":false");
    if (!aw_codes_empty (&launch->success))
        put_codes (text, &launch->success);
}

int aw_frame_put_start (struct aw_textbuf *text,
                        const struct aw_launch *launch,
                        struct aw_error *err)
{
    size_t start = text->len;

    put_number (text, "{\"start\":", launch->task);
    put_number (text, ",\"attempt\":", launch->attempt);
    put_strings (text, ",\"argv\":", launch->argv);
    put_strings (text, ",\"env\":", launch->env);
    put_string (text, ",\"dir\":", launch->directory);
    put_string (text, ",\"out\":", launch->out);
    put_string (text, ",\"err\":", launch->err);
    put_set (text, ",\"cpus\":", &launch->cpus);
    put_set (text, ",\"gpus\":", &launch->gpus);
    if (launch->unbound)
        aw_textbuf_puts (text, ",\"unbound\":true");
    if (launch->gpu_share > 0)
        put_number (text, ",\"share\":", launch->gpu_share);
    if (isfinite (launch->time_limit))
        put_seconds (text, ",\"limit\":", launch->time_limit);
    if (isfinite (launch->notice)) {
        put_seconds (text, ",\"notice\":", launch->notice);
        put_number (text, ",\"signal\":", (uint64_t)launch->notice_signal);
        aw_textbuf_puts (text, launch->notice_cancels ? ",\"cancels\":true" : ",\"cancels\":false");
    }
    put_copies (text, launch);
    return end_frame (text, start, err);
}

int aw_frame_put_stage (struct aw_textbuf *text,
                        const struct aw_launch *launch,
                        struct aw_error *err)
{
    size_t start = text->len;

    put_number (text, "{\"stage\":", launch->task);
    put_number (text, ",\"attempt\":", launch->attempt);
    put_copies (text, launch);
    return end_frame (text, start, err);
}

int aw_frame_put_staging (struct aw_textbuf *text, const struct aw_event *ev, struct aw_error *err)
{
    size_t start = text->len;

    put_number (text, ev->type == AW_EVENT_STAGED ? "{\"staged\":" : "{\"release\":", ev->task);
    put_number (text, ",\"attempt\":", ev->attempt);
    put_seconds (text, ",\"seconds\":", ev->seconds);
    if (ev->type == AW_EVENT_STAGED)
        put_number (text, ",\"bytes\":", ev->bytes);
    return end_frame (text, start, err);
}

int aw_frame_put_kill (
    struct aw_textbuf *text, uint32_t task, uint32_t attempt, double grace, struct aw_error *err)
{
    size_t start = text->len;

    put_number (text, "{\"kill\":", task);
    put_number (text, ",\"attempt\":", attempt);
    put_seconds (text, ",\"grace\":", grace);
    return end_frame (text, start, err);
}

int aw_frame_put_finish (struct aw_textbuf *text,
                         const struct aw_event *finish,
                         struct aw_error *err)
{
    size_t start = text->len;

    put_number (text, "{\"finish\":", finish->task);
    put_number (text, ",\"attempt\":", finish->attempt);
    put_string (text, ",\"status\":", aw_status_name (finish->status));
    put_number (text, ",\"code\":", (uint64_t)finish->code);
    put_number (text, ",\"signal\":", (uint64_t)finish->signal);
    put_seconds (text, ",\"seconds\":", finish->seconds);
    put_seconds (text, ",\"cpu\":", finish->cpu_seconds);
    put_number (text, ",\"rss\":", finish->max_rss);
    if (finish->gpu_known) {
        if (finish->gpu_util >= 0)
            put_seconds (text, ",\"gpu_util\":", finish->gpu_util);
        put_number (text, ",\"gpu_mem\":", finish->gpu_mem);
    }
    if (finish->reason)
        put_string (text, ",\"reason\":", finish->reason);
    return end_frame (text, start, err);
}

int aw_frame_put_leave (struct aw_textbuf *text, const char *reason, struct aw_error *err)
{
    size_t start = text->len;

    put_string (text, "{\"leave\":", reason);
    return end_frame (text, start, err);
}

int aw_frame_put_quit (struct aw_textbuf *text, bool now, struct aw_error *err)
{
    size_t start = text->len;

    aw_textbuf_puts (text, now ? "{\"quit\":true" : "{\"quit\":false");
    return end_frame (text, start, err);
}

int aw_frame_put_ping (struct aw_textbuf *text, double seconds, struct aw_error *err)
{
    size_t start = text->len;

    put_seconds (text, "{\"ping\":", seconds);
    return end_frame (text, start, err);
}

int aw_frame_put_pong (struct aw_textbuf *text, struct aw_error *err)
{
    size_t start = text->len;

    aw_textbuf_puts (text, "{\"pong\":true");
    return end_frame (text, start, err);
}
