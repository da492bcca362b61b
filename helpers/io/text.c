/* SPDX-License-Identifier: Apache-2.0 */
#include "io/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4096 };

void aw_text_init (struct aw_text *text)
{
    memset (text, 0, sizeof (*text));
}

void aw_text_finish (struct aw_text *text)
{
    int saved = errno;

    free (text->data);
    aw_text_init (text);
    errno = saved;
}

void aw_text_truncate (struct aw_text *text, size_t size)
{
    if (size < text->size)
        text->size = size;
    text->failed = false;
}

/* Room for SIZE more bytes, or failed. */
static bool reserve (struct aw_text *text, size_t size)
{
    size_t capacity = text->capacity ? text->capacity : FIRST_CAPACITY;
    char *data;

    if (text->failed)
        return false;
    if (text->capacity - text->size >= size)
        return true;
    while (capacity - text->size < size) {
        if (capacity > SIZE_MAX / 2) {
            text->failed = true;
            return false;
        }
        capacity *= 2;
    }
    data = realloc (text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void aw_text_add (struct aw_text *text, const char *bytes, size_t size)
{
    if (size > 0 && reserve (text, size)) {
        memcpy (text->data + text->size, bytes, size);
        text->size += size;
    }
}

void aw_text_put (struct aw_text *text, const char *string)
{
    aw_text_add (text, string, strlen (string));
}

void aw_text_uint (struct aw_text *text, uint64_t value)
{
    char digits[20]; /* 2^64 has 20 */
    size_t at = sizeof (digits);

    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    aw_text_add (text, digits + at, sizeof (digits) - at);
}

void aw_text_printf (struct aw_text *text, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start (ap, fmt);
    n = vsnprintf (NULL, 0, fmt, ap);
    va_end (ap);
    if (n < 0 || !reserve (text, (size_t)n + 1)) {
        text->failed = true;
        return;
    }
    va_start (ap, fmt);
    vsnprintf (text->data + text->size, (size_t)n + 1, fmt, ap);
    va_end (ap);
    text->size += (size_t)n;
}

static void add_escaped (struct aw_text *text, unsigned char c)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* character, name after the backslash */
    char code[7];

    for (size_t i = 0; i + 1 < sizeof (names); i += 2) {
        if ((unsigned char)names[i] == c) {
            code[0] = '\\';
            code[1] = names[i + 1];
            aw_text_add (text, code, 2);
            return;
        }
    }
    snprintf (code, sizeof (code), "\\u%04x", c);
    aw_text_add (text, code, 6);
}

void aw_text_json (struct aw_text *text, const char *string)
{
    aw_text_add (text, "\"", 1);
    while (*string) {
        size_t plain = 0;

        while ((unsigned char)string[plain] >= 0x20 && string[plain] != '"' && string[plain] != '\\')
            plain++;
        aw_text_add (text, string, plain);
        string += plain;
        if (*string)
            add_escaped (text, (unsigned char)*string++);
    }
    aw_text_add (text, "\"", 1);
}
