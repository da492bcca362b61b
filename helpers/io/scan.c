/* SPDX-License-Identifier: Apache-2.0 */
#include "io/scan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

static int fail (void)
{
    errno = EINVAL;
    return -1;
}

void aw_scan_space (char **p)
{
    while (**p == ' ' || **p == '\t' || **p == '\r')
        (*p)++;
}

int aw_scan_char (char **p, char c)
{
    aw_scan_space (p);
    if (**p != c)
        return fail ();
    (*p)++;
    return 0;
}

/* Four hexadecimal digits; -1 for anything else. */
static int32_t hex4 (const char *p)
{
    int32_t value = 0;

    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char *put_utf8 (char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    }
    else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* The digits of "\uXXXX" at *P, with the second half of a pair where it is one. 0 (never valid
 * here): an error. */
static uint32_t unicode (char **p)
{
    int32_t high = hex4 (*p);
    int32_t low;

    if (high <= 0 || (high >= 0xdc00 && high < 0xe000))
        return 0;
    *p += 4;
    if (high < 0xd800 || high >= 0xe000)
        return (uint32_t)high;
    if ((*p)[0] != '\\' || (*p)[1] != 'u')
        return 0;
    low = hex4 (*p + 2);
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *p += 6;
    return 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
}

/* The escape behind a backslash at *P. An escape is never shorter than what it stands for. */
static int unescape (char **p, char **to)
{
    static const char from[] = "\"\\/bfnrt";
    static const char is[] = "\"\\/\b\f\n\r\t";
    const char *found = **p ? strchr (from, **p) : NULL;
    uint32_t code;

    if (found) {
        *(*to)++ = is[found - from];
        (*p)++;
        return 0;
    }
    if (**p != 'u')
        return fail ();
    (*p)++;
    code = unicode (p);
    if (!code)
        return fail ();
    *to = put_utf8 (*to, code);
    return 0;
}

int aw_scan_string (char **p, char **text)
{
    char *to;

    if (aw_scan_char (p, '"') < 0)
        return -1;
    *text = to = *p;
    for (;;) {
        char c = **p;
        if (c == '"')
            break;
        if ((unsigned char)c < 0x20)
            return fail ();
        (*p)++;
        if (c != '\\')
            *to++ = c;
        else if (unescape (p, &to) < 0)
            return -1;
    }
    (*p)++;
    *to = '\0'; /* at the closing quote or before it */
    return 0;
}

static bool is_digit (char c)
{
    return c >= '0' && c <= '9';
}

/* Digits at *P into MANTISSA as long as they fit, the rest counted in DROPPED. */
static int digits (char **p, uint64_t *mantissa, int *n, int *dropped)
{
    if (!is_digit (**p))
        return fail ();
    for (; is_digit (**p); (*p)++, (*n)++) {
        if (*mantissa < UINT64_C (1000000000000000000))
            *mantissa = *mantissa * 10 + (uint64_t)(**p - '0');
        else
            (*dropped)++;
    }
    return 0;
}

static int exponent (char **p, int *value)
{
    bool minus;
    int e = 0;

    (*p)++;
    minus = **p == '-';
    if (**p == '-' || **p == '+')
        (*p)++;
    if (!is_digit (**p))
        return fail ();
    for (; is_digit (**p); (*p)++)
        if (e < 10000)
            e = e * 10 + (**p - '0');
    *value = minus ? -e : e;
    return 0;
}

/* MANTISSA x 10^E: exact to the last bit where both parts are doubles, as in all that we write
 * ourselves. */
static double scale (uint64_t mantissa, int e)
{
    static const double powers[] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    double m = (double)mantissa;

    if (mantissa == 0)
        return m;
    for (; e < -15 && m > 0; e += 15)
        m /= 1e15;
    for (; e > 15 && m < INFINITY; e -= 15)
        m *= 1e15;
    return e < -15 || e > 15 ? m : e < 0 ? m / powers[-e] : m * powers[e];
}

int aw_scan_number (char **p, double *value)
{
    uint64_t mantissa = 0;
    int n = 0, dropped = 0, fraction = 0, dropped_fraction = 0, e = 0;
    bool minus;

    aw_scan_space (p);
    minus = **p == '-';
    if (minus)
        (*p)++;
    if (**p == '0' && is_digit ((*p)[1]))
        return fail ();
    if (digits (p, &mantissa, &n, &dropped) < 0)
        return -1;
    if (**p == '.') {
        (*p)++;
        if (digits (p, &mantissa, &fraction, &dropped_fraction) < 0)
            return -1;
    }
    if ((**p == 'e' || **p == 'E') && exponent (p, &e) < 0)
        return -1;
    *value = scale (mantissa, e + dropped - (fraction - dropped_fraction));
    if (minus)
        *value = -*value;
    return 0;
}

static int skip_value (char **p, int depth);

/* The members of an object or array whose opening bracket has been read. */
static int skip_members (char **p, char close, int depth)
{
    char *text;

    if (depth >= MAX_DEPTH)
        return fail ();
    aw_scan_space (p);
    if (**p == close) {
        (*p)++;
        return 0;
    }
    for (;;) {
        if (close == '}' && (aw_scan_string (p, &text) < 0 || aw_scan_char (p, ':') < 0))
            return -1;
        if (skip_value (p, depth) < 0)
            return -1;
        aw_scan_space (p);
        if (**p == close) {
            (*p)++;
            return 0;
        }
        if (aw_scan_char (p, ',') < 0)
            return -1;
    }
}

static int skip_word (char **p, const char *word)
{
    size_t n = strlen (word);

    if (strncmp (*p, word, n) != 0)
        return fail ();
    *p += n;
    return 0;
}

static int skip_value (char **p, int depth)
{
    char *text;
    double number;

    aw_scan_space (p);
    switch (**p) {
    case '{':
        (*p)++;
        return skip_members (p, '}', depth + 1);
    case '[':
        (*p)++;
        return skip_members (p, ']', depth + 1);
    case '"':
        return aw_scan_string (p, &text);
    case 't':
        return skip_word (p, "true");
    case 'f':
        return skip_word (p, "false");
    case 'n':
        return skip_word (p, "null");
    default:
        return aw_scan_number (p, &number);
    }
}

int aw_scan_skip (char **p)
{
    return skip_value (p, 0);
}
