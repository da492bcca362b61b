/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are read by hand: strtod would take exponents, hexadecimal, signs and the locale's
 * decimal point. */
#include "util/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int fail (int error)
{
    errno = error;
    return -1;
}

/* Digits, and a point with digits behind it where there is one. What lies beyond the digits of a
 * uint64_t in front of the point is too large; what lies beyond 15 places behind it changes nothing
 * that matters.
 */
struct decimal {
    uint64_t whole;
    double fraction; /* at least 0, below 1 */
    bool has_point;
    bool too_large;
};

static int parse_decimal (const char **text, struct decimal *number)
{
    const char *p = *text;
    double digits = 0., scale = 1.;

    *number = (struct decimal){ .whole = 0 };
    if (*p < '0' || *p > '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (number->whole > (UINT64_MAX - digit) / 10)
            number->too_large = true;
        else
            number->whole = 10 * number->whole + digit;
    }
    if (*p == '.') {
        if (*++p < '0' || *p > '9')
            return -1;
        for (; *p >= '0' && *p <= '9'; p++) {
            if (scale < 1e15) {
                digits = 10. * digits + (*p - '0');
                scale *= 10.;
            }
        }
        number->has_point = true;
    }
    number->fraction = digits / scale;
    *text = p;
    return 0;
}

/* The unit at *TEXT: its length in seconds, or 0 where there is none. */
static double parse_time_unit (const char **text)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "ms", 1e-3 }, { "s", 1. }, { "m", 60. }, { "h", 3600. }, { "d", 86400. } };

    for (size_t i = 0; i < sizeof (units) / sizeof (units[0]); i++) {
        size_t length = strlen (units[i].name);

        if (!strncmp (*text, units[i].name, length)) {
            *text += length;
            return units[i].seconds;
        }
    }
    return 0.;
}

int aw_parse_seconds (const char *text, double *seconds)
{
    double total = 0., last = INFINITY;
    bool negative, too_large = false;

    if (!text || !seconds)
        return fail (EINVAL);
    negative = *text == '-';
    text += negative;
    do {
        struct decimal number;
        double unit;

        if (parse_decimal (&text, &number) < 0)
            return fail (EINVAL);
        unit = !*text && isinf (last) ? 1. : parse_time_unit (&text);
        if (unit == 0. || unit >= last || (number.has_point && *text))
            return fail (EINVAL);
        last = unit;
        too_large |= number.too_large;
        /* Milliseconds are divided, so that 1500ms is 1.5 to the last bit. */
        if (unit < 1.)
            total += ((double)number.whole + number.fraction) / 1e3;
        else
            total += ((double)number.whole + number.fraction) * unit;
    } while (*text);
    if (negative || too_large || total > 1e9)
        return fail (ERANGE);
    *seconds = total;
    return 0;
}

/* The power of 1024 that the letter stands for, 0 for none. */
static unsigned size_power (char letter)
{
    static const char letters[] = "KMGTPkmgtp";
    const char *found = letter ? strchr (letters, letter) : NULL;

    return found ? (unsigned)(found - letters) % 5 + 1 : 0;
}

int aw_parse_bytes (const char *text, uint64_t *bytes)
{
    struct decimal number;
    uint64_t result, fraction;
    unsigned power;
    bool negative;

    if (!text || !bytes)
        return fail (EINVAL);
    negative = *text == '-';
    text += negative;
    if (parse_decimal (&text, &number) < 0)
        return fail (EINVAL);
    power = size_power (*text);
    if (power) {
        text++;
        if (*text && strcmp (text, "B") != 0 && strcmp (text, "iB") != 0)
            return fail (EINVAL);
    }
    else if (*text || number.has_point) {
        return fail (EINVAL);
    }
    fraction = (uint64_t)ldexp (number.fraction, (int)(10 * power)); /* below 2^50 */
    if (negative || number.too_large || number.whole > UINT64_MAX >> (10 * power))
        return fail (ERANGE);
    result = number.whole << (10 * power); /* its low bits are 0: the sum cannot overflow */
    *bytes = result + fraction;
    return 0;
}

const char *aw_format_seconds (char *buf, size_t size, double seconds)
{
    double minutes = round (seconds / 60.), hours = round (seconds / 3600.);
    double whole = round (seconds);

    if (isnan (seconds))
        snprintf (buf, size, "unknown");
    else if (isinf (seconds))
        snprintf (buf, size, "unlimited");
    else if (fabs (seconds) < 9.995)
        snprintf (buf, size, "%.2f s", seconds);
    else if (seconds < 59.95)
        snprintf (buf, size, "%.1f s", seconds);
    else if (whole < 3600.)
        snprintf (buf, size, "%.0fm%02.0fs", floor (whole / 60.), fmod (whole, 60.));
    else if (minutes < 1440.)
        snprintf (buf, size, "%.0fh%02.0fm", floor (minutes / 60.), fmod (minutes, 60.));
    else
        snprintf (buf, size, "%.0fd%02.0fh", floor (hours / 24.), fmod (hours, 24.));
    return buf;
}

const char *aw_format_bytes (char *buf, size_t size, uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)bytes / 1024.;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf (buf, size, "%u B", (unsigned)bytes);
        return buf;
    }
    for (; value >= 1023.95; value /= 1024.) /* as it would be rounded */
        unit++;
    snprintf (buf, size, "%.1f %s", value, units[unit]);
    return buf;
}

const char *aw_plural (uint64_t n)
{
    return n == 1 ? "" : "s";
}
