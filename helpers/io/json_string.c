/* SPDX-License-Identifier: Apache-2.0 */
#include "io/json_string.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void put_code (struct aw_textbuf *buf, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    char code[6] = { '\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15] };

    aw_textbuf_put (buf, code, sizeof (code));
}

/* May one of the eight bytes at DATA need an escape? Where it says no, none does. The four terms
 * have the highest bit of a byte set that is below 0x20, a quote, a backslash, or above 0x7e.
 */
static bool may_need (const char *data, bool bytes)
{
    const uint64_t ones = UINT64_C (0x0101010101010101), highest = ones << 7;
    uint64_t word, quote, backslash;

    memcpy (&word, data, sizeof (word));
    quote = word ^ ones * '"';
    backslash = word ^ ones * '\\';
    return (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote)
            | ((backslash - ones) & ~backslash) | (bytes ? 0 : word | (word + ones)))
           & highest;
}

/* Number of bytes at DATA that need no escape; of those from 0x80 up only where BYTES. */
static size_t plain_length (const char *data, size_t size, bool bytes)
{
    size_t n = 0;

    if (size >= 8 && !may_need (data + size - 8, bytes)) { /* the last ones; then those before */
        for (; n + 8 <= size - 8 && !may_need (data + n, bytes); n += 8)
            ;
        if (n + 8 > size - 8 && (n == size - 8 || !may_need (data + n, bytes)))
            return size;
    }
    while (n < size && (unsigned char)data[n] >= 0x20 && data[n] != '"' && data[n] != '\\'
           && (bytes || (unsigned char)data[n] < 0x7f))
        n++;
    return n;
}

void aw_json_put_bytes (struct aw_textbuf *buf, const char *data, size_t size)
{
    for (;;) {
        size_t n = plain_length (data, size, true);

        aw_textbuf_put (buf, data, n);
        if (n == size)
            return;
        put_code (buf, (unsigned char)data[n]);
        data += n + 1;
        size -= n + 1;
    }
}

/* The character of N bytes at P; N is 0 where the byte there is not UTF-8. */
static void put_character (struct aw_textbuf *buf, const char *p, size_t n)
{
    switch (*p) {
    case '"':
    case '\\':
        aw_textbuf_putc (buf, '\\');
        aw_textbuf_putc (buf, *p);
        break;
    case '\n':
        aw_textbuf_puts (buf, "\\n");
        break;
    case '\t':
        aw_textbuf_puts (buf, "\\t");
        break;
    default:
        if (!n)
            aw_textbuf_puts (buf, REPLACEMENT);
        else if (n == 1)
            put_code (buf, (unsigned char)*p);
        else
            aw_textbuf_put (buf, p, n);
    }
}

void aw_json_put_text (struct aw_textbuf *buf, const char *text)
{
    size_t size = strlen (text);

    for (;;) {
        size_t plain = plain_length (text, size, false), n;

        aw_textbuf_put (buf, text, plain);
        if (plain == size)
            return;
        n = aw_utf8_length (text + plain, size - plain);
        put_character (buf, text + plain, n);
        text += plain + (n ? n : 1);
        size -= plain + (n ? n : 1);
    }
}

void aw_json_put_string (struct aw_textbuf *buf, const char *text)
{
    if (!text) {
        aw_textbuf_puts (buf, "null");
        return;
    }
    aw_textbuf_putc (buf, '"');
    aw_json_put_text (buf, text);
    aw_textbuf_putc (buf, '"');
}

/* The code unit of "\uXXXX", or -1. */
static int32_t code_unit (const char *text, size_t size)
{
    int32_t unit = 0;

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

size_t aw_json_read_escape (const char *text, size_t size, uint32_t *character)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *name;
    int32_t high, low;

    if (size >= 2 && text[0] == '\\' && text[1] && (name = strchr (names, text[1]))) {
        *character = (uint32_t)meanings[name - names];
        return 2;
    }
    high = code_unit (text, size);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return 0;
    if (high < 0xd800 || high > 0xdbff) {
        *character = (uint32_t)high;
        return 6;
    }
    low = code_unit (text + 6, size - 6);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *character = 0x10000u + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    return 12;
}

size_t aw_json_unescape (const char *text, size_t size, char *out)
{
    size_t written = 0;

    for (size_t i = 0; i < size;) {
        uint32_t character;
        size_t n = text[i] == '\\' ? aw_json_read_escape (text + i, size - i, &character) : 0;

        if (n)
            written += aw_utf8_put (character, out + written);
        else
            out[written++] = text[i];
        i += n ? n : 1;
    }
    return written;
}

static int get_bytes (struct aw_textbuf *buf, const char *text, size_t size)
{
    while (size > 0) {
        const char *escape = memchr (text, '\\', size);
        size_t n = escape ? (size_t)(escape - text) : size;
        uint32_t byte;

        aw_textbuf_put (buf, text, n);
        if (!escape)
            break;
        if (aw_json_read_escape (escape, size - n, &byte) != 6 || byte > 0xff)
            return -1;
        aw_textbuf_putc (buf, (char)byte);
        text += n + 6;
        size -= n + 6;
    }
    return 0;
}

int aw_json_get_bytes (struct aw_textbuf *buf, const char *text, size_t size)
{
    aw_textbuf_clear (buf);
    errno = EINVAL;
    if (get_bytes (buf, text, size) == 0 && !buf->failed)
        return 0;
    if (buf->failed)
        errno = ENOMEM;
    aw_textbuf_clear (buf);
    return -1;
}
