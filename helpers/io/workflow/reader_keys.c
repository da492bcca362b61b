/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/reader_keys.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/shell_hints.h"

enum { MAX_KEYS = 64 };

const struct aw_key *aw_key_find (const struct aw_key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp (keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

void aw_key_unknown (struct aw_reader *reader,
                     const struct aw_key *keys,
                     size_t n,
                     const char *name,
                     const char *hint)
{
    const char *names[MAX_KEYS];

    n = n < MAX_KEYS ? n : MAX_KEYS;
    for (size_t i = 0; i < n; i++)
        names[i] = keys[i].name;
    aw_reader_unknown (reader, "key", name, names, n, hint);
}

bool aw_reader_template (struct aw_reader *reader,
                         struct json_object *value,
                         enum aw_template_kind kind,
                         char **text)
{
    const char *raw;
    char *compiled;

    if (!aw_reader_text (reader, value, &raw))
        return false;
    compiled = aw_template_compile (reader, raw, kind);
    if (!compiled)
        return false;
    if (!*compiled) {
        free (compiled);
        return aw_reader_error (reader, "empty text: leave the key out");
    }
    free (*text);
    *text = compiled;
    if (kind == AW_TEMPLATE_TEXT)
        aw_hint_path (reader, raw);
    return true;
}

static void read_limit (struct aw_reader *reader, struct json_object *value, double *limit)
{
    char buf[AW_SHOWN_SIZE];
    double seconds;

    if (!aw_reader_seconds (reader, value, &seconds))
        return;
    if (seconds > 0.)
        *limit = seconds;
    else
        aw_reader_error (reader, "%s: must be above 0: leave it out for no limit",
                         aw_reader_show (buf, value));
}

static void read_choice (struct aw_reader *reader,
                         const struct aw_key *key,
                         struct json_object *value,
                         int *choice)
{
    size_t n = 0, index;

    while (key->words[n])
        n++;
    if (aw_reader_choice (reader, value, key->words, n, &index))
        *choice = (int)(key->min + index);
}

void aw_key_read (struct aw_reader *reader,
                  const struct aw_key *key,
                  struct json_object *value,
                  void *object)
{
    void *place = (char *)object + key->offset;
    uint64_t number;

    switch (key->form) {
    case AW_KEY_OTHER:
        key->read (reader, value, object);
        break;
    case AW_KEY_U32:
        if (aw_reader_integer (reader, value, key->min, key->max, &number))
            *(uint32_t *)place = (uint32_t)number;
        break;
    case AW_KEY_SECONDS:
        aw_reader_seconds (reader, value, place);
        break;
    case AW_KEY_LIMIT:
        read_limit (reader, value, place);
        break;
    case AW_KEY_BYTES:
        aw_reader_bytes (reader, value, place);
        break;
    case AW_KEY_FLAG:
        if (json_object_is_type (value, json_type_boolean))
            *(bool *)place = json_object_get_boolean (value);
        else
            aw_reader_error (reader, "must be true or false");
        break;
    case AW_KEY_CHOICE:
        read_choice (reader, key, value, place);
        break;
    case AW_KEY_TEXT:
        aw_reader_template (reader, value, AW_TEMPLATE_TEXT, place);
        break;
    }
}

void aw_keys_read (struct aw_reader *reader,
                   const struct aw_key *keys,
                   size_t n,
                   const char *hint,
                   struct json_object *value,
                   void *object)
{
    json_object_object_foreach (value, name, member)
    {
        const struct aw_key *key = aw_key_find (keys, n, name);
        size_t mark;

        if (!key) {
            aw_key_unknown (reader, keys, n, name, hint);
            continue;
        }
        mark = aw_reader_enter (reader, name);
        aw_key_read (reader, key, member, object);
        aw_reader_leave (reader, mark);
    }
}
