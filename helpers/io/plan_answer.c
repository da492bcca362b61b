/* SPDX-License-Identifier: Apache-2.0 */
#include "io/plan_answer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MOST = 800, /* bytes of an order in one line */
    ORDER_MOST = 1 << 20, /* bytes of an order */
};

/* How much of TEXT goes into a line: up to a blank. */
static size_t part_of (const char *text)
{
    size_t n = strlen (text);

    if (n <= LINE_MOST)
        return n;
    for (n = LINE_MOST; n > 0 && text[n] != ' '; n--)
        ;
    return n;
}

void aw_plan_answer_put (const struct aw_plan_answer *answer, struct aw_textbuf *out)
{
    if (answer->end > 0)
        aw_textbuf_printf (out, "end %.6f\n", answer->end);
    if (answer->searched)
        aw_textbuf_printf (out, "gain %.6f\n", answer->gain);
    for (const char *p = answer->order; p && *p; p += *p == ' ') {
        size_t n = part_of (p);

        aw_textbuf_printf (out, "order %.*s\n", (int)n, p);
        p += n;
    }
    aw_textbuf_printf (out, "cpu %.6f\n", answer->cpu);
}

/* "end 12.5": the number behind NAME; false: it is another line, or no such number. */
static bool take_number (const char *line, const char *name, double *number)
{
    size_t n = strlen (name);
    char *end;
    double value;

    if (strncmp (line, name, n) != 0 || line[n] != ' ')
        return false;
    value = strtod (line + n + 1, &end);
    if (end == line + n + 1 || *end || !isfinite (value) || value < 0)
        return false;
    *number = value;
    return true;
}

static bool take_order (struct aw_plan_answer *answer, const char *line)
{
    static const char name[] = "order ";
    size_t old = answer->order ? strlen (answer->order) : 0, more;
    char *order;

    if (strncmp (line, name, strlen (name)) != 0)
        return false;
    line += strlen (name);
    more = strlen (line);
    order = old + more < ORDER_MOST ? realloc (answer->order, old + more + 2) : NULL;
    if (!order)
        return false;
    snprintf (order + old, more + 2, old ? " %s" : "%s", line);
    answer->order = order;
    return true;
}

void aw_plan_answer_take (struct aw_plan_answer *answer, const char *line)
{
    if (answer->whole)
        answer->wrong = true; /* nothing comes after the last line */
    else if (take_number (line, "cpu", &answer->cpu))
        answer->whole = true;
    else if (take_number (line, "gain", &answer->gain))
        answer->searched = true;
    else if (!take_number (line, "end", &answer->end) && !take_order (answer, line))
        answer->wrong = true;
}

bool aw_plan_answer_is_good (const struct aw_plan_answer *answer)
{
    return answer->whole && !answer->wrong && (answer->gain > 0) == (answer->order != NULL);
}

void aw_plan_answer_finish (struct aw_plan_answer *answer)
{
    int saved = errno;

    free (answer->order);
    memset (answer, 0, sizeof (*answer));
    errno = saved;
}
