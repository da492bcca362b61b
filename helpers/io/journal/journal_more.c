/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a START says of further nodes: "more":[{"node":"n2","cpus":"0-3","gpus":""}, ...] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/journal/journal_private.h"
#include "io/scan.h"
#include "util/array.h"

void aw_journal_more_finish (struct aw_journal_more *more)
{
    for (uint32_t i = 0; i < more->n_inited; i++) {
        aw_idset_finish (&more->read[i].cpus);
        aw_idset_finish (&more->read[i].gpus);
    }
    free (more->parts);
    free (more->read);
    memset (more, 0, sizeof (*more));
}

static int make_room (struct aw_journal_more *more)
{
    if (aw_array_reserve (&more->parts, &more->room, more->n + (size_t)1) < 0
        || aw_array_reserve (&more->read, &more->read_room, more->n + (size_t)1) < 0)
        return -1;
    for (; more->n_inited < more->read_room; more->n_inited++)
        memset (&more->read[more->n_inited], 0, sizeof (*more->read));
    return 0;
}

/* One part: an object of three texts. */
static int scan_part (struct aw_journal_part *part, char **p)
{
    char *name, **to;

    memset (part, 0, sizeof (*part));
    if (aw_scan_char (p, '{') < 0)
        return -1;
    do {
        if (aw_scan_string (p, &name) < 0 || aw_scan_char (p, ':') < 0)
            return -1;
        to = strcmp (name, "node") == 0   ? &part->node
             : strcmp (name, "cpus") == 0 ? &part->cpus
             : strcmp (name, "gpus") == 0 ? &part->gpus
                                          : NULL;
        if (!to || *to || aw_scan_string (p, to) < 0)
            return -1;
    } while (aw_scan_char (p, ',') == 0);
    return part->node && part->cpus && part->gpus ? aw_scan_char (p, '}') : -1;
}

int aw_journal_scan_more (struct aw_journal_more *more, char **p, struct aw_error *err)
{
    more->n = 0;
    if (aw_scan_char (p, '[') < 0)
        goto wrong;
    do {
        if (make_room (more) < 0)
            return aw_error_set (err, "out of memory");
        if (scan_part (&more->parts[more->n++], p) < 0)
            goto wrong;
    } while (aw_scan_char (p, ',') == 0);
    if (aw_scan_char (p, ']') == 0)
        return 0;
wrong:
    more->n = 0;
    return aw_error_set (err, "\"more\" must be a list of objects with node, cpus and gpus");
}

int aw_journal_read_ids (struct aw_idset *ids,
                         const char *key,
                         const char *text,
                         struct aw_error *err)
{
    if (aw_idset_parse (ids, text) == 0)
        return 0;
    if (errno == ENOMEM)
        return aw_error_set (err, "out of memory");
    return aw_error_set (err, "\"%s\": \"%.64s\" is not a list of numbers", key, text);
}

int aw_journal_read_more (struct aw_journal_more *more,
                          const struct aw_names *nodes,
                          struct aw_error *err)
{
    for (uint32_t i = 0; i < more->n; i++) {
        const struct aw_journal_part *part = &more->parts[i];
        struct aw_part *read = &more->read[i];

        read->node = aw_names_get (nodes, part->node, strlen (part->node));
        if (read->node == AW_NAMES_NONE)
            return aw_error_set (err, "no node with the name \"%.64s\" has joined", part->node);
        if (aw_journal_read_ids (&read->cpus, "cpus", part->cpus, err) < 0
            || aw_journal_read_ids (&read->gpus, "gpus", part->gpus, err) < 0)
            return -1;
    }
    return 0;
}
