/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one pair of files of the log store. Records are collected in a buffer of 1 MiB, which
 * flush writes out. What cannot be written is cut off again, and its attempts know the error.
 */
#ifndef AW_IO_LOGS_LOG_WRITER_H
#define AW_IO_LOGS_LOG_WRITER_H

#include "io/logs/log_record.h"
#include "util/error.h"

struct aw_log_writer;

/* An attempt that is being written. {0} at first; owned by the caller, and kept until the flush
 * after its last record.
 */
struct aw_log_attempt {
    uint64_t key; /* private, as the next two */
    uint64_t begin, prev;
    int error; /* errno: something of it could not be written, and nothing more is; 0: none */
};

/* Creates NODE.log and NODE.idx in the directory DIR, or the first NODE.1.log, NODE.2.log, ... that
 * is not there. NULL with text and errno. destroy takes NULL, keeps errno, does not flush.
 */
struct aw_log_writer *aw_log_writer_create (const char *dir,
                                            const char *node,
                                            struct aw_error *err);
void aw_log_writer_destroy (struct aw_log_writer *writer);

const char *aw_log_writer_path (const struct aw_log_writer *writer); /* of the log; borrowed */

/* The first record of ATTEMPT, number NUMBER of the task NAME. */
void aw_log_writer_begin (struct aw_log_writer *writer,
                          struct aw_log_attempt *attempt,
                          const char *name,
                          uint32_t number);

/* Where the data of the next record may be put: AW_LOG_DATA_MAX bytes, valid until the next call of
 * another function here. May flush. NULL with ENOMEM.
 */
void *aw_log_writer_room (struct aw_log_writer *writer);

/* A record of SIZE bytes, put there before; KIND is AW_LOG_STDOUT or AW_LOG_STDERR. */
void aw_log_writer_put (struct aw_log_writer *writer,
                        struct aw_log_attempt *attempt,
                        enum aw_log_kind kind,
                        size_t size);

/* Its last record: all of its output has been put. */
void aw_log_writer_end (struct aw_log_writer *writer, struct aw_log_attempt *attempt);

/* Writes the buffer to the files. Attempts of which something could not be written get the error.
 */
void aw_log_writer_flush (struct aw_log_writer *writer);

/* Waits until all that was flushed is on disk, or with the server. 0, or -1 with errno. */
int aw_log_writer_sync (struct aw_log_writer *writer);

/* Lets the kernel begin to write to the disk or server what it has taken. */
void aw_log_writer_push (struct aw_log_writer *writer);

#endif /* AW_IO_LOGS_LOG_WRITER_H */
