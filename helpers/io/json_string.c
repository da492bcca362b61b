/* SPDX-License-Identifier: Apache-2.0 */
#include "io/json_string.h"

#include <string.h>

/* The code unit of "\uXXXX", or -1. */
static long code_unit (const char *text, size_t size)
{
    long unit = 0;

    if (size < 6 || text[0] != '\\' || text[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        char ch = text[i];
        int digit = ch >= '0' && ch <= '9'   ? ch - '0'
                    : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
                    : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                             : -1;

        if (digit < 0)
            return -1;
        unit = 16 * unit + digit;
    }
    return unit;
}

/* Length of the escape at TEXT, and the character that it means; 0 for none. */
static size_t decode (const char *text, size_t size, long *character)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *name;
    long high, low;

    if (size >= 2 && text[0] == '\\' && text[1] && (name = strchr (names, text[1]))) {
        *character = meanings[name - names];
        return 2;
    }
    high = code_unit (text, size);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return 0;
    *character = high;
    if (high < 0xd800 || high > 0xdbff)
        return 6;
    low = code_unit (text + 6, size - 6);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *character = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

static size_t encode (long character, char *out)
{
    static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t n = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)((n > 1 ? marks[n] : 0) | character);
    return n;
}

size_t aw_json_escape_length (const char *text, size_t size)
{
    long character;

    return decode (text, size, &character);
}

size_t aw_json_unescape (const char *text, size_t size, char *out)
{
    size_t written = 0;

    for (size_t i = 0; i < size;) {
        long character;
        size_t n = text[i] == '\\' ? decode (text + i, size - i, &character) : 0;

        if (n)
            written += encode (character, out + written);
        else
            out[written++] = text[i];
        i += n ? n : 1;
    }
    return written;
}
