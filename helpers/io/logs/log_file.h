/* SPDX-License-Identifier: Apache-2.0 */
/* Reads NODE.log, which may be being written, or be torn where its writer was killed. */
#ifndef AW_IO_LOGS_LOG_FILE_H
#define AW_IO_LOGS_LOG_FILE_H

#include <sys/types.h>

#include "io/logs/log_record.h"

struct aw_log_file {
    int fd; /* -1: closed */
    uint64_t size; /* when it was last looked at */
    uint64_t from; /* private: what the buffer holds of the file */
    size_t n;
    unsigned char buffer[16 << 10];
};

/* Opens NAME in the directory DIR, a regular file of OWNER, no symbolic link. 0, or -1 with errno;
 * EBADMSG: it is no log. finish closes it if it is open.
 */
int aw_log_file_open (struct aw_log_file *file, int dir, const char *name, uid_t owner);
void aw_log_file_finish (struct aw_log_file *file);

/* Looks at the size of the file again. 0, or -1 with errno. */
int aw_log_file_grow (struct aw_log_file *file);

/* Reads the head of the record at position AT. 1; 0: there is no record that ends within the file;
 * -1 with errno. The data is not looked at.
 */
int aw_log_file_record (struct aw_log_file *file, uint64_t at, struct aw_log_record *record);

/* Reads the data of RECORD at AT into DATA, room for AW_LOG_DATA_MAX. 1; 0: the record is not
 * whole; -1 with errno.
 */
int aw_log_file_data (struct aw_log_file *file,
                      uint64_t at,
                      const struct aw_log_record *record,
                      void *data);

/* Reads the BEGIN record at AT: NAME (room for AW_LOG_NAME_MAX) of the task, and number of the
 * attempt. 1; 0: there is none; -1 with errno.
 */
int aw_log_file_begin (struct aw_log_file *file, uint64_t at, char *name, uint32_t *number);

/* Where the record after RECORD at AT begins. */
static inline uint64_t aw_log_after (uint64_t at, const struct aw_log_record *record)
{
    return at + AW_LOG_RECORD_HEAD + record->size;
}

#endif /* AW_IO_LOGS_LOG_FILE_H */
