/* SPDX-License-Identifier: Apache-2.0 */
/* Times and sizes as people write them: "1h30m", "4G". */
#ifndef AW_UTIL_UNITS_H
#define AW_UTIL_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Parses a time: a decimal number of seconds ("90", "0.5"), or numbers each with a unit d, h, m, s
 * or ms in falling order ("1h30m", "1m30.5s"). Stores seconds. Returns 0, or -1 with errno EINVAL
 * (not a time) or ERANGE (over 1e9 s, or negative).
 */
int aw_parse_seconds (const char *text, double *seconds);

/* Parses a size: bytes ("1048576"), or a decimal number with one of K, M, G, T, P (powers of 1024,
 * as Slurm's
 * --mem), optionally followed by "B" or "iB". Stores bytes. Returns 0, or -1 with errno EINVAL or
 * ERANGE.
 */
int aw_parse_bytes (const char *text, uint64_t *bytes);

/* Writes a time for people: "0.42 s", "12.3 s", "3m25s", "1h02m", "2d03h". Returns BUF. */
const char *aw_format_seconds (char *buf, size_t size, double seconds);

/* Writes a size for people: "512 B", "3.4 GiB". Returns BUF. */
const char *aw_format_bytes (char *buf, size_t size, uint64_t bytes);

/* "s", or "" where N is 1, for "%u task%s". */
const char *aw_plural (uint64_t n);

#endif /* AW_UTIL_UNITS_H */
