/* SPDX-License-Identifier: Apache-2.0 */
#include "io/textbuf.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/strings.h"
#include "util/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void aw_textbuf_init (struct aw_textbuf *buf)
{
    memset (buf, 0, sizeof (*buf));
}

void aw_textbuf_finish (struct aw_textbuf *buf)
{
    int saved = errno;

    free (buf->data);
    aw_textbuf_init (buf);
    errno = saved;
}

void aw_textbuf_clear (struct aw_textbuf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

bool aw_textbuf_reserve (struct aw_textbuf *buf, size_t n)
{
    size_t size = buf->size ? buf->size : 1024;
    char *data;

    if (n <= buf->size - buf->len)
        return !buf->failed;
    if (buf->failed || n > SIZE_MAX / 4 - buf->len) {
        buf->failed = true;
        return false;
    }
    while (size - buf->len < n)
        size *= 2;
    data = realloc (buf->data, size);
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->size = size;
    return true;
}

char **aw_textbuf_vector (struct aw_textbuf *buf)
{
    char **v = buf->failed ? NULL : aw_strings_vector (buf->data, buf->len);

    aw_textbuf_finish (buf);
    return v;
}

void aw_textbuf_u64 (struct aw_textbuf *buf, uint64_t value)
{
    char digits[20];
    size_t i = sizeof (digits);

    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    aw_textbuf_put (buf, digits + i, sizeof (digits) - i);
}

void aw_textbuf_printf (struct aw_textbuf *buf, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start (ap, fmt);
    n = vsnprintf (NULL, 0, fmt, ap);
    va_end (ap);
    if (n < 0 || !aw_textbuf_reserve (buf, (size_t)n + 1)) {
        buf->failed = true;
        return;
    }
    va_start (ap, fmt);
    vsnprintf (buf->data + buf->len, (size_t)n + 1, fmt, ap);
    va_end (ap);
    buf->len += (size_t)n;
}

void aw_textbuf_fixed (struct aw_textbuf *buf, double value, int places)
{
    static const uint32_t powers[] = { 1,      10,      100,      1000,      10000,
                                       100000, 1000000, 10000000, 100000000, 1000000000 };
    uint64_t scaled, whole;
    uint32_t fraction;
    char digits[9];
    int n = places;

    if (!(fabs (value) <= 9e9)) {
        aw_textbuf_puts (buf, "null");
        return;
    }
    scaled = (uint64_t)(fabs (value) * powers[places] + 0.5);
    if (value < 0 && scaled)
        aw_textbuf_putc (buf, '-');
    whole =
        places == 6 ? scaled / 1000000 : scaled / powers[places]; /* by a constant: no division */
    aw_textbuf_u64 (buf, whole);
    fraction = (uint32_t)(scaled - whole * powers[places]);
    if (!fraction)
        return;
    for (int i = n; i-- > 0; fraction /= 10)
        digits[i] = (char)('0' + fraction % 10);
    while (digits[n - 1] == '0')
        n--;
    aw_textbuf_putc (buf, '.');
    aw_textbuf_put (buf, digits, (size_t)n);
}

void aw_textbuf_idset (struct aw_textbuf *buf, const struct aw_idset *set)
{
    bool first = true;

    for (uint32_t id = aw_idset_next (set, 0); id != AW_IDSET_NONE; first = false) {
        uint32_t last = id;

        while (aw_idset_has (set, last + 1))
            last++;
        if (!first)
            aw_textbuf_putc (buf, ',');
        aw_textbuf_u64 (buf, id);
        if (last > id) {
            aw_textbuf_putc (buf, '-');
            aw_textbuf_u64 (buf, last);
        }
        id = aw_idset_next (set, last + 1);
    }
}

static size_t utf8_length (const unsigned char *text, size_t len)
{
    return aw_utf8_length ((const char *)text, len);
}

void aw_textbuf_xml (struct aw_textbuf *buf, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + strlen (text);

    while (p < end) {
        size_t n = utf8_length (p, (size_t)(end - p));
        bool nonchar = n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;

        if (*p == '&')
            aw_textbuf_puts (buf, "&amp;");
        else if (*p == '<')
            aw_textbuf_puts (buf, "&lt;");
        else if (*p == '>')
            aw_textbuf_puts (buf, "&gt;");
        else if (*p == '"')
            aw_textbuf_puts (buf, "&quot;");
        else if (!n || nonchar || (*p < 0x20 && *p != '\t' && *p != '\n'))
            aw_textbuf_puts (buf, REPLACEMENT);
        else
            aw_textbuf_put (buf, (const char *)p, n);
        p += n ? n : 1;
    }
}

/* Length of the control sequence ("ESC [ ... letter", ECMA-48) at P, 0 for none. */
static size_t sequence_length (const unsigned char *p, const unsigned char *end)
{
    const unsigned char *q = p + 2;

    if (end - p < 3 || p[0] != 0x1b || p[1] != '[')
        return 0;
    while (q < end && *q >= 0x20 && *q < 0x40)
        q++;
    return q < end && *q >= 0x40 && *q < 0x7f ? (size_t)(q + 1 - p) : 0;
}

/* U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows. */
static bool turns_direction (const unsigned char *p, size_t n)
{
    return n == 3 && p[0] == 0xe2
           && ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae)
               || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

void aw_textbuf_plain (struct aw_textbuf *buf, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + len;

    while (p < end) {
        size_t n = utf8_length (p, (size_t)(end - p));
        bool c1 = n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
        size_t skip = sequence_length (p, end);

        if (skip)
            n = skip;
        else if (*p == '\t')
            aw_textbuf_putc (buf, ' ');
        else if (!n || c1 || turns_direction (p, n) || *p == 0x7f || (*p < 0x20 && *p != '\n'))
            aw_textbuf_putc (buf, '?');
        else
            aw_textbuf_put (buf, (const char *)p, n);
        p += n ? n : 1;
    }
}

/* Where the character number N of DATA begins, or the end. */
static const char *character (const char *data, int n)
{
    for (; n > 0 && *data; n--)
        for (data++; ((unsigned char)*data & 0xc0) == 0x80;)
            data++;
    return data;
}

void aw_textbuf_cell (struct aw_textbuf *text, const char *data, int width)
{
    static const char mark[] = "...";
    int n = 0, kept = width - (int)strlen (mark);
    const char *end;

    for (const char *p = data; *p; p = character (p, 1))
        n++;
    if (n > width && kept > 0) {
        end = character (data, n - kept / 2);
        aw_textbuf_plain (text, data, (size_t)(character (data, kept - kept / 2) - data));
        aw_textbuf_puts (text, mark);
        aw_textbuf_plain (text, end, strlen (end));
        return;
    }
    end = character (data, width);
    aw_textbuf_plain (text, data, (size_t)(end - data));
    for (; n < width; n++)
        aw_textbuf_putc (text, ' ');
}
