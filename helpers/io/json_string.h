/* SPDX-License-Identifier: Apache-2.0 */
/* The one codec of JSON strings. It works on the inside of a string, between the quotes. */
#ifndef AW_IO_JSON_STRING_H
#define AW_IO_JSON_STRING_H

#include <stddef.h>
#include <stdint.h>

#include "io/textbuf.h"

/* Appends TEXT for readers that expect valid UTF-8: quotes, backslashes and control characters are
 * escaped, and each byte that is not UTF-8 is replaced by U+FFFD.
 */
void aw_json_put_text (struct aw_textbuf *buf, const char *text);

/* The same with quotes around it; null for NULL. */
void aw_json_put_string (struct aw_textbuf *buf, const char *text);

/* Appends SIZE bytes so that aw_json_get_bytes returns the same bytes. Quotes, backslashes and
 * control characters become "\u00XX". Bytes from 0x80 up pass unchanged, because paths and messages
 * need not be UTF-8.
 */
void aw_json_put_bytes (struct aw_textbuf *buf, const char *data, size_t size);

/* Replaces the contents of BUF by the bytes that aw_json_put_bytes has written as TEXT. 0, or -1
 * with BUF empty and errno: ENOMEM, or EINVAL where TEXT has an escape other than "\u00XX".
 */
int aw_json_get_bytes (struct aw_textbuf *buf, const char *text, size_t size);

/* Reads the escape at the start of the SIZE bytes at TEXT (a surrogate pair is one escape of 12
 * bytes). Returns its length and stores its character, or returns 0 where there is no valid escape.
 * Reads nothing after a NUL, so SIZE may be AW_JSON_ESCAPE_MAX for text that ends with one.
 */
enum { AW_JSON_ESCAPE_MAX = 12 };
size_t aw_json_read_escape (const char *text, size_t size, uint32_t *character);

/* Decodes the SIZE bytes at TEXT, which must be valid, to OUT, which needs room for SIZE bytes and
 * may be TEXT. Returns the number of bytes written.
 */
size_t aw_json_unescape (const char *text, size_t size, char *out);

#endif /* AW_IO_JSON_STRING_H */
