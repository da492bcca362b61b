/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AW_UTIL_WRITE_H
#define AW_UTIL_WRITE_H

#include <stddef.h>

/* Writes SIZE bytes at DATA to FD, which blocks, however often write must be called for it. 0, or
 * -1 with errno; some of it may then be written.
 */
int aw_write_all (int fd, const void *data, size_t size);

/* Writes SIZE bytes at DATA to the file PATH instead of what it held, or to stdout where PATH is
 * NULL or "-". 0, or -1 with errno; a file that was not there before is removed then.
 */
int aw_write_output (const char *path, const void *data, size_t size);

/* Sends SIZE bytes at DATA to the socket FD without waiting, however often send must be called for
 * it. 0, or -1 with errno (EAGAIN: the peer does not take so much); some may then be sent.
 */
int aw_send_all (int fd, const void *data, size_t size);

#endif /* AW_UTIL_WRITE_H */
