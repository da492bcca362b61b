/* SPDX-License-Identifier: Apache-2.0 */
#include "io/logs/log_record.h"

#include <endian.h>
#include <string.h>

#include "util/hash.h"

static const unsigned char MAGIC[3] = { 'A', 'W', 'L' };

static void put_u32 (unsigned char *to, uint32_t value)
{
    value = htole32 (value);
    memcpy (to, &value, sizeof (value));
}

static void put_u64 (unsigned char *to, uint64_t value)
{
    value = htole64 (value);
    memcpy (to, &value, sizeof (value));
}

static uint32_t get_u32 (const unsigned char *from)
{
    uint32_t value;

    memcpy (&value, from, sizeof (value));
    return le32toh (value);
}

static uint64_t get_u64 (const unsigned char *from)
{
    uint64_t value;

    memcpy (&value, from, sizeof (value));
    return le64toh (value);
}

static uint64_t mix (uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C (0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* By words, four of them at a time: a hash by single bytes is slower than the disk. */
static uint64_t add_words (uint64_t hash, const unsigned char *data, size_t size)
{
    uint64_t a = hash, b = hash + 1, c = hash + 2, d = hash + 3;
    unsigned char last[8] = { 0 };
    size_t i = 0;

    for (; i + 32 <= size; i += 32) {
        a = mix (a, get_u64 (data + i));
        b = mix (b, get_u64 (data + i + 8));
        c = mix (c, get_u64 (data + i + 16));
        d = mix (d, get_u64 (data + i + 24));
    }
    for (; i + 8 <= size; i += 8)
        a = mix (a, get_u64 (data + i));
    if (size > i) {
        memcpy (last, data + i, size - i);
        a = mix (a, get_u64 (last));
    }
    return mix (mix (mix (a, b), c), d);
}

static void put_head (unsigned char *head, const struct aw_log_record *record)
{
    memcpy (head, MAGIC, sizeof (MAGIC));
    head[3] = (unsigned char)record->kind;
    put_u32 (head + 4, record->size);
    put_u64 (head + 8, record->begin);
    put_u64 (head + 16, record->prev);
}

static uint64_t sum_of (const unsigned char *head, const void *data, size_t size)
{
    return add_words (add_words (AW_HASH64_BASIS, head, 24), data, size);
}

void aw_log_record_put (unsigned char head[AW_LOG_RECORD_HEAD],
                        struct aw_log_record *record,
                        const void *data)
{
    put_head (head, record);
    record->sum = sum_of (head, data, record->size);
    put_u64 (head + 24, record->sum);
}

bool aw_log_record_get (const unsigned char head[AW_LOG_RECORD_HEAD], struct aw_log_record *record)
{
    unsigned char kind = head[3];

    if (memcmp (head, MAGIC, sizeof (MAGIC)) != 0
        || (kind != AW_LOG_BEGIN && kind != AW_LOG_STDOUT && kind != AW_LOG_STDERR
            && kind != AW_LOG_END))
        return false;
    *record = (struct aw_log_record){ .kind = (enum aw_log_kind)kind,
                                      .size = get_u32 (head + 4),
                                      .begin = get_u64 (head + 8),
                                      .prev = get_u64 (head + 16),
                                      .sum = get_u64 (head + 24) };
    return record->size <= AW_LOG_DATA_MAX;
}

bool aw_log_record_is_whole (const struct aw_log_record *record, const void *data)
{
    unsigned char head[AW_LOG_RECORD_HEAD];

    put_head (head, record);
    return sum_of (head, data, record->size) == record->sum;
}

uint64_t aw_log_key (const char *name)
{
    uint64_t key = aw_hash64 (AW_HASH64_BASIS, name, strlen (name));

    return key ? key : 1;
}

void aw_log_entry_put (unsigned char bytes[AW_LOG_ENTRY], const struct aw_log_entry *entry)
{
    put_u64 (bytes, entry->key);
    put_u64 (bytes + 8, entry->at);
}

struct aw_log_entry aw_log_entry_get (const unsigned char bytes[AW_LOG_ENTRY])
{
    return (struct aw_log_entry){ get_u64 (bytes), get_u64 (bytes + 8) };
}
