/* SPDX-License-Identifier: Apache-2.0 */
/* The log store: the output of all tasks of one agent in two files, NODE.log and NODE.idx. An agent
 * that is started again begins a new pair: NODE.1.log, NODE.2.log, ...
 *
 * NODE.log begins with AW_LOG_HEAD. Then come records, one after the other, each with a head of 32
 * bytes (little endian):
 *
 *   4  "AWL" and the kind: 'B', 'o', 'e' or 'E'
 *   4  bytes of data after the head
 *   8  position of the BEGIN record of the same attempt (its own in BEGIN)
 *   8  position of the attempt's record before this one (0 in BEGIN)
 *   8  checksum of these 24 bytes and the data
 *
 * An attempt of a task is BEGIN (data: 4 bytes, the attempt's number; then the task's name), output
 * in the order in which it was read, and END. Without END its output is not complete: it still
 * runs, or its agent was killed. Records of different attempts stand between each other.
 *
 * NODE.idx has 16 bytes for each BEGIN and END: the key of the task's name, and the position of the
 * record. Key 0 is a mark: it stands for a record of output, after each 64 MiB without BEGIN and
 * END. Nothing stands in the index alone: it can be made again from NODE.log. What NODE.log has
 * after the record of the last entry is found by reading on from there.
 */
#ifndef AW_IO_LOGS_LOG_RECORD_H
#define AW_IO_LOGS_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AW_LOG_HEAD "async-workflow log store 1     \n" /* 32 bytes */
#define AW_LOG_SUFFIX ".log"
#define AW_LOG_INDEX_SUFFIX ".idx"

enum {
    AW_LOG_RECORD_HEAD = 32,
    AW_LOG_ENTRY = 16, /* bytes of an entry of the index */
    AW_LOG_DATA_MAX = 64 << 10, /* of one record */
    AW_LOG_NAME_MAX = 160, /* bytes of a task's name with its NUL */
};

enum aw_log_kind {
    AW_LOG_BEGIN = 'B',
    AW_LOG_STDOUT = 'o',
    AW_LOG_STDERR = 'e',
    AW_LOG_END = 'E',
};

struct aw_log_record {
    enum aw_log_kind kind;
    uint32_t size; /* of its data */
    uint64_t begin, prev; /* positions in the file */
    uint64_t sum;
};

struct aw_log_entry {
    uint64_t key;
    uint64_t at;
};

/* Writes the head of RECORD, whose data is at DATA, to HEAD. Sets the sum. */
void aw_log_record_put (unsigned char head[AW_LOG_RECORD_HEAD],
                        struct aw_log_record *record,
                        const void *data);

/* Reads HEAD into RECORD. False: it is not the head of a record. */
bool aw_log_record_get (const unsigned char head[AW_LOG_RECORD_HEAD], struct aw_log_record *record);

/* Has DATA, and the head, the checksum that the head names? */
bool aw_log_record_is_whole (const struct aw_log_record *record, const void *data);

/* Of a task's name in the index; never 0. Two names may have the same key: BEGIN has the name. */
uint64_t aw_log_key (const char *name);

void aw_log_entry_put (unsigned char bytes[AW_LOG_ENTRY], const struct aw_log_entry *entry);
struct aw_log_entry aw_log_entry_get (const unsigned char bytes[AW_LOG_ENTRY]);

#endif /* AW_IO_LOGS_LOG_RECORD_H */
