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
                              const char *set,
                              double seconds,
                              double spread)
{
    char *name;

    if (aw_array_reserve (&durations->at, &durations->room, durations->n + (size_t)1) < 0)
        return -1;
    name = strdup (set);
    if (!name)
        return -1;
    durations->at[durations->n++] =
        (struct aw_journal_duration){ name, rounded (seconds), rounded (spread) };
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
    }
}

void aw_journal_put_durations (struct aw_textbuf *out, const struct aw_journal_durations *durations)
{
    for (uint32_t i = 0; i < durations->n; i++) {
        const struct aw_journal_duration *d = &durations->at[i];

        aw_textbuf_puts (out, i ? "," : ",\"durations\":{");
        aw_json_put_string (out, d->set);
        aw_textbuf_puts (out, ":[");
        aw_textbuf_fixed (out, d->seconds, PLACES);
        if (!isnan (d->spread)) {
            aw_textbuf_putc (out, ',');
            aw_textbuf_fixed (out, d->spread, PLACES);
        }
        aw_textbuf_putc (out, ']');
    }
    if (durations->n)
        aw_textbuf_putc (out, '}');
}

/* [340.2,0.05] or [340.2]. 0, or -1 with EINVAL. */
static int scan_figures (char **p, double *seconds, double *spread)
{
    *spread = 0;
    errno = EINVAL;
    if (aw_scan_char (p, '[') < 0 || aw_scan_number (p, seconds) < 0)
        return -1;
    if (aw_scan_char (p, ',') < 0)
        *spread = NAN;
    else if (aw_scan_number (p, spread) < 0)
        return -1;
    if (aw_scan_char (p, ']') < 0)
        return -1;
    errno = EINVAL;
    return !(*seconds >= 0 && *seconds <= AW_OUTLOOK_MOST) || *spread < 0 || *spread > AW_MAX_SPREAD
               ? -1
               : 0;
}

int aw_journal_scan_durations (struct aw_journal_durations *durations, char **p)
{
    double seconds, spread;
    char *name;

    if (aw_scan_char (p, '{') < 0)
        return -1;
    if (aw_scan_char (p, '}') == 0)
        return 0;
    do
        if (aw_scan_string (p, &name) < 0 || aw_scan_char (p, ':') < 0
            || scan_figures (p, &seconds, &spread) < 0
            || aw_journal_durations_add (durations, name, seconds, spread) < 0)
            return -1;
    while (aw_scan_char (p, ',') == 0);
    return aw_scan_char (p, '}');
}
