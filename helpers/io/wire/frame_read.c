/* SPDX-License-Identifier: Apache-2.0 */
/* Text into frames. Strings are borrowed from json-c's tree, lists from arrays that are kept from
 * frame to frame: a launch costs no allocation beyond the tree.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "io/json_compat.h"

#include "io/json_tree.h"
#include "io/wire/frame.h"
#include "util/array.h"

enum { MAX_DEPTH = 3 }; /* an object, a list in it, strings in that */

struct list {
    char **items;
    size_t capacity;
};

struct aw_frame_reader {
    struct json_tokener *tokener;
    struct json_object *tree; /* of the frame last read */
    struct list argv;
    struct list env;
    struct list stage_in;
    struct list stage_out;
    struct aw_idset codes;
    struct aw_idset cpus;
    struct aw_idset gpus;
};

struct aw_frame_reader *aw_frame_reader_create (void)
{
    struct aw_frame_reader *reader = calloc (1, sizeof (*reader));

    if (!reader)
        return NULL;
    reader->tokener = json_tokener_new_ex (MAX_DEPTH);
    if (!reader->tokener) {
        free (reader);
        errno = ENOMEM;
        return NULL;
    }
    json_tokener_set_flags (reader->tokener, JSON_TOKENER_STRICT);
    return reader;
}

void aw_frame_reader_destroy (struct aw_frame_reader *reader)
{
    int saved = errno;

    if (reader) {
        json_object_put (reader->tree);
        json_tokener_free (reader->tokener);
        free (reader->argv.items);
        free (reader->env.items);
        free (reader->stage_in.items);
        free (reader->stage_out.items);
        aw_idset_finish (&reader->codes);
        aw_idset_finish (&reader->cpus);
        aw_idset_finish (&reader->gpus);
        free (reader);
    }
    errno = saved;
}

static struct json_object *member (const struct aw_frame_reader *reader, const char *key)
{
    struct json_object *value = NULL;

    json_object_object_get_ex (reader->tree, key, &value);
    return value;
}

/* A C string, or NULL where it is none: a NUL within would cut it silently. */
static const char *string_of (struct json_object *value)
{
    const char *string;

    if (!json_object_is_type (value, json_type_string))
        return NULL;
    string = json_object_get_string (value);
    return string && strlen (string) == (size_t)json_object_get_string_len (value) ? string : NULL;
}

static int get_string (const struct aw_frame_reader *reader,
                       const char *key,
                       const char **string,
                       struct aw_error *err)
{
    *string = string_of (member (reader, key));
    return *string ? 0 : aw_error_set (err, "\"%s\" is not a string", key);
}

static int get_optional (const struct aw_frame_reader *reader,
                         const char *key,
                         const char **string,
                         struct aw_error *err)
{
    *string = NULL;
    return member (reader, key) ? get_string (reader, key, string, err) : 0;
}

static int get_integer (const struct aw_frame_reader *reader,
                        const char *key,
                        int64_t max,
                        int64_t *number,
                        struct aw_error *err)
{
    struct json_object *value = member (reader, key);

    if (!json_object_is_type (value, json_type_int))
        return aw_error_set (err, "\"%s\" is not a whole number", key);
    *number = json_object_get_int64 (value);
    if (*number < 0 || *number > max)
        return aw_error_set (err, "\"%s\" is out of range", key);
    return 0;
}

static int get_u32 (const struct aw_frame_reader *reader,
                    const char *key,
                    uint32_t *number,
                    struct aw_error *err)
{
    int64_t value;

    if (get_integer (reader, key, UINT32_MAX, &value, err) < 0)
        return -1;
    *number = (uint32_t)value;
    return 0;
}

static int get_u64 (const struct aw_frame_reader *reader,
                    const char *key,
                    uint64_t *number,
                    struct aw_error *err)
{
    int64_t value;

    if (get_integer (reader, key, INT64_MAX, &value, err) < 0)
        return -1;
    *number = (uint64_t)value;
    return 0;
}

static int get_seconds (const struct aw_frame_reader *reader,
                        const char *key,
                        double *seconds,
                        struct aw_error *err)
{
    struct json_object *value = member (reader, key);

    if (!json_object_is_type (value, json_type_double)
        && !json_object_is_type (value, json_type_int))
        return aw_error_set (err, "\"%s\" is not a number", key);
    *seconds = json_object_get_double (value);
    if (!isfinite (*seconds) || *seconds < 0)
        return aw_error_set (err, "\"%s\" is out of range", key);
    return 0;
}

/* Sets are parsed into SET, which the reader keeps; the frame's SHOWN borrows it. */
static int get_set (const struct aw_frame_reader *reader,
                    const char *key,
                    struct aw_idset *set,
                    struct aw_idset *shown,
                    struct aw_error *err)
{
    const char *string;

    if (get_string (reader, key, &string, err) < 0)
        return -1;
    if (aw_idset_parse (set, string) < 0)
        return aw_error_set (err, "\"%s\" is not a list of ids", key);
    *shown = *set;
    return 0;
}

static int get_list (const struct aw_frame_reader *reader,
                     const char *key,
                     struct list *list,
                     char ***shown,
                     struct aw_error *err)
{
    struct json_object *value = member (reader, key);
    size_t n;

    if (!json_object_is_type (value, json_type_array))
        return aw_error_set (err, "\"%s\" is not a list", key);
    n = json_object_array_length (value);
    if (aw_array_reserve (&list->items, &list->capacity, n + 1) < 0)
        return aw_error_set (err, "out of memory");
    for (size_t i = 0; i < n; i++) {
        /* The launch of an encoder owns its strings, that of a reader borrows them: hence the cast.
         */
        list->items[i] = (char *)string_of (json_object_array_get_idx (value, i));
        if (!list->items[i])
            return aw_error_set (err, "\"%s\" holds something that is not a string", key);
    }
    list->items[n] = NULL;
    *shown = list->items;
    return 0;
}

static int read_challenge (struct aw_frame_reader *reader,
                           struct aw_frame *frame,
                           struct aw_error *err)
{
    return get_string (reader, "challenge", &frame->nonce, err);
}

static int read_proof (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    if (get_string (reader, "proof", &frame->credential, err) < 0)
        return -1;
    return get_optional (reader, "nonce", &frame->nonce, err);
}

static int read_hello (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    uint32_t version;

    if (get_u32 (reader, "hello", &version, err) < 0)
        return -1;
    if (version != AW_FRAME_VERSION) {
        const char *node = NULL;

        get_optional (reader, "node", &node, NULL);
        return aw_error_set (err,
                             "node %s has another release of async-workflow (protocol %u, expected "
                             "%d): install the same release on all nodes",
                             node ? node : "?", version, AW_FRAME_VERSION);
    }
    frame->event.type = AW_EVENT_NODE;
    frame->event.unbound = json_object_get_boolean (member (reader, "unbound"));
    if (get_string (reader, "node", &frame->event.name, err) < 0
        || get_set (reader, "cpus", &reader->cpus, &frame->event.cpus, err) < 0
        || get_set (reader, "gpus", &reader->gpus, &frame->event.gpus, err) < 0
        || get_u64 (reader, "mem", &frame->event.mem, err) < 0
        || get_optional (reader, "topology", &frame->event.topology, err) < 0
        || get_optional (reader, "socket", &frame->event.socket, err) < 0)
        return -1;
    return get_optional (reader, "note", &frame->event.reason, err);
}

static int read_notice (const struct aw_frame_reader *reader,
                        struct aw_launch *launch,
                        struct aw_error *err)
{
    struct json_object *cancels = member (reader, "cancels");
    int64_t number;

    if (get_seconds (reader, "notice", &launch->notice, err) < 0
        || get_integer (reader, "signal", 64, &number, err) < 0)
        return -1;
    if (!json_object_is_type (cancels, json_type_boolean))
        return aw_error_set (err, "\"cancels\" is not true or false");
    launch->notice_signal = (int)number;
    launch->notice_cancels = json_object_get_boolean (cancels);
    return 0;
}

/* Three texts a copy. */
static int get_copies (const struct aw_frame_reader *reader,
                       const char *key,
                       struct list *list,
                       char ***shown,
                       struct aw_error *err)
{
    size_t n = 0;

    if (!member (reader, key))
        return 0;
    if (get_list (reader, key, list, shown, err) < 0)
        return -1;
    while ((*shown)[n])
        n++;
    return n % 3 == 0 ? 0 : aw_error_set (err, "\"%s\" is not made of copies", key);
}

static int get_codes (struct aw_frame_reader *reader, struct aw_codes *codes, struct aw_error *err)
{
    struct aw_idset shown;

    memset (codes, 0, sizeof (*codes));
    if (!member (reader, "success"))
        return 0;
    if (get_set (reader, "success", &reader->codes, &shown, err) < 0)
        return -1;
    for (uint32_t code = aw_idset_next (&shown, 0); code <= 255;
         code = aw_idset_next (&shown, code + 1))
        aw_codes_add (codes, (int)code);
    return 0;
}

static int read_copies (struct aw_frame_reader *reader,
                        struct aw_launch *launch,
                        struct aw_error *err)
{
    struct json_object *release = member (reader, "release");

    if (get_copies (reader, "bring", &reader->stage_in, &launch->stage_in, err) < 0
        || get_copies (reader, "fetch", &reader->stage_out, &launch->stage_out, err) < 0
        || get_codes (reader, &launch->success, err) < 0)
        return -1;
    if (release && !json_object_is_type (release, json_type_boolean))
        return aw_error_set (err, "\"release\" is not true or false");
    launch->release = release && json_object_get_boolean (release);
    return member (reader, "instance") ? get_u32 (reader, "instance", &launch->instance, err) : 0;
}

static int read_stage (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    if (get_u32 (reader, "stage", &frame->launch.task, err) < 0
        || get_u32 (reader, "attempt", &frame->launch.attempt, err) < 0)
        return -1;
    return read_copies (reader, &frame->launch, err);
}

static int read_staging (struct aw_frame_reader *reader,
                         struct aw_event *ev,
                         const char *key,
                         struct aw_error *err)
{
    if (get_u32 (reader, key, &ev->task, err) < 0
        || get_u32 (reader, "attempt", &ev->attempt, err) < 0)
        return -1;
    return get_seconds (reader, "seconds", &ev->seconds, err);
}

static int read_staged (struct aw_frame_reader *reader,
                        struct aw_frame *frame,
                        struct aw_error *err)
{
    frame->event.type = AW_EVENT_STAGED;
    if (read_staging (reader, &frame->event, "staged", err) < 0)
        return -1;
    return get_u64 (reader, "bytes", &frame->event.bytes, err);
}

static int read_release (struct aw_frame_reader *reader,
                         struct aw_frame *frame,
                         struct aw_error *err)
{
    frame->event.type = AW_EVENT_RELEASE;
    return read_staging (reader, &frame->event, "release", err);
}

static int read_start (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    struct aw_launch *launch = &frame->launch;
    const char *directory, *out, *errors;

    if (get_u32 (reader, "start", &launch->task, err) < 0
        || get_u32 (reader, "attempt", &launch->attempt, err) < 0
        || get_list (reader, "argv", &reader->argv, &launch->argv, err) < 0
        || get_list (reader, "env", &reader->env, &launch->env, err) < 0
        || get_string (reader, "dir", &directory, err) < 0
        || get_string (reader, "out", &out, err) < 0 || get_string (reader, "err", &errors, err) < 0
        || get_set (reader, "cpus", &reader->cpus, &launch->cpus, err) < 0
        || get_set (reader, "gpus", &reader->gpus, &launch->gpus, err) < 0)
        return -1;
    if (!launch->argv[0])
        return aw_error_set (err, "\"argv\" is empty");
    launch->directory = (char *)directory;
    launch->out = (char *)out;
    launch->err = (char *)errors;
    launch->unbound = json_object_get_boolean (member (reader, "unbound"));
    launch->gpu_share = 0;
    if (member (reader, "share") && get_u32 (reader, "share", &launch->gpu_share, err) < 0)
        return -1;
    if (read_copies (reader, launch, err) < 0)
        return -1;
    launch->time_limit = launch->notice = INFINITY;
    if (member (reader, "limit") && get_seconds (reader, "limit", &launch->time_limit, err) < 0)
        return -1;
    return member (reader, "notice") ? read_notice (reader, launch, err) : 0;
}

static int read_kill (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    frame->event.type = AW_EVENT_KILL;
    if (get_u32 (reader, "kill", &frame->event.task, err) < 0
        || get_u32 (reader, "attempt", &frame->event.attempt, err) < 0)
        return -1;
    return get_seconds (reader, "grace", &frame->grace, err);
}

static int get_gpu_usage (const struct aw_frame_reader *reader,
                          struct aw_event *ev,
                          struct aw_error *err)
{
    ev->gpu_known = member (reader, "gpu_mem");
    ev->gpu_util = -1;
    if (!ev->gpu_known)
        return 0;
    if (member (reader, "gpu_util") && get_seconds (reader, "gpu_util", &ev->gpu_util, err) < 0)
        return -1;
    return get_u64 (reader, "gpu_mem", &ev->gpu_mem, err);
}

static int read_finish (struct aw_frame_reader *reader,
                        struct aw_frame *frame,
                        struct aw_error *err)
{
    struct aw_event *ev = &frame->event;
    const char *name;
    int64_t code, number;
    int status;

    ev->type = AW_EVENT_FINISH;
    if (get_u32 (reader, "finish", &ev->task, err) < 0
        || get_u32 (reader, "attempt", &ev->attempt, err) < 0
        || get_string (reader, "status", &name, err) < 0
        || get_integer (reader, "code", 255, &code, err) < 0
        || get_integer (reader, "signal", 255, &number, err) < 0
        || get_seconds (reader, "seconds", &ev->seconds, err) < 0
        || get_seconds (reader, "cpu", &ev->cpu_seconds, err) < 0
        || get_u64 (reader, "rss", &ev->max_rss, err) < 0 || get_gpu_usage (reader, ev, err) < 0
        || get_optional (reader, "reason", &ev->reason, err) < 0)
        return -1;
    status = aw_status_parse (name);
    if (status < 0)
        return aw_error_set (err, "\"status\" is unknown");
    ev->status = (enum aw_status)status;
    ev->code = (int)code;
    ev->signal = (int)number;
    return 0;
}

static int read_leave (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    return get_string (reader, "leave", &frame->event.reason, err);
}

static int read_quit (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    struct json_object *value = member (reader, "quit");

    if (!json_object_is_type (value, json_type_boolean))
        return aw_error_set (err, "\"quit\" is not true or false");
    frame->now = json_object_get_boolean (value);
    return 0;
}

static int read_ping (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    return get_seconds (reader, "ping", &frame->seconds, err);
}

static int read_pong (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err)
{
    (void)reader;
    (void)frame;
    (void)err;
    return 0;
}

static const struct {
    const char *key;
    int (*read) (struct aw_frame_reader *reader, struct aw_frame *frame, struct aw_error *err);
} kinds[AW_FRAME_TYPES] = {
    [AW_FRAME_CHALLENGE] = { "challenge", read_challenge },
    [AW_FRAME_PROOF] = { "proof", read_proof },
    [AW_FRAME_HELLO] = { "hello", read_hello },
    [AW_FRAME_START] = { "start", read_start },
    [AW_FRAME_STAGE] = { "stage", read_stage },
    [AW_FRAME_STAGED] = { "staged", read_staged },
    [AW_FRAME_RELEASE] = { "release", read_release },
    [AW_FRAME_KILL] = { "kill", read_kill },
    [AW_FRAME_FINISH] = { "finish", read_finish },
    [AW_FRAME_LEAVE] = { "leave", read_leave },
    [AW_FRAME_QUIT] = { "quit", read_quit },
    [AW_FRAME_PING] = { "ping", read_ping },
    [AW_FRAME_PONG] = { "pong", read_pong },
};

static int parse_tree (struct aw_frame_reader *reader,
                       const char *line,
                       size_t size,
                       struct aw_error *err)
{
    json_object_put (reader->tree);
    reader->tree = NULL;
    if (size == 0 || size > AW_FRAME_MAX)
        return aw_error_set (err, "a frame of %zu bytes", size);
    reader->tree = aw_json_tree_parse (reader->tokener, line, size, false, err);
    if (!reader->tree)
        return aw_error_prefix (err, "not a JSON object");
    if (!json_object_is_type (reader->tree, json_type_object))
        return aw_error_set (err, "not a JSON object");
    return 0;
}

int aw_frame_read (struct aw_frame_reader *reader,
                   const char *line,
                   size_t size,
                   struct aw_frame *frame,
                   struct aw_error *err)
{
    memset (frame, 0, sizeof (*frame));
    if (parse_tree (reader, line, size, err) < 0)
        return -1;
    json_object_object_foreach (reader->tree, key, value)
    {
        (void)value;
        for (int i = 0; i < AW_FRAME_TYPES; i++) {
            if (strcmp (key, kinds[i].key) != 0)
                continue;
            frame->type = (enum aw_frame_type)i;
            if (kinds[i].read (reader, frame, err) < 0)
                return aw_error_prefix (err, kinds[i].key);
            return 0;
        }
        break; /* the first key is the kind */
    }
    return aw_error_set (err, "a frame of an unknown kind");
}
