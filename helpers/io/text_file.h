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

#endif /* AW_IO_TEXT_FILE_H */
