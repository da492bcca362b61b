/* SPDX-License-Identifier: Apache-2.0 */
/* json-c, with replacements for what its versions before 0.14 lack. Include config.h first, and
 * this instead of json-c's own headers.
 */
#ifndef AW_IO_JSON_COMPAT_H
#define AW_IO_JSON_COMPAT_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#ifndef HAVE_JSON_OBJECT_GET_UINT64
/* The integer in OBJECT. Before 0.14 json-c has no integers beyond INT64_MAX: it makes that number
 * of larger ones, and so UINT64_MAX, "too large for 64 bits", stands for both.
 */
static inline uint64_t aw_json_get_uint64 (const struct json_object *object)
{
    int64_t value = json_object_get_int64 (object);

    return value == INT64_MAX ? UINT64_MAX : value < 0 ? 0 : (uint64_t)value;
}
#define json_object_get_uint64 aw_json_get_uint64
#endif

#ifndef HAVE_JSON_TOKENER_GET_PARSE_END
/* Where the last parse ended, in bytes from the begin of its text. */
static inline size_t aw_json_get_parse_end (const struct json_tokener *tokener)
{
    return (size_t)tokener->char_offset;
}
#define json_tokener_get_parse_end aw_json_get_parse_end
#endif

#ifndef JSON_TOKENER_VALIDATE_UTF8
/* json_check.c refuses a file that is not UTF-8 before json-c sees it. */
#define JSON_TOKENER_VALIDATE_UTF8 0
#endif

#endif /* AW_IO_JSON_COMPAT_H */
