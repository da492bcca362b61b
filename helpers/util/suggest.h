/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest of some known names to a misspelt one, for "did you mean". */
#ifndef AW_UTIL_SUGGEST_H
#define AW_UTIL_SUGGEST_H

#include <stddef.h>

/* Returns that one of the N names which is nearest to WORD by edit distance (insert, delete, replace, swap of
 * neighbours), or NULL where none is within a third of the word's length (at least 2). Borrowed from NAMES.
 */
const char *aw_suggest (const char *word, const char *const names[], size_t n);

#endif /* AW_UTIL_SUGGEST_H */
