/* SPDX-License-Identifier: Apache-2.0 */
/* Durations of earlier runs, in the journal's first line. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/journal/journal_private.h"
#include "io/json_string.h"
#include "io/scan.h"
#include "util/array.h"

enum { PLACES = 6 }; /* decimal ones of each figure */

/* As the journal has it: a run decides by the same figures as its replay. */
static double rounded (double value)
{
    return floor (value * 1e6 + 0.5) / 1e6;
}

int aw_journal_durations_add (struct aw_journal_durations *durations,
                              const struct aw_journal_duration *d)
{
    char *name;

    if (aw_array_reserve (&durations->at, &durations->room, durations->n + (size_t)1) < 0)
        return -1;
    name = strdup (d->set);
    if (!name)
        return -1;
    durations->at[durations->n++] =
        (struct aw_journal_duration){ name, rounded (d->seconds), rounded (d->spread),
                                      rounded (d->startup) };
    return 0;
}

void aw_journal_durations_finish (struct aw_journal_durations *durations)
{
    int saved = errno;

    for (uint32_t i = 0; i < durations->n; i++)
        free (durations->at[i].set);
    free (durations->at);
    free (durations->from);
    memset (durations, 0, sizeof (*durations));
    errno = saved;
}

void aw_journal_durations_apply (const struct aw_journal_durations *durations,
                                 struct aw_graph *graph)
{
    for (uint32_t i = 0; i < durations->n; i++) {
        const struct aw_journal_duration *d = &durations->at[i];
        uint32_t set = aw_graph_find (graph, d->set);

        if (set == AW_NONE)
            continue;
        graph->sets[set].duration = d->seconds;
        if (!isnan (d->spread))
            graph->sets[set].spread = d->spread;
        if (!isnan (d->startup))
            graph->sets[set].startup = d->startup;
    }
}

/* A member of a set's figures, unless it is not known. */
static void put_figure (struct aw_textbuf *out, const char *member, double value)
{
    if (isnan (value))
        return;
    aw_textbuf_puts (out, member);
    aw_textbuf_fixed (out, value, PLACES);
}

void aw_journal_put_durations (struct aw_textbuf *out, const struct aw_journal_durations *durations)
{
    for (uint32_t i = 0; i < durations->n; i++) {
        const struct aw_journal_duration *d = &durations->at[i];

        aw_textbuf_puts (out, i ? "," : ",\"durations\":{");
        aw_json_put_string (out, d->set);
        put_figure (out, ":{\"seconds\":", d->seconds);
        put_figure (out, ",\"spread\":", d->spread);
        put_figure (out, ",\"startup\":", d->startup);
        aw_textbuf_putc (out, '}');
    }
    if (durations->n)
        aw_textbuf_putc (out, '}');
}

/* The value of member NAME. 0, or -1 with EINVAL. */
static int scan_figure (char **p, const char *name, struct aw_journal_duration *d)
{
    double most = AW_OUTLOOK_MOST, *to = NULL;

    if (strcmp (name, "seconds") == 0)
        to = &d->seconds;
    else if (strcmp (name, "startup") == 0)
        to = &d->startup;
    else if (strcmp (name, "spread") == 0) {
        to = &d->spread;
        most = AW_MAX_SPREAD;
    }
    if (!to)
        return aw_scan_skip (p);
    if (aw_scan_number (p, to) == 0 && *to >= 0 && *to <= most)
        return 0;
    errno = EINVAL;
    return -1;
}

/* {"seconds":340.2,"spread":0.05}. 0, or -1 with EINVAL. */
static int scan_figures (char **p, struct aw_journal_duration *d)
{
    char *name;

    *d = (struct aw_journal_duration){ .seconds = NAN, .spread = NAN, .startup = NAN };
    if (aw_scan_char (p, '{') < 0)
        return -1;
    do
        if (aw_scan_string (p, &name) < 0 || aw_scan_char (p, ':') < 0
            || scan_figure (p, name, d) < 0)
            return -1;
    while (aw_scan_char (p, ',') == 0);
    if (aw_scan_char (p, '}') == 0 && !isnan (d->seconds))
        return 0;
    errno = EINVAL;
    return -1;
}

int aw_journal_scan_durations (struct aw_journal_durations *durations, char **p)
{
    struct aw_journal_duration d;
    char *name;

    if (aw_scan_char (p, '{') < 0)
        return -1;
    if (aw_scan_char (p, '}') == 0)
        return 0;
    do {
        if (aw_scan_string (p, &name) < 0 || aw_scan_char (p, ':') < 0 || scan_figures (p, &d) < 0)
            return -1;
        d.set = name;
        if (aw_journal_durations_add (durations, &d) < 0)
            return -1;
    } while (aw_scan_char (p, ',') == 0);
    return aw_scan_char (p, '}');
}
