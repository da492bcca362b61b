/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/slurm_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/slurm/hostlist.h"
#include "util/strings.h"

/* The value of KEY in TEXT, lines of "KEY   = value"; NULL: not there. */
static const char *config_value (const char *text, const char *key)
{
    size_t len = strlen (key);

    while (text && (strncmp (text, key, len) != 0 || (text[len] != ' ' && text[len] != '='))) {
        text = strchr (text, '\n');
        if (text)
            text++;
    }
    if (!text)
        return NULL;
    text += len;
    text += strspn (text, " ");
    if (*text++ != '=')
        return NULL;
    return text + strspn (text, " ");
}

/* "AuthInfo = ttl=10,socket=/run/site/munge": a site's own munged. */
static char *munge_socket (const char *text)
{
    static const char key[] = "socket=";
    const char *at = config_value (text, "AuthInfo");

    while (at && strncmp (at, key, strlen (key)) != 0) {
        at += strcspn (at, ",\n");
        at = *at == ',' ? at + 1 : NULL;
    }
    at = at ? at + strlen (key) : NULL;
    return at && *at == '/' ? strndup (at, strcspn (at, ",\n ")) : NULL;
}

/* "SLURM_VERSION = 22.05.8": 2205; 0: not there. */
static uint32_t release (const char *text)
{
    const char *version = config_value (text, "SLURM_VERSION");
    unsigned year;
    unsigned month;

    if (!version || sscanf (version, "%2u.%2u", &year, &month) != 2)
        return 0;
    return year * 100 + month;
}

void aw_slurm_config_parse (struct aw_slurm_job *job, const char *text)
{
    const char *ports = config_value (text, "SrunPortRange");
    unsigned first;
    unsigned last;

    job->port_first = 0;
    job->port_last = 0;
    job->release = release (text);
    free (job->munge_socket);
    job->munge_socket = munge_socket (text);
    if (!ports || sscanf (ports, "%u-%u", &first, &last) != 2)
        return;
    if (first == 0 || first > last || last > UINT16_MAX)
        return;
    job->port_first = (uint16_t)first;
    job->port_last = (uint16_t)last;
}

static int compare_names (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

/* The nodes in LIST have THREADS a core. */
static void set_threads (struct aw_slurm_job *job, const char *list, uint32_t threads)
{
    struct aw_strings names = { 0 };

    if (aw_hostlist_expand (&names, list, NULL) == 0) {
        qsort (names.v, names.n, sizeof (*names.v), compare_names);
        for (uint32_t i = 0; i < job->n_nodes; i++)
            if (bsearch (&job->nodes[i].name, names.v, names.n, sizeof (*names.v), compare_names))
                job->nodes[i].threads_per_core = threads;
    }
    aw_strings_finish (&names);
}

void aw_slurm_threads_parse (struct aw_slurm_job *job, const char *text)
{
    while (*text) {
        size_t len = strcspn (text, "\n");
        const char *bar = memchr (text, '|', len);
        char *list = bar ? strndup (text, (size_t)(bar - text)) : NULL;

        if (list && bar[1] >= '1' && bar[1] <= '9')
            set_threads (job, list, (uint32_t)strtoul (bar + 1, NULL, 10));
        free (list);
        text += len + (text[len] == '\n');
    }
}
