/* SPDX-License-Identifier: Apache-2.0 */
#include "io/scan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "io/json_string.h"
#include "util/utf8.h"

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

/* The escape at *P, which is never shorter than what it means. */
static int unescape (char **p, char **to)
{
    uint32_t character;
    size_t n = aw_json_read_escape (*p, AW_JSON_ESCAPE_MAX, &character);

    if (!n || !character)
        return fail ();
    *p += n;
    *to += aw_utf8_put (character, *to);
    return 0;
}

/* The first character from P on that ends a string or stands for another. */
static char *after_plain (char *p)
{
    /* Most are lower-case letters, which come behind all of those. */
    while ((unsigned char)*p > '\\' || ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\'))
        p++;
    return p;
}

int aw_scan_string (char **p, char **text)
{
    char *to;

    if (aw_scan_char (p, '"') < 0)
        return -1;
    *text = *p;
    to = *p = after_plain (*p);
    for (;;) {
        char c = **p;
        if (c == '"')
            break;
        if ((unsigned char)c < 0x20)
            return fail ();
        if (c != '\\') {
            *to++ = c;
            (*p)++;
        }
        else if (unescape (p, &to) < 0) {
            return -1;
        }
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
