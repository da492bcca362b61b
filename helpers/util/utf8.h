/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AW_UTIL_UTF8_H
#define AW_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the UTF-8 sequence that the SIZE bytes at TEXT begin with (RFC 3629: the
 * shortest form, no surrogates, at most U+10FFFF), or 0 where they begin with none. A NUL is a
 * sequence of one byte.
 */
size_t aw_utf8_length (const char *text, size_t size);

/* Length of the byte order mark that the SIZE bytes at TEXT begin with, as editors of Windows write
 * it: 3, or 0.
 */
size_t aw_utf8_mark (const char *text, size_t size);

/* Is all of TEXT UTF-8? */
bool aw_utf8_is_text (const char *text);

/* Writes CHARACTER, at most U+10FFFF, as UTF-8 to OUT, which has room for 4 bytes. Returns how many
 * it takes.
 */
size_t aw_utf8_put (uint32_t character, char *out);

#endif /* AW_UTIL_UTF8_H */
