/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows: where frames are put together before they are sent. Appending never fails on the spot; whoever
 * appends looks at `failed` once, at the end, and can go back to where he began.
 */
#ifndef AW_IO_TEXT_H
#define AW_IO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aw_text {
    char *data; /* not NUL-terminated; NULL while nothing was added */
    size_t size;
    size_t capacity; /* private */
    bool failed; /* out of memory: what was appended since is missing */
};

void aw_text_init (struct aw_text *text);
void aw_text_finish (struct aw_text *text); /* frees; leaves it empty */

/* Back to SIZE bytes (at most what there are) and not failed; the memory is kept for later. */
void aw_text_truncate (struct aw_text *text, size_t size);

void aw_text_add (struct aw_text *text, const char *bytes, size_t size);
void aw_text_put (struct aw_text *text, const char *string);
void aw_text_uint (struct aw_text *text, uint64_t value);
void aw_text_printf (struct aw_text *text, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

/* STRING as JSON has it, with quotes. Bytes from 0x80 up pass as they are: paths need not be UTF-8, and what is read
 * back must be what was meant.
 */
void aw_text_json (struct aw_text *text, const char *string);

#endif /* AW_IO_TEXT_H */
