/* SPDX-License-Identifier: Apache-2.0 */
/* Text into frames. They come tens of thousands a second, so a line is copied once and taken apart
 * in place: first all its members, of any kind, then those of its kind, in the table's order.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/scan.h"
#include "io/wire/frame_members.h"
#include "util/array.h"

enum {
    MAX_LISTS = 5, /* in one frame */
    MAX_SETS = 3
};

enum type { ABSENT, STRING, NUMBER, FLAG, LIST, OTHER };

/* A member of the line. */
struct value {
    enum type type;
    const char *string;
    double number;
    int64_t whole; /* the number, where it is a whole one from 0 to INT64_MAX; else -1 */
    bool has_fraction; /* or an exponent */
    bool flag;
    struct list *list;
};

struct list {
    char **items; /* NULL-terminated */
    size_t capacity, n;
    bool mixed; /* an item is no string */
};

struct aw_frame_reader {
    char *text; /* of the frame last read; strings point into it */
    size_t room;
    struct value values[AW_FRAME_MEMBERS_MAX]; /* by member of the frame's kind */
    struct list lists[MAX_LISTS];
    struct aw_idset sets[MAX_SETS];
    int n_lists, n_sets; /* in use by the frame last read */
};

struct aw_frame_reader *aw_frame_reader_create (void)
{
    return calloc (1, sizeof (struct aw_frame_reader));
}

void aw_frame_reader_destroy (struct aw_frame_reader *reader)
{
    int saved = errno;

    if (reader) {
        free (reader->text);
        for (int i = 0; i < MAX_LISTS; i++)
            free (reader->lists[i].items);
        for (int i = 0; i < MAX_SETS; i++)
            aw_idset_finish (&reader->sets[i]);
        free (reader);
    }
    errno = saved;
}

/*
 * A line into values
 */

static bool is_digit (char c)
{
    return c >= '0' && c <= '9';
}

/* A number of at most 19 digits alone, as most are: exact up to INT64_MAX, as doubles are not.
 * False, and *P as it was: it is another.
 */
static bool scan_whole (struct value *value, char **p)
{
    char *end = *p;
    uint64_t whole = 0;

    for (; is_digit (*end) && end - *p < 19; end++)
        whole = 10 * whole + (uint64_t)(*end - '0');
    if (end == *p || (**p == '0' && end - *p > 1) || is_digit (*end) || *end == '.' || *end == 'e'
        || *end == 'E')
        return false;
    *value = (struct value){ .type = NUMBER,
                             .number = (double)whole,
                             .whole = whole <= INT64_MAX ? (int64_t)whole : -1 };
    *p = end;
    return true;
}

static int scan_number (struct value *value, char **p)
{
    const char *from = *p;

    if (scan_whole (value, p))
        return 0;
    *value = (struct value){ .type = NUMBER, .whole = -1 };
    if (aw_scan_number (p, &value->number) < 0)
        return -1;
    for (; from < *p && !value->has_fraction; from++)
        value->has_fraction = *from == '.' || *from == 'e' || *from == 'E';
    return 0;
}

static int scan_list (struct aw_frame_reader *reader, struct value *value, char **p)
{
    struct list *list = &reader->lists[reader->n_lists++];

    *value = (struct value){ .type = LIST, .list = list };
    list->n = 0;
    list->mixed = false;
    (*p)++;
    if (aw_array_reserve (&list->items, &list->capacity, 1) < 0)
        return -1;
    list->items[0] = NULL;
    if (aw_scan_char (p, ']') == 0)
        return 0;
    do {
        char *item = NULL;

        aw_scan_space (p);
        list->mixed = list->mixed || **p != '"';
        if ((**p == '"' ? aw_scan_string (p, &item) : aw_scan_skip (p)) < 0
            || aw_array_reserve (&list->items, &list->capacity, list->n + 2) < 0)
            return -1;
        list->items[list->n++] = item;
    } while (aw_scan_char (p, ',') == 0);
    list->items[list->n] = NULL;
    return aw_scan_char (p, ']');
}

static int scan_value (struct aw_frame_reader *reader, struct value *value, char **p)
{
    char *string;

    aw_scan_space (p);
    if (**p == '"') {
        if (aw_scan_string (p, &string) < 0)
            return -1;
        value->type = STRING;
        value->string = string;
        return 0;
    }
    if (**p == '-' || (**p >= '0' && **p <= '9'))
        return scan_number (value, p);
    if (**p == '[' && reader->n_lists < MAX_LISTS)
        return scan_list (reader, value, p);
    value->type = **p == 't' || **p == 'f' ? FLAG : OTHER;
    value->flag = **p == 't';
    return aw_scan_skip (p);
}

/* The member with KEY. Members come in order mostly, so FIRST is looked at first. -1: none. */
static int find_member (const struct aw_frame_kind *kind, const char *key, size_t first)
{
    for (size_t i = 0; i < kind->n; i++) {
        size_t member = first + i < kind->n ? first + i : first + i - kind->n;

        if (strcmp (key, kind->members[member].key) == 0)
            return (int)member;
    }
    return -1;
}

static const struct aw_frame_kind *find_kind (const char *key)
{
    for (int i = 0; i < AW_FRAME_TYPES; i++)
        if (*key == *aw_frame_kinds[i].members[0].key
            && strcmp (key, aw_frame_kinds[i].members[0].key) == 0)
            return &aw_frame_kinds[i];
    return NULL;
}

/* The member whose key, as we write it, stands at *P: most often the first one from NEXT on. -1: it
 * is none of the next few, or *P is at the end of the text.
 */
static int next_member (const struct aw_frame_kind *kind, size_t next, char **p)
{
    for (size_t i = next; i < kind->n; i++) {
        const struct aw_frame_member *member = &kind->members[i];

        if (strncmp (*p, member->head + 1, member->head_size - 1) != 0)
            continue;
        *p += member->head_size - 1;
        return (int)i;
    }
    return -1;
}

/* The values of the object at P, which ends at END, and its kind; NULL: an unknown one, by its
 * first key. 0, or -1: it is none. */
static int scan_object (struct aw_frame_reader *reader,
                        char *p,
                        const char *end,
                        const struct aw_frame_kind **kind)
{
    struct value other;
    size_t next = 0;
    bool first = true;
    char *key;

    *kind = NULL;
    if (aw_scan_char (&p, '{') < 0)
        return -1;
    if (aw_scan_char (&p, '}') == 0)
        return p == end ? 0 : -1;
    do {
        int member = *kind ? next_member (*kind, next, &p) : -1;

        if (member < 0 && (aw_scan_string (&p, &key) < 0 || aw_scan_char (&p, ':') < 0))
            return -1;
        if (first && (*kind = find_kind (key)))
            memset (reader->values, 0, (*kind)->n * sizeof (reader->values[0]));
        first = false;
        if (*kind && member < 0)
            member = find_member (*kind, key, next);
        if (scan_value (reader, member < 0 ? &other : &reader->values[member], &p) < 0)
            return -1;
        next = (size_t)(member + 1);
    } while (aw_scan_char (&p, ',') == 0);
    return aw_scan_char (&p, '}') == 0 && p == end ? 0 : -1;
}

/* Copies LINE, so that it can be taken apart in place. */
static int scan_line (struct aw_frame_reader *reader,
                      const char *line,
                      size_t size,
                      const struct aw_frame_kind **kind,
                      struct aw_error *err)
{
    if (size == 0 || size > AW_FRAME_MAX)
        return aw_error_set (err, "a frame of %zu bytes", size);
    if (aw_array_reserve (&reader->text, &reader->room, size + 1) < 0)
        return aw_error_set (err, "out of memory");
    memcpy (reader->text, line, size);
    reader->text[size] = '\0';
    reader->n_lists = reader->n_sets = 0;
    errno = 0;
    if (scan_object (reader, reader->text, reader->text + size, kind) == 0)
        return 0;
    return aw_error_set (err, errno == ENOMEM ? "out of memory" : "not a JSON object");
}

/*
 * Values into a frame
 */

static const struct value *find (const struct aw_frame_reader *reader,
                                 const struct aw_frame_kind *kind,
                                 const char *key)
{
    int member = find_member (kind, key, 0);

    return member >= 0 && reader->values[member].type != ABSENT ? &reader->values[member] : NULL;
}

static int get_string (const struct value *value,
                       const struct aw_frame_member *member,
                       const char **string,
                       struct aw_error *err)
{
    if (value->type != STRING)
        return aw_error_set (err, "\"%s\" is not a string", member->key);
    *string = value->string;
    return 0;
}

static int get_status (const struct value *value,
                       const struct aw_frame_member *member,
                       enum aw_status *status,
                       struct aw_error *err)
{
    const char *name = NULL;
    int number;

    if (get_string (value, member, &name, err) < 0)
        return -1;
    number = aw_status_parse (name);
    if (number < 0)
        return aw_error_set (err, "\"%s\" is unknown", member->key);
    *status = (enum aw_status)number;
    return 0;
}

static int get_flag (const struct value *value,
                     const struct aw_frame_member *member,
                     bool *flag,
                     struct aw_error *err)
{
    if (value->type != FLAG)
        return aw_error_set (err, "\"%s\" is not true or false", member->key);
    *flag = value->flag;
    return 0;
}

/* A number from 0 to MAX, or -1 with text. */
static int64_t get_integer (const struct value *value,
                            const struct aw_frame_member *member,
                            int64_t max,
                            struct aw_error *err)
{
    if (value->type != NUMBER || value->has_fraction)
        return aw_error_set (err, "\"%s\" is not a whole number", member->key);
    if (value->whole < 0 || value->whole > max)
        return aw_error_set (err, "\"%s\" is out of range", member->key);
    return value->whole;
}

static int get_seconds (const struct value *value,
                        const struct aw_frame_member *member,
                        double *seconds,
                        struct aw_error *err)
{
    if (value->type != NUMBER)
        return aw_error_set (err, "\"%s\" is not a number", member->key);
    *seconds = value->number;
    if (!isfinite (*seconds) || *seconds < 0)
        return aw_error_set (err, "\"%s\" is out of range", member->key);
    return 0;
}

/* Parsed into the next set of READER; SHOWN borrows it. */
static int get_ids (struct aw_frame_reader *reader,
                    const struct value *value,
                    const struct aw_frame_member *member,
                    struct aw_idset *shown,
                    struct aw_error *err)
{
    struct aw_idset *set = &reader->sets[reader->n_sets++];
    const char *string = NULL;

    if (get_string (value, member, &string, err) < 0)
        return -1;
    if (aw_idset_parse (set, string) < 0)
        return errno == ENOMEM ? aw_error_set (err, "out of memory")
                               : aw_error_set (err, "\"%s\" is not a list of ids", member->key);
    *shown = *set;
    return 0;
}

static int get_codes (struct aw_frame_reader *reader,
                      const struct value *value,
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

/* SHOWN borrows the list, as a launch that is sent owns it: hence no const. */
static int get_strings (const struct value *value,
                        const struct aw_frame_member *member,
                        char ***shown,
                        struct aw_error *err)
{
    if (value->type != LIST)
        return aw_error_set (err, "\"%s\" is not a list", member->key);
    if (value->list->mixed)
        return aw_error_set (err, "\"%s\" holds something that is not a string", member->key);
    if (member->form == AW_FORM_COMMAND && value->list->n == 0)
        return aw_error_set (err, "\"%s\" is empty", member->key);
    if (member->form == AW_FORM_COPIES && value->list->n % 3 != 0)
        return aw_error_set (err, "\"%s\" is not a list of copies", member->key);
    *shown = value->list->items;
    return 0;
}

static int check_version (const struct aw_frame_reader *reader,
                          const struct value *value,
                          const struct aw_frame_member *member,
                          struct aw_error *err)
{
    int64_t version = get_integer (value, member, UINT32_MAX, err);
    const struct value *node = find (reader, &aw_frame_kinds[AW_FRAME_HELLO], "node");

    if (version < 0 || version == AW_FRAME_VERSION)
        return version < 0 ? -1 : 0;
    return aw_error_set (err,
                         "node %s has another release of async-workflow (protocol %u, expected "
                         "%d): install the same release on all nodes",
                         node && node->type == STRING ? node->string : "?", (unsigned)version,
                         AW_FRAME_VERSION);
}

/* Reads VALUE to PLACE, where MEMBER stands in its frame. */
static int get_value (struct aw_frame_reader *reader,
                      const struct value *value,
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
        return get_strings (value, member, place, err);
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

/* Is there a member of KIND that is written only WHEN? Then all of them must be there. */
static bool is_there (const struct aw_frame_reader *reader,
                      const struct aw_frame_kind *kind,
                      enum aw_frame_when when)
{
    for (size_t i = 0; i < kind->n; i++)
        if (kind->members[i].when == when && reader->values[i].type != ABSENT)
            return true;
    return false;
}

static int read_members (struct aw_frame_reader *reader,
                         const struct aw_frame_kind *kind,
                         struct aw_frame *frame,
                         struct aw_error *err)
{
    frame->event.type = kind->event;
    frame->event.gpu_util = -1;
    frame->event.gpu_known = is_there (reader, kind, AW_WHEN_GPU_USAGE);
    frame->event.continued = is_there (reader, kind, AW_WHEN_CONTINUED);
    aw_launch_init (&frame->launch);
    frame->launch.assigned = frame->type == AW_FRAME_ASSIGN;
    for (size_t i = 0; i < kind->n; i++) {
        const struct aw_frame_member *member = &kind->members[i];
        const struct value *value = &reader->values[i];

        if (value->type == ABSENT && !aw_frame_has (frame, member))
            continue;
        if (get_value (reader, value, member, (char *)frame + member->offset, err) < 0)
            return aw_error_prefix (err, kind->members[0].key);
    }
    if (frame->launch.assigned && !frame->launch.place)
        return aw_error_set (err, "assign: \"place\" is out of range");
    if (frame->launch.assigned && is_there (reader, kind, AW_WHEN_PLACED))
        return aw_error_set (err, "assign: \"cpus\" and \"gpus\" are those of the place");
    return 0;
}

int aw_frame_read (struct aw_frame_reader *reader,
                   const char *line,
                   size_t size,
                   struct aw_frame *frame,
                   struct aw_error *err)
{
    const struct aw_frame_kind *kind = NULL;

    memset (frame, 0, sizeof (*frame));
    if (scan_line (reader, line, size, &kind, err) < 0)
        return -1;
    if (!kind)
        return aw_error_set (err, "a frame of an unknown kind");
    frame->type = (enum aw_frame_type) (kind - aw_frame_kinds);
    return read_members (reader, kind, frame, err);
}
