/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AW_UTIL_READ_H
#define AW_UTIL_READ_H

#include <sys/types.h>

/* Reads up to SIZE bytes of the file FD from OFFSET on into DATA, however often pread must be
 * called for it. Returns how many there are, fewer at the end of the file alone; or -1 with errno.
 */
ssize_t aw_read_at (int fd, void *data, size_t size, off_t offset);

#endif /* AW_UTIL_READ_H */
