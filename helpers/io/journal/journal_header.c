/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's first line, read. Unknown members are passed over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/journal/journal_private.h"
#include "io/scan.h"

const char *const aw_outlook_names[AW_OUTLOOK_MEMBERS] = {
    "predicted", "predicted_low", "predicted_high", "simulated", "simulated_rule", "lower_bound",
};

double *aw_outlook_member (struct aw_outlook *f, size_t i)
{
    double *const members[AW_OUTLOOK_MEMBERS] = { &f->makespan, &f->low,  &f->high,
                                                  &f->order,    &f->rule, &f->bound };

    return members[i];
}

void aw_journal_header_finish (struct aw_journal_header *header)
{
    int saved = errno;

    free (header->name);
    free (header->mode);
    free (header->policy);
    free (header->job);
    free (header->directory);
    free (header->logs);
    aw_journal_durations_finish (&header->durations);
    memset (header, 0, sizeof (*header));
    errno = saved;
}

/* A member of the header that we know; others are passed over. */
static int read_header_member (struct aw_journal_header *header, char **p, const char *name)
{
    struct {
        const char *name;
        char **to;
    } texts[] = {
        { "name", &header->name },
        { "mode", &header->mode },
        { "policy", &header->policy },
        { "job", &header->job },
        { "directory", &header->directory },
        { "logs", &header->logs },
        { "durations_from", &header->durations.from },
    };
    double version;
    char *value;

    if (strcmp (name, "epoch") == 0)
        return aw_scan_number (p, &header->epoch);
    if (strcmp (name, "backlog") == 0)
        return aw_scan_number (p, &header->backlog);
    if (strcmp (name, "durations") == 0)
        return aw_journal_scan_durations (&header->durations, p);
    for (size_t i = 0; i < AW_OUTLOOK_MEMBERS; i++)
        if (strcmp (name, aw_outlook_names[i]) == 0)
            return aw_scan_number (p, aw_outlook_member (&header->outlook, i));
    if (strcmp (name, "async-workflow-journal") == 0) {
        if (aw_scan_number (p, &version) < 0)
            return -1;
        header->version = version >= 1 && version < 1e6 ? (int)version : -1;
        return 0;
    }
    for (size_t i = 0; i < sizeof (texts) / sizeof (texts[0]); i++) {
        if (strcmp (name, texts[i].name) != 0 || *texts[i].to)
            continue;
        if (aw_scan_string (p, &value) < 0)
            return -1;
        *texts[i].to = strdup (value);
        return *texts[i].to ? 0 : -1;
    }
    return aw_scan_skip (p);
}

int aw_journal_read_header (struct aw_journal_header *header, char *line, struct aw_error *err)
{
    char *p = line, *name;

    if (aw_scan_char (&p, '{') < 0)
        return aw_error_set (err, "this is not a journal of async-workflow");
    do {
        if (aw_scan_string (&p, &name) < 0 || aw_scan_char (&p, ':') < 0
            || read_header_member (header, &p, name) < 0)
            return aw_error_set (err,
                                 errno == ENOMEM ? "out of memory" : "not valid JSON at column %zu",
                                 (size_t)(p - line) + 1);
    } while (aw_scan_char (&p, ',') == 0);
    if (aw_scan_char (&p, '}') < 0 || (aw_scan_space (&p), *p))
        return aw_error_set (err, "not valid JSON at column %zu", (size_t)(p - line) + 1);
    if (!header->version)
        return aw_error_set (err, "this is not a journal of async-workflow");
    if (header->version != 1)
        return aw_error_set (err,
                             "journal version %d is not known to this version of async-workflow",
                             header->version);
    if (!(header->epoch >= 0 && header->epoch <= 1e11))
        return aw_error_set (err, "\"epoch\" is out of range");
    if (!(header->backlog >= 0 && header->backlog <= AW_OUTLOOK_MOST))
        return aw_error_set (err, "\"backlog\" is out of range");
    for (size_t i = 0; i < AW_OUTLOOK_MEMBERS; i++) {
        double seconds = *aw_outlook_member (&header->outlook, i);

        if (!(seconds >= 0 && seconds <= AW_OUTLOOK_MOST))
            return aw_error_set (err, "\"%s\" is out of range", aw_outlook_names[i]);
    }
    return 0;
}
