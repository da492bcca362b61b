/* SPDX-License-Identifier: Apache-2.0 */
/* Text under construction: a buffer that grows, with the few formats that the journal and the
 * reports write a million times, without printf. A failed allocation is remembered, so that callers
 * check once at the end.
 */
#ifndef AW_IO_TEXTBUF_H
#define AW_IO_TEXTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/idset.h"

struct aw_textbuf {
    char *data; /* not NUL-terminated */
    size_t len;
    size_t size; /* private */
    bool failed; /* out of memory: what came after is missing */
};

/* An empty one; finish frees what it holds. {0} is an empty one too. */
void aw_textbuf_init (struct aw_textbuf *buf);
void aw_textbuf_finish (struct aw_textbuf *buf);

/* Makes it empty again and forgets a failure; its memory stays for what comes next. */
void aw_textbuf_clear (struct aw_textbuf *buf);

/* Makes room for LEN more bytes. False: there is none. */
bool aw_textbuf_reserve (struct aw_textbuf *buf, size_t len);

static inline void aw_textbuf_put (struct aw_textbuf *buf, const char *text, size_t len)
{
    if (len && (len <= buf->size - buf->len ? !buf->failed : aw_textbuf_reserve (buf, len))) {
        memcpy (buf->data + buf->len, text, len);
        buf->len += len;
    }
}

static inline void aw_textbuf_puts (struct aw_textbuf *buf, const char *text)
{
    aw_textbuf_put (buf, text, strlen (text));
}

static inline void aw_textbuf_putc (struct aw_textbuf *buf, char c)
{
    aw_textbuf_put (buf, &c, 1);
}

/* Texts one after the other, each with its NUL, as a vector in one block of memory that free()
 * frees (aw_strings_vector). BUF is finished. NULL: out of memory, now or before.
 */
char **aw_textbuf_vector (struct aw_textbuf *buf);

void aw_textbuf_u64 (struct aw_textbuf *buf, uint64_t value);

/* As printf. */
void aw_textbuf_printf (struct aw_textbuf *buf, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* VALUE with up to PLACES (at most 9) digits behind the point, zeros at the end left away: "0.152",
 * "3". For magnitudes up to 9e9; beyond them and for what is no number: "null".
 */
void aw_textbuf_fixed (struct aw_textbuf *buf, double value, int places);

/* "0-3,8". */
void aw_textbuf_idset (struct aw_textbuf *buf, const struct aw_idset *set);

/* TEXT as XML character data or attribute value: what XML 1.0 forbids becomes U+FFFD. */
void aw_textbuf_xml (struct aw_textbuf *buf, const char *text);

/* Bytes for a terminal: colours and other control sequences are left out; control characters (C0
 * but newline, C1, DEL), what turns the direction of writing and what is no UTF-8 become "?", tabs
 * blanks.
 */
void aw_textbuf_plain (struct aw_textbuf *buf, const char *text, size_t len);

/* Appends TEXT as plain does, in a column of WIDTH: padded with blanks, or cut in the middle, with
 * "..." there.
 */
void aw_textbuf_cell (struct aw_textbuf *text, const char *data, int width);

#endif /* AW_IO_TEXTBUF_H */
