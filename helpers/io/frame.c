/* SPDX-License-Identifier: Apache-2.0 */
/* Frames into text. Reading them is in frame_read.c. */
#include "io/frame.h"

#include <math.h>

static void put_set (struct aw_text *text, const char *key, const struct aw_idset *set)
{
    bool first = true;
    uint32_t id = aw_idset_next (set, 0);

    aw_text_put (text, key);
    aw_text_add (text, "\"", 1);
    while (id != AW_IDSET_NONE) {
        uint32_t last = id;

        while (aw_idset_has (set, last + 1))
            last++;
        if (!first)
            aw_text_add (text, ",", 1);
        first = false;
        aw_text_uint (text, id);
        if (last > id) {
            aw_text_add (text, "-", 1);
            aw_text_uint (text, last);
        }
        id = aw_idset_next (set, last + 1);
    }
    aw_text_add (text, "\"", 1);
}

static void put_string (struct aw_text *text, const char *key, const char *string)
{
    aw_text_put (text, key);
    aw_text_json (text, string);
}

static void put_number (struct aw_text *text, const char *key, uint64_t value)
{
    aw_text_put (text, key);
    aw_text_uint (text, value);
}

static void put_strings (struct aw_text *text, const char *key, char *const *strings)
{
    aw_text_put (text, key);
    aw_text_add (text, "[", 1);
    for (size_t i = 0; strings && strings[i]; i++) {
        if (i > 0)
            aw_text_add (text, ",", 1);
        aw_text_json (text, strings[i]);
    }
    aw_text_add (text, "]", 1);
}

/* Ends the frame that began at START, or takes it back. */
static int end_frame (struct aw_text *text, size_t start, struct aw_error *err)
{
    aw_text_add (text, "}\n", 2);
    if (text->failed) {
        aw_text_truncate (text, start);
        return aw_error_set (err, "out of memory");
    }
    if (text->size - start > AW_FRAME_MAX) {
        size_t size = text->size - start;
        aw_text_truncate (text, start);
        return aw_error_set (err, "command and environment are too long: %zu bytes, at most %d can be sent",
                             size, AW_FRAME_MAX);
    }
    return 0;
}

int aw_frame_put_challenge (struct aw_text *text, const char *nonce, struct aw_error *err)
{
    size_t start = text->size;

    put_string (text, "{\"challenge\":", nonce);
    return end_frame (text, start, err);
}

int aw_frame_put_proof (struct aw_text *text, const char *credential, const char *nonce, struct aw_error *err)
{
    size_t start = text->size;

    put_string (text, "{\"proof\":", credential);
    if (nonce)
        put_string (text, ",\"nonce\":", nonce);
    return end_frame (text, start, err);
}

int aw_frame_put_hello (struct aw_text *text, const struct aw_event *node, struct aw_error *err)
{
    size_t start = text->size;

    put_number (text, "{\"hello\":", AW_FRAME_VERSION);
    put_string (text, ",\"node\":", node->name);
    put_set (text, ",\"cpus\":", &node->cpus);
    put_set (text, ",\"gpus\":", &node->gpus);
    put_number (text, ",\"mem\":", node->mem);
    if (node->reason)
        put_string (text, ",\"note\":", node->reason);
    return end_frame (text, start, err);
}

int aw_frame_put_start (struct aw_text *text, const struct aw_launch *launch, struct aw_error *err)
{
    size_t start = text->size;

    put_number (text, "{\"start\":", launch->task);
    put_number (text, ",\"attempt\":", launch->attempt);
    put_strings (text, ",\"argv\":", launch->argv);
    put_strings (text, ",\"env\":", launch->env);
    put_string (text, ",\"dir\":", launch->directory);
    put_string (text, ",\"out\":", launch->out);
    put_string (text, ",\"err\":", launch->err);
    put_set (text, ",\"cpus\":", &launch->cpus);
    put_set (text, ",\"gpus\":", &launch->gpus);
    if (isfinite (launch->time_limit))
        aw_text_printf (text, ",\"limit\":%.6f", launch->time_limit);
    return end_frame (text, start, err);
}

int aw_frame_put_kill (struct aw_text *text, uint32_t task, uint32_t attempt, double grace, struct aw_error *err)
{
    size_t start = text->size;

    put_number (text, "{\"kill\":", task);
    put_number (text, ",\"attempt\":", attempt);
    aw_text_printf (text, ",\"grace\":%.6f", isfinite (grace) && grace > 0 ? grace : 0);
    return end_frame (text, start, err);
}

int aw_frame_put_finish (struct aw_text *text, const struct aw_event *finish, struct aw_error *err)
{
    size_t start = text->size;

    put_number (text, "{\"finish\":", finish->task);
    put_number (text, ",\"attempt\":", finish->attempt);
    put_string (text, ",\"status\":", aw_status_name (finish->status));
    aw_text_printf (text, ",\"code\":%d,\"signal\":%d,\"seconds\":%.6f,\"cpu\":%.6f",
                    finish->code, finish->signal, finish->seconds, finish->cpu_seconds);
    put_number (text, ",\"rss\":", finish->max_rss);
    if (finish->reason)
        put_string (text, ",\"reason\":", finish->reason);
    return end_frame (text, start, err);
}

int aw_frame_put_leave (struct aw_text *text, const char *reason, struct aw_error *err)
{
    size_t start = text->size;

    put_string (text, "{\"leave\":", reason);
    return end_frame (text, start, err);
}

int aw_frame_put_quit (struct aw_text *text, bool now, struct aw_error *err)
{
    size_t start = text->size;

    aw_text_put (text, now ? "{\"quit\":true" : "{\"quit\":false");
    return end_frame (text, start, err);
}
