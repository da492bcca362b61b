/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/slurm_text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct aw_slurm_text aw_slurm_text_find (const char *from, const char *end, const char *key)
{
    size_t len = strlen (key);
    struct aw_slurm_text value = { NULL, 0 };

    for (const char *p = from; p + len < end; p++) {
        if (p != from && !isspace ((unsigned char)p[-1]))
            continue;
        if (strncmp (p, key, len) == 0 && p[len] == '=') {
            value.at = p + len + 1;
            while (value.at + value.len < end && !isspace ((unsigned char)value.at[value.len]))
                value.len++;
            break;
        }
    }
    return value;
}

bool aw_slurm_text_is (struct aw_slurm_text value, const char *text)
{
    return value.at && value.len == strlen (text) && strncmp (value.at, text, value.len) == 0;
}

bool aw_slurm_text_record (const char *text, const char *id, const char **from, const char **end)
{
    const char *p = text;
    size_t len = strlen (id);

    while (p) {
        const char *next;

        if (*p == '\n')
            p++;
        next = strstr (p, "\nJobId=");
        if (strncmp (p, "JobId=", 6) == 0 && strncmp (p + 6, id, len) == 0
            && isspace ((unsigned char)p[6 + len])) {
            *from = p;
            *end = next ? next : p + strlen (p);
            return true;
        }
        p = next;
    }
    return false;
}

double aw_slurm_text_time (struct aw_slurm_text value)
{
    struct tm tm;
    char text[32];
    char *end;

    if (!value.at || value.len >= sizeof (text))
        return INFINITY;
    memcpy (text, value.at, value.len);
    text[value.len] = '\0';
    memset (&tm, 0, sizeof (tm));
    end = strptime (text, "%Y-%m-%dT%H:%M:%S", &tm);
    return end && !*end ? (double)timegm (&tm) : INFINITY;
}

double aw_slurm_time_parse (const char *text)
{
    return aw_slurm_text_time ((struct aw_slurm_text){ text, strcspn (text, " ") });
}

uint64_t aw_slurm_memory_parse (struct aw_slurm_text value)
{
    static const char units[] = "KMGTP";
    const char *unit;
    double number;
    char *end;

    if (!value.at || !isdigit ((unsigned char)*value.at))
        return 0;
    number = strtod (value.at, &end);
    unit = *end ? strchr (units, *end) : NULL;
    number *= exp2 (unit ? 10. * (double)(unit - units + 1) : 20.);
    return number < 0x1p63 ? (uint64_t)number : 0;
}
