/* SPDX-License-Identifier: Apache-2.0 */
/* The escapes within JSON's strings. */
#ifndef AW_IO_JSON_STRING_H
#define AW_IO_JSON_STRING_H

#include <stddef.h>

/* Length of the escape that the SIZE bytes at TEXT begin with (two escapes where they are a
 * surrogate pair), or 0 where they begin with none that means a character.
 */
size_t aw_json_escape_length (const char *text, size_t size);

/* Writes the SIZE bytes at TEXT, the inside of a valid string, to OUT with escapes resolved. OUT
 * has room for as many bytes. Returns how many were written.
 */
size_t aw_json_unescape (const char *text, size_t size, char *out);

#endif /* AW_IO_JSON_STRING_H */
