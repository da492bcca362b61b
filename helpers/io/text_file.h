/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AW_IO_TEXT_FILE_H
#define AW_IO_TEXT_FILE_H

#include <stddef.h>

#include "util/error.h"

/* Reads a whole regular file of at most MAX bytes; a larger one is refused by its size, without
 * reading it. Never waits for a FIFO's other end and opens no device. Returns the text for the
 * caller to free, a NUL behind its SIZE bytes, or NULL with text ("cannot be read: No such file or
 * directory").
 */
char *aw_text_file_read (const char *path, size_t max, size_t *size, struct aw_error *err);

/* The same of standard input, which may be a pipe or a terminal: waits for its end. */
char *aw_text_stdin_read (size_t max, size_t *size, struct aw_error *err);

/* What is wrong where the next is not 0. */
#define AW_TEXT_OLD_LINE_END                                                                    \
    "a carriage return without a newline, the line end of old Macs: convert the file with: tr " \
    "'\\r' '\\n' <OLD >NEW"

/* The line of the first carriage return in the SIZE bytes at TEXT which neither a newline nor the
 * end follows; 0: none. */
size_t aw_text_old_line_end (const char *text, size_t size);

#endif /* AW_IO_TEXT_FILE_H */
