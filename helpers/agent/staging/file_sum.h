/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of a copy, kept with it: that of the content which the first node read from the
 * shared file system. Each node that passes the copy on gives this sum, and not one of what its
 * disk returns. So the next node notices what the disk has damaged, and a damaged copy is marked.
 * It is the extended attribute "user.async-workflow.crc32" of the file, which some file systems
 * cannot have.
 */
#ifndef AW_AGENT_STAGING_FILE_SUM_H
#define AW_AGENT_STAGING_FILE_SUM_H

#include <stdint.h>

/* Keeps SUM with the open file FD, or none where that is not possible. */
void aw_file_sum_keep (int fd, uint32_t sum);

/* The kept sum of the open file FD. 0, or -1 with errno: ENODATA if it may get one later, EBADMSG
 * if the copy is marked as damaged.
 */
int aw_file_sum_get (int fd, uint32_t *sum);

/* Computes the sum of the content of FD. Where that is not the kept one, the copy is marked as
 * damaged.
 */
void aw_file_sum_check (int fd);

#endif /* AW_AGENT_STAGING_FILE_SUM_H */
