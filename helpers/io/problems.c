/* SPDX-License-Identifier: Apache-2.0 */
#include "io/problems.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/textbuf.h"

void aw_problems_init (struct aw_problems *problems)
{
    memset (problems, 0, sizeof (*problems));
}

void aw_problems_finish (struct aw_problems *problems)
{
    int saved = errno;

    for (size_t i = 0; i < problems->n_items; i++)
        free (problems->items[i].text);
    free (problems->items);
    aw_problems_init (problems);
    errno = saved;
}

/* Formats to one line of what a terminal can show. NULL with ENOMEM. */
static char *format_line (const char *fmt, va_list ap)
{
    struct aw_textbuf line;
    va_list again;
    char *raw;
    int n;

    va_copy (again, ap);
    n = vsnprintf (NULL, 0, fmt, again);
    va_end (again);
    if (n < 0 || !(raw = malloc ((size_t)n + 1)))
        return NULL;
    vsnprintf (raw, (size_t)n + 1, fmt, ap);
    aw_textbuf_init (&line);
    aw_textbuf_plain (&line, raw, (size_t)n);
    aw_textbuf_putc (&line, '\0');
    free (raw);
    if (line.failed) {
        aw_textbuf_finish (&line);
        return NULL;
    }
    for (char *c = line.data; *c; c++)
        if (*c == '\n')
            *c = ' ';
    return line.data;
}

/* The list is made whole with the first problem: there is no moment at which the second cannot be
 * kept. */
static struct aw_problem *next_item (struct aw_problems *problems)
{
    if (!problems->items)
        problems->items = calloc (AW_PROBLEMS_MAX, sizeof (*problems->items));
    if (!problems->items || problems->n_items == AW_PROBLEMS_MAX)
        return NULL;
    return &problems->items[problems->n_items];
}

void aw_problems_add (struct aw_problems *problems, bool warning, const char *fmt, ...)
{
    struct aw_problem *item = next_item (problems);
    va_list ap;

    if (warning)
        problems->n_warnings++;
    else
        problems->n_errors++;
    if (!item)
        return;
    va_start (ap, fmt);
    item->text = format_line (fmt, ap);
    va_end (ap);
    item->warning = warning;
    if (item->text)
        problems->n_items++;
}

void aw_problems_print (const struct aw_problems *problems, FILE *out)
{
    size_t more = problems->n_errors + problems->n_warnings - problems->n_items;

    for (size_t i = 0; i < problems->n_items; i++)
        fprintf (out, "async-workflow: %s%s\n", problems->items[i].warning ? "warning: " : "",
                 problems->items[i].text);
    if (more)
        fprintf (out, "async-workflow: %zu %sproblem%s not shown%s\n", more,
                 problems->n_items > 0 ? "more " : "", more == 1 ? "" : "s",
                 problems->n_items < AW_PROBLEMS_MAX ? ": out of memory" : "");
}
