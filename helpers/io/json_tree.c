/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "io/json_tree.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "io/json_compat.h"

/* The end of the string that begins at P, which must be valid. */
static const char *skip_string (const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\';
    return p;
}

/* Number of values in valid JSON: commas and containers that are not empty each bring one. */
static size_t count_in_text (const char *text, size_t size)
{
    const char *end = text + size;
    bool opened = false;
    size_t n = 1;

    for (const char *p = text; p < end; p++) {
        if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
            continue;
        n += *p == ',' || (opened && *p != '}' && *p != ']');
        opened = *p == '{' || *p == '[';
        if (*p == '"')
            p = skip_string (p, end);
    }
    return n;
}

static size_t count_in_tree (struct json_object *value)
{
    size_t n = 1;

    if (json_object_is_type (value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length (value); i++)
            n += count_in_tree (json_object_array_get_idx (value, i));
    }
    else if (json_object_is_type (value, json_type_object)) {
        json_object_object_foreach (value, key, member)
        {
            (void)key;
            n += count_in_tree (member);
        }
    }
    return n;
}

/* Why there is no tree. */
static void explain (struct json_object *root, enum json_tokener_error error, struct aw_error *err)
{
    if (error != json_tokener_success)
        aw_error_set (err, "%s", json_tokener_error_desc (error));
    else
        aw_error_set (err, root ? "something follows the value" : "null is not accepted");
}

struct json_object *aw_json_tree_load (
    const char *text, size_t size, int depth, bool duplicates, struct aw_error *err)
{
    struct json_tokener *tokener;
    struct json_object *root;
    enum json_tokener_error error;
    bool whole;

    if (size == 0 || size > INT_MAX) {
        aw_error_set (err, "%zu bytes of JSON", size);
        return NULL;
    }
    tokener = json_tokener_new_ex (depth);
    if (!tokener) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    json_tokener_set_flags (tokener, JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex (tokener, text, (int)size);
    error = json_tokener_get_error (tokener);
    whole = root && error == json_tokener_success && json_tokener_get_parse_end (tokener) == size;
    json_tokener_free (tokener);
    if (!whole)
        explain (root, error, err);
    else if (!duplicates && count_in_text (text, size) != count_in_tree (root))
        aw_error_set (err, "out of memory, or a key is given twice");
    else
        return root;
    json_object_put (root);
    return NULL;
}

const char *aw_json_tree_text (struct json_object *value)
{
    const char *text = json_object_to_json_string_ext (value, JSON_C_TO_STRING_PLAIN);

    if (!text)
        errno = ENOMEM;
    return text;
}
