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
#include "io/wire/frame_members.h"
#include "util/array.h"

enum {
    MAX_DEPTH = 3, /* an object, a list in it, strings in that */
    MAX_LISTS = 4, /* in one frame */
    MAX_SETS = 3
};

struct list {
    char **items;
    size_t capacity;
};

struct aw_frame_reader {
    struct json_tokener *tokener;
    struct json_object *tree; /* of the frame last read */
    struct list lists[MAX_LISTS];
    struct aw_idset sets[MAX_SETS];
    int n_lists, n_sets; /* in use by the frame last read */
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
        for (int i = 0; i < MAX_LISTS; i++)
            free (reader->lists[i].items);
        for (int i = 0; i < MAX_SETS; i++)
            aw_idset_finish (&reader->sets[i]);
        free (reader);
    }
    errno = saved;
}

static struct json_object *find (const struct aw_frame_reader *reader, const char *key)
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

static int get_string (struct json_object *value,
                       const struct aw_frame_member *member,
                       const char **string,
                       struct aw_error *err)
{
    *string = string_of (value);
    return *string ? 0 : aw_error_set (err, "\"%s\" is not a string", member->key);
}

static int get_status (struct json_object *value,
                       const struct aw_frame_member *member,
                       enum aw_status *status,
                       struct aw_error *err)
{
    const char *name;
    int number;

    if (get_string (value, member, &name, err) < 0)
        return -1;
    number = aw_status_parse (name);
    if (number < 0)
        return aw_error_set (err, "\"%s\" is unknown", member->key);
    *status = (enum aw_status)number;
    return 0;
}

static int get_flag (struct json_object *value,
                     const struct aw_frame_member *member,
                     bool *flag,
                     struct aw_error *err)
{
    if (!json_object_is_type (value, json_type_boolean))
        return aw_error_set (err, "\"%s\" is not true or false", member->key);
    *flag = json_object_get_boolean (value);
    return 0;
}

/* A number from 0 to MAX, or -1 with text. */
static int64_t get_integer (struct json_object *value,
                            const struct aw_frame_member *member,
                            int64_t max,
                            struct aw_error *err)
{
    int64_t number;

    if (!json_object_is_type (value, json_type_int))
        return aw_error_set (err, "\"%s\" is not a whole number", member->key);
    number = json_object_get_int64 (value);
    if (number < 0 || number > max)
        return aw_error_set (err, "\"%s\" is out of range", member->key);
    return number;
}

static int get_seconds (struct json_object *value,
                        const struct aw_frame_member *member,
                        double *seconds,
                        struct aw_error *err)
{
    if (!json_object_is_type (value, json_type_double)
        && !json_object_is_type (value, json_type_int))
        return aw_error_set (err, "\"%s\" is not a number", member->key);
    *seconds = json_object_get_double (value);
    if (!isfinite (*seconds) || *seconds < 0)
        return aw_error_set (err, "\"%s\" is out of range", member->key);
    return 0;
}

/* Parsed into the next set of READER; SHOWN borrows it. */
static int get_ids (struct aw_frame_reader *reader,
                    struct json_object *value,
                    const struct aw_frame_member *member,
                    struct aw_idset *shown,
                    struct aw_error *err)
{
    struct aw_idset *set = &reader->sets[reader->n_sets++];
    const char *string;

    if (get_string (value, member, &string, err) < 0)
        return -1;
    if (aw_idset_parse (set, string) < 0)
        return aw_error_set (err, "\"%s\" is not a list of ids", member->key);
    *shown = *set;
    return 0;
}

static int get_codes (struct aw_frame_reader *reader,
                      struct json_object *value,
                      const struct aw_frame_member *member,
                      struct aw_codes *codes,
                      struct aw_error *err)
{
    struct aw_idset shown;

    if (get_ids (reader, value, member, &shown, err) < 0)
        return -1;
    for (uint32_t code = aw_idset_next (&shown, 0); code <= 255;
         code = aw_idset_next (&shown, code + 1))
        aw_codes_add (codes, (int)code);
    return 0;
}

/* Collected in the next list of READER; SHOWN borrows it. */
static int get_strings (struct aw_frame_reader *reader,
                        struct json_object *value,
                        const struct aw_frame_member *member,
                        char ***shown,
                        struct aw_error *err)
{
    struct list *list = &reader->lists[reader->n_lists++];
    size_t n;

    if (!json_object_is_type (value, json_type_array))
        return aw_error_set (err, "\"%s\" is not a list", member->key);
    n = json_object_array_length (value);
    if (aw_array_reserve (&list->items, &list->capacity, n + 1) < 0)
        return aw_error_set (err, "out of memory");
    for (size_t i = 0; i < n; i++) {
        /* The launch of an encoder owns its strings, that of a reader borrows them: hence the cast.
         */
        list->items[i] = (char *)string_of (json_object_array_get_idx (value, i));
        if (!list->items[i])
            return aw_error_set (err, "\"%s\" holds something that is not a string", member->key);
    }
    list->items[n] = NULL;
    if (member->form == AW_FORM_COMMAND && n == 0)
        return aw_error_set (err, "\"%s\" is empty", member->key);
    if (member->form == AW_FORM_COPIES && n % 3 != 0)
        return aw_error_set (err, "\"%s\" is not a list of copies", member->key);
    *shown = list->items;
    return 0;
}

static int check_version (const struct aw_frame_reader *reader,
                          struct json_object *value,
                          const struct aw_frame_member *member,
                          struct aw_error *err)
{
    int64_t version = get_integer (value, member, UINT32_MAX, err);
    const char *node = string_of (find (reader, "node"));

    if (version < 0 || version == AW_FRAME_VERSION)
        return version < 0 ? -1 : 0;
    return aw_error_set (err,
                         "node %s has another release of async-workflow (protocol %u, expected "
                         "%d): install the same release on all nodes",
                         node ? node : "?", (unsigned)version, AW_FRAME_VERSION);
}

/* Reads VALUE to PLACE, where MEMBER stands in its frame. */
static int get_value (struct aw_frame_reader *reader,
                      struct json_object *value,
                      const struct aw_frame_member *member,
                      void *place,
                      struct aw_error *err)
{
    int64_t number = 0;

    switch (member->form) {
    case AW_FORM_VERSION:
        return check_version (reader, value, member, err);
    case AW_FORM_TRUE:
        return 0;
    case AW_FORM_FLAG:
        return get_flag (value, member, place, err);
    case AW_FORM_STRING:
        return get_string (value, member, place, err);
    case AW_FORM_STATUS:
        return get_status (value, member, place, err);
    case AW_FORM_IDS:
        return get_ids (reader, value, member, place, err);
    case AW_FORM_CODES:
        return get_codes (reader, value, member, place, err);
    case AW_FORM_STRINGS:
    case AW_FORM_COMMAND:
    case AW_FORM_COPIES:
        return get_strings (reader, value, member, place, err);
    case AW_FORM_U32:
        number = get_integer (value, member, UINT32_MAX, err);
        *(uint32_t *)place = (uint32_t)number;
        break;
    case AW_FORM_U64:
        number = get_integer (value, member, INT64_MAX, err);
        *(uint64_t *)place = (uint64_t)number;
        break;
    case AW_FORM_BYTE:
    case AW_FORM_SIGNAL:
        number = get_integer (value, member, member->form == AW_FORM_BYTE ? 255 : 64, err);
        *(int *)place = (int)number;
        break;
    case AW_FORM_SECONDS:
        return get_seconds (value, member, place, err);
    }
    return number < 0 ? -1 : 0;
}

static int read_members (struct aw_frame_reader *reader,
                         const struct aw_frame_kind *kind,
                         struct aw_frame *frame,
                         struct aw_error *err)
{
    frame->event.type = kind->event;
    frame->event.gpu_known = find (reader, "gpu_mem");
    frame->event.gpu_util = -1;
    aw_launch_init (&frame->launch);
    reader->n_lists = reader->n_sets = 0;
    for (size_t i = 0; i < kind->n; i++) {
        const struct aw_frame_member *member = &kind->members[i];
        struct json_object *value = find (reader, member->key);

        if (!value && !aw_frame_has (frame, member))
            continue;
        if (get_value (reader, value, member, (char *)frame + member->offset, err) < 0)
            return aw_error_prefix (err, kind->members[0].key);
    }
    return 0;
}

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
            if (strcmp (key, aw_frame_kinds[i].members[0].key) != 0)
                continue;
            frame->type = (enum aw_frame_type)i;
            return read_members (reader, &aw_frame_kinds[i], frame, err);
        }
        break; /* the first key is the kind */
    }
    return aw_error_set (err, "a frame of an unknown kind");
}
