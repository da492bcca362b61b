/* SPDX-License-Identifier: Apache-2.0 */
/* Optimal string alignment distance: Levenshtein's, with a swap of neighbours as one step (F.
 * Damerau, "A technique for computer detection and correction of spelling errors", CACM 7(3),
 * 1964). Three rows are enough.
 */
#include "util/suggest.h"

#include <ctype.h>
#include <string.h>

enum {
    MAX_LENGTH = 64
}; /* nobody misspells longer names by a letter or two; bounds time and stack */

static size_t min (size_t a, size_t b)
{
    return a < b ? a : b;
}

static int lower (char c)
{
    return tolower ((unsigned char)c);
}

/* Lengths are at most MAX_LENGTH. Upper and lower case are one. */
static size_t distance (const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][MAX_LENGTH + 1];

    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replace = above[j - 1] + (lower (a[i - 1]) != lower (b[j - 1]));

            row[j] = min (min (above[j], row[j - 1]) + 1, replace);
            if (i > 1 && j > 1 && lower (a[i - 1]) == lower (b[j - 2])
                && lower (a[i - 2]) == lower (b[j - 1]))
                row[j] = min (row[j], above2[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *aw_suggest (const char *word, const char *const names[], size_t n)
{
    size_t length = strnlen (word, MAX_LENGTH + 1);
    size_t limit = length / 3 > 2 ? length / 3 : 2;
    const char *best = NULL;

    if (!length || length > MAX_LENGTH)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strnlen (names[i], MAX_LENGTH + 1);
        size_t d;

        if (other > MAX_LENGTH || (other > length ? other - length : length - other) > limit)
            continue;
        d = distance (word, length, names[i], other);
        /* Where every letter had to change, the two have nothing in common. */
        if (d <= limit && d < (other > length ? other : length)) {
            best = names[i];
            if (d == 0)
                break;
            limit = d - 1;
        }
    }
    return best;
}

int aw_find_name (const char *word, const char *const names[], size_t n)
{
    for (size_t i = 0; word && i < n; i++)
        if (strcmp (names[i], word) == 0)
            return (int)i;
    return -1;
}
