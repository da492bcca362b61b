/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the workflow file, read as what their key asks for. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/workflow/reader.h"
#include "io/json_tree.h"
#include "io/scan.h"
#include "io/workflow/template.h"
#include "util/units.h"
#include "util/utf8.h"

/* Cuts between characters, and says so. */
static const char *show_text (char buf[AW_SHOWN_SIZE], const char *text, const char *quote)
{
    size_t room = AW_SHOWN_SIZE - 3 - 2 * strlen (quote) - 1, length = strnlen (text, room + 1);
    size_t shown = 0;

    if (length > room) {
        while (shown < room - 4)
            shown += aw_utf8_length (text + shown, room - shown) ?: 1;
        snprintf (buf, AW_SHOWN_SIZE, "%s%.*s...%s", quote, (int)shown, text, quote);
    }
    else {
        snprintf (buf, AW_SHOWN_SIZE, "%s%s%s", quote, text, quote);
    }
    return buf;
}

const char *aw_reader_show (char buf[AW_SHOWN_SIZE], struct json_object *value)
{
    const char *text;

    switch (json_object_get_type (value)) {
    case json_type_object:
        return show_text (buf, "{...}", "");
    case json_type_array:
        return show_text (buf, "[...]", "");
    case json_type_string:
        return show_text (buf, json_object_get_string (value), "\"");
    case json_type_int: /* json-c cuts what does not fit */
        if (json_object_get_uint64 (value) == UINT64_MAX
            || json_object_get_int64 (value) == INT64_MIN)
            return show_text (buf, "the number does not fit in 64 bits", "");
        /* fall through */
    default:
        text = aw_json_tree_text (value);
        return show_text (buf, text ? text : "a value", "");
    }
}

const char *aw_reader_type (struct json_object *value)
{
    switch (json_object_get_type (value)) {
    case json_type_object:
        return "an object";
    case json_type_array:
        return "an array";
    case json_type_string:
        return "text";
    case json_type_boolean:
        return json_object_get_boolean (value) ? "true" : "false";
    case json_type_null:
        return "null";
    default:
        return "a number";
    }
}

bool aw_reader_object (struct aw_reader *reader, struct json_object *value)
{
    if (json_object_is_type (value, json_type_object))
        return true;
    return aw_reader_error (reader, "must be an object, {...}, not %s", aw_reader_type (value));
}

bool aw_reader_array (struct aw_reader *reader, struct json_object *value)
{
    char buf[AW_SHOWN_SIZE];

    if (json_object_is_type (value, json_type_array))
        return true;
    if (json_object_is_type (value, json_type_string))
        return aw_reader_error (reader, "must be an array, not text: write [%s]",
                                aw_reader_show (buf, value));
    return aw_reader_error (reader, "must be an array, [...], not %s", aw_reader_type (value));
}

bool aw_reader_text (struct aw_reader *reader, struct json_object *value, const char **text)
{
    const char *string;
    size_t length;
    char buf[AW_SHOWN_SIZE];

    if (json_object_is_type (value, json_type_int) || json_object_is_type (value, json_type_double))
        return aw_reader_error (reader, "must be text, not a number: write \"%s\"",
                                aw_reader_show (buf, value));
    if (!json_object_is_type (value, json_type_string))
        return aw_reader_error (reader, "must be text, not %s", aw_reader_type (value));
    string = json_object_get_string (value);
    length = (size_t)json_object_get_string_len (value);
    if (strlen (string) != length)
        return aw_reader_error (reader,
                                "\\u0000 within text: programs cannot receive it: remove it");
    if (length > AW_MAX_TEXT)
        return aw_reader_error (reader, "text of %zu bytes: programs can receive at most %d",
                                length, AW_MAX_TEXT);
    *text = string;
    return true;
}

bool aw_reader_number_text (struct aw_reader *reader,
                            struct json_object *value,
                            char buf[AW_SHOWN_SIZE])
{
    double number = json_object_get_double (value);

    if (json_object_is_type (value, json_type_double)) {
        const char *written = aw_json_tree_text (value);

        if (!written)
            return aw_reader_no_memory (reader);
        if (fabs (number) < 9007199254740992. && number == floor (number)) /* 2^53 */
            snprintf (buf, AW_SHOWN_SIZE, "%.0f", number == 0. ? 0. : number);
        else if (strlen (written) < AW_SHOWN_SIZE)
            strcpy (buf, written);
        else
            return aw_reader_error (reader, "a number with too many digits: write it as text");
    }
    else if (number >= 9223372036854775807.
             || number <= -9223372036854775807.) { /* json-c may have cut it */
        return aw_reader_error (reader, "the number does not fit in 64 bits: write it as text");
    }
    else {
        snprintf (buf, AW_SHOWN_SIZE, "%" PRId64, json_object_get_int64 (value));
    }
    return true;
}

/* The parameter where TEXT is one in braces and nothing else. */
static bool only_parameter (struct aw_reader *reader,
                            const char *text,
                            struct aw_parameter **parameter)
{
    size_t length = strlen (text);
    char name[65];

    *parameter = NULL;
    if (length < 3 || length - 2 >= sizeof (name) || text[0] != '{' || text[length - 1] != '}')
        return false;
    memcpy (name, text + 1, length - 2);
    name[length - 2] = '\0';
    if (!aw_template_is_name (name))
        return false;
    *parameter = aw_reader_parameter (reader, name, length - 2);
    return true;
}

/* JSON's number and nothing behind it. */
static bool scan_number (const char *text, double *number)
{
    char copy[AW_SHOWN_SIZE], *p = copy;

    if (strlen (text) >= sizeof (copy))
        return false;
    strcpy (copy, text);
    return aw_scan_number (&p, number) == 0 && *p == '\0';
}

static bool number_from_text (struct aw_reader *reader, struct json_object *value, double *number)
{
    struct aw_parameter *parameter;
    const char *text = "";
    char buf[AW_SHOWN_SIZE];

    if (!aw_reader_text (reader, value, &text))
        return false;
    if (!only_parameter (reader, text, &parameter)) {
        if (scan_number (text, number))
            return aw_reader_error (reader, "\"%s\": must be a number: write it without quotes",
                                    text);
        return aw_reader_error (reader, "%s: must be a number, or one parameter as \"{name}\"",
                                aw_reader_show (buf, value));
    }
    if (!parameter) { /* compiled only for its report, which knows the nearest name */
        free (aw_template_compile (reader, text, AW_TEMPLATE_FIXED));
        return false;
    }
    if (!scan_number (parameter->text, number))
        return aw_reader_error (reader, "{%s} is %s: must be a number", parameter->name,
                                show_text (buf, parameter->text, "\""));
    return true;
}

bool aw_reader_number (struct aw_reader *reader, struct json_object *value, double *number)
{
    switch (json_object_get_type (value)) {
    case json_type_int:
    case json_type_double:
        *number = json_object_get_double (value);
        return true;
    case json_type_string:
        return number_from_text (reader, value, number);
    default:
        return aw_reader_error (reader, "must be a number, not %s", aw_reader_type (value));
    }
}

/* "0.5", or "{share} is 0.5" where a parameter brought it. */
static const char *show_number (char buf[2 * AW_SHOWN_SIZE],
                                struct json_object *value,
                                double number)
{
    if (json_object_is_type (value, json_type_string))
        snprintf (buf, (size_t)2 * AW_SHOWN_SIZE, "%.*s is %.15g", AW_SHOWN_SIZE,
                  json_object_get_string (value), number);
    else
        aw_reader_show (buf, value);
    return buf;
}

/* A double says any integer of this file exactly: all limits are below 2^53, but for memory's,
 * where it does not matter. */
bool aw_reader_integer (struct aw_reader *reader,
                        struct json_object *value,
                        uint64_t min,
                        uint64_t max,
                        uint64_t *number)
{
    char buf[2 * AW_SHOWN_SIZE];
    double n = 0.;

    if (!aw_reader_number (reader, value, &n))
        return false;
    if (n < (double)min || n > (double)max)
        return aw_reader_error (reader, "%s: must be from %" PRIu64 " to %" PRIu64,
                                show_number (buf, value, n), min, max);
    if (n != floor (n))
        return aw_reader_error (reader, "%s: must be a whole number", show_number (buf, value, n));
    *number = (uint64_t)n;
    return true;
}

/* Text with its parameters, for the caller to free. */
static char *fixed_text (struct aw_reader *reader, struct json_object *value)
{
    const char *text = "";

    if (!aw_reader_text (reader, value, &text))
        return NULL;
    return aw_template_compile (reader, text, AW_TEMPLATE_FIXED);
}

bool aw_reader_seconds (struct aw_reader *reader, struct json_object *value, double *seconds)
{
    char buf[AW_SHOWN_SIZE];
    char *text;
    int rc;

    if (!json_object_is_type (value, json_type_string)) {
        double number;

        if (!json_object_is_type (value, json_type_int)
            && !json_object_is_type (value, json_type_double))
            return aw_reader_error (reader, "must be a time, as 90 or \"1h30m\", not %s",
                                    aw_reader_type (value));
        number = json_object_get_double (value);
        if (!(number >= 0. && number <= 1e9))
            return aw_reader_error (reader, "%s: must be from 0 to 1000000000 seconds",
                                    aw_reader_show (buf, value));
        *seconds = number;
        return true;
    }
    text = fixed_text (reader, value);
    if (!text)
        return false;
    rc = aw_parse_seconds (text, seconds);
    if (rc < 0 && errno == ERANGE)
        aw_reader_error (reader, "%s: must be from 0 to 1000000000 seconds",
                         show_text (buf, text, "\""));
    else if (rc < 0)
        aw_reader_error (reader, "%s is not a time: write seconds, or \"1h30m\" (d, h, m, s, ms)",
                         show_text (buf, text, "\""));
    free (text);
    return rc == 0;
}

bool aw_reader_bytes (struct aw_reader *reader, struct json_object *value, uint64_t *bytes)
{
    static const uint64_t max = UINT64_C (1) << 60;
    char buf[AW_SHOWN_SIZE];
    char *text;
    int rc;

    if (!json_object_is_type (value, json_type_string)) {
        if (!json_object_is_type (value, json_type_int)
            && !json_object_is_type (value, json_type_double))
            return aw_reader_error (reader, "must be a size, as \"4G\", not %s",
                                    aw_reader_type (value));
        return aw_reader_integer (reader, value, 0, max, bytes);
    }
    text = fixed_text (reader, value);
    if (!text)
        return false;
    rc = aw_parse_bytes (text, bytes);
    if (rc < 0 && errno == EINVAL)
        aw_reader_error (reader, "%s is not a size: write bytes, or \"4G\" (K, M, G, T, P)",
                         show_text (buf, text, "\""));
    else if (rc < 0 || *bytes > max)
        rc = aw_reader_error (reader, "%s: must be from 0 to 1024P", show_text (buf, text, "\""))
             - 1;
    free (text);
    return rc == 0;
}

bool aw_reader_choice (struct aw_reader *reader,
                       struct json_object *value,
                       const char *const words[],
                       size_t n,
                       size_t *index)
{
    char hint[128] = "must be one of";
    size_t length = strlen (hint);
    char *text = fixed_text (reader, value);

    if (!text)
        return false;
    for (*index = 0; *index < n && strcmp (text, words[*index]) != 0; ++*index)
        if (length < sizeof (hint))
            length +=
                (size_t)snprintf (hint + length, sizeof (hint) - length, " \"%s\"", words[*index]);
    if (*index == n)
        aw_reader_unknown (reader, "value", text, words, n, hint);
    free (text);
    return *index < n;
}
