/* SPDX-License-Identifier: Apache-2.0 */
/* A word among known names: the same, or the nearest to a misspelt one, for "did you mean". */
#ifndef AW_UTIL_SUGGEST_H
#define AW_UTIL_SUGGEST_H

#include <stddef.h>

/* Returns that one of the N names which is nearest to WORD by edit distance (insert, delete,
 * replace, swap of neighbours), or NULL where none is within a third of the word's length (at least
 * 2). Borrowed from NAMES.
 */
const char *aw_suggest (const char *word, const char *const names[], size_t n);

/* The place of WORD among the N names; -1 where it is none of them, or NULL. */
int aw_find_name (const char *word, const char *const names[], size_t n);

#endif /* AW_UTIL_SUGGEST_H */
