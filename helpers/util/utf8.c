/* SPDX-License-Identifier: Apache-2.0 */
#include "util/utf8.h"

#include <string.h>

size_t aw_utf8_length (const char *text, size_t size)
{
    const unsigned char *t = (const unsigned char *)text;
    size_t n;

    if (!size)
        return 0;
    if (t[0] < 0x80)
        return 1;
    n = t[0] >= 0xc2 && t[0] <= 0xdf ? 2
        : (t[0] & 0xf0) == 0xe0      ? 3
        : (t[0] & 0xf8) == 0xf0      ? 4
                                     : 0;
    if (n == 0 || n > size)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((t[i] & 0xc0) != 0x80)
            return 0;
    /* The longer forms of what a shorter one can say, the surrogates, and what lies beyond
     * U+10FFFF. */
    if ((t[0] == 0xe0 && t[1] < 0xa0) || (t[0] == 0xed && t[1] > 0x9f)
        || (t[0] == 0xf0 && t[1] < 0x90) || (t[0] == 0xf4 && t[1] > 0x8f) || t[0] > 0xf4)
        return 0;
    return n;
}

size_t aw_utf8_mark (const char *text, size_t size)
{
    return size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool aw_utf8_is_text (const char *text)
{
    size_t left = strlen (text), n = 1;

    for (; left > 0 && n > 0; text += n, left -= n)
        n = aw_utf8_length (text, left);
    return n > 0;
}

size_t aw_utf8_put (uint32_t character, char *out)
{
    static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t n = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(marks[n] | character);
    return n;
}
