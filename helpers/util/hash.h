/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a (RFC 9923): for tables, and to tell two versions of something apart; against an enemy it
 * is none.
 */
#ifndef AW_UTIL_HASH_H
#define AW_UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

#define AW_HASH32_BASIS UINT32_C (2166136261)
#define AW_HASH64_BASIS UINT64_C (14695981039346656037)

/* The hash of what HASH is of (the basis: of nothing) with SIZE bytes at DATA behind it. */
static inline uint32_t aw_hash32 (uint32_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT32_C (16777619);
    return hash;
}

static inline uint64_t aw_hash64 (uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C (1099511628211);
    return hash;
}

#endif /* AW_UTIL_HASH_H */
