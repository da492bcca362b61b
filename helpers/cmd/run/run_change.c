/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/journal/journal.h"
#include "io/journal/run_dir.h"
#include "io/text_file.h"
#include "io/workflow/values_file.h"
#include "util/hash.h"

/* In hexadecimal: distinguishes two versions of a workflow and its values. */
static void digest_of (const char *workflow,
                       size_t workflow_size,
                       const char *values,
                       size_t values_size,
                       char digest[20])
{
    uint64_t hash = aw_hash64 (AW_HASH64_BASIS, workflow, workflow_size);

    snprintf (digest, 20, "%016llx", (unsigned long long)aw_hash64 (hash, values, values_size));
}

int aw_run_change_digest (const struct aw_workflow *w, char digest[20], struct aw_error *err)
{
    struct aw_textbuf values = { 0 };
    bool failed;

    aw_values_file_put (w, &values);
    digest_of (w->text, w->text_size, values.data ? values.data : "", values.len, digest);
    failed = values.failed;
    aw_textbuf_finish (&values);
    return failed ? aw_error_set (err, "out of memory") : 0;
}

/* A file of the run directory, and the one that is to replace it. */
struct change {
    const char *name, *next;
    bool waits; /* the next one is there */
    char *text; /* of that one, or else of the file; "" where there is neither */
    size_t size;
};

static int read_change (const char *dir, struct change *c, struct aw_error *err)
{
    int waits = aw_run_dir_has (dir, c->next, err);
    int there = waits == 0 ? aw_run_dir_has (dir, c->name, err) : waits;
    char *path;

    if (there < 0)
        return -1;
    c->waits = waits > 0;
    if (!there)
        return (c->text = strdup ("")) ? 0 : aw_error_set (err, "out of memory");
    path = aw_run_dir_path (dir, c->waits ? c->next : c->name);
    if (!path)
        return aw_error_set (err, "out of memory");
    c->text = aw_text_file_read (path, SIZE_MAX / 2, &c->size, err);
    if (!c->text)
        aw_error_prefix (err, path);
    free (path);
    return c->text ? 0 : -1;
}

/* Are these the workflow and values that the journal's last change recorded? 1 or 0; -1 with text.
 */
static int is_last_change (const struct change changes[2],
                           const char *journal,
                           struct aw_error *err)
{
    char last[20] = "", digest[20];
    int fd = open (journal, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = -1;
    size_t line;

    if (fd < 0 || aw_journal_last_change (fd, &line, last, sizeof (last)) < 0)
        aw_error_set (err, "%s: cannot be read: %s", journal, strerror (errno));
    else
        rc = line > 0;
    if (fd >= 0)
        close (fd);
    if (rc <= 0)
        return rc;
    digest_of (changes[0].text, changes[0].size, changes[1].text, changes[1].size, digest);
    return strcmp (last, digest) == 0;
}

/* Puts the next file in the place of the old one, or removes it. */
static int settle_change (const char *dir,
                          const struct change *c,
                          bool recorded,
                          struct aw_error *err)
{
    char *next = aw_run_dir_path (dir, c->next), *path = aw_run_dir_path (dir, c->name);
    int rc = -1;

    if (next && path)
        rc = !c->waits ? 0 : recorded ? rename (next, path) : unlink (next);
    if (rc < 0)
        aw_error_set (err, "%s/%s: %s", dir, c->next, strerror (errno));
    free (next);
    free (path);
    return rc;
}

int aw_run_change_finish (const char *dir, const char *journal, struct aw_error *err)
{
    struct change changes[2] = { { .name = AW_RUN_WORKFLOW, .next = AW_RUN_NEXT_WORKFLOW },
                                 { .name = AW_RUN_VALUES, .next = AW_RUN_NEXT_VALUES } };
    int rc = read_change (dir, &changes[0], err), recorded = 0;

    if (rc == 0)
        rc = read_change (dir, &changes[1], err);
    if (rc == 0 && (changes[0].waits || changes[1].waits)) {
        recorded = is_last_change (changes, journal, err);
        rc = recorded < 0 ? -1 : 0;
    }
    for (int i = 0; rc == 0 && i < 2; i++)
        rc = settle_change (dir, &changes[i], recorded > 0, err);
    free (changes[0].text);
    free (changes[1].text);
    return rc;
}

int aw_run_change_write (const char *dir, const struct aw_workflow *workflow, struct aw_error *err)
{
    int there = aw_run_dir_has (dir, AW_RUN_VALUES, err), rc = there;
    struct aw_textbuf values = { 0 };

    aw_values_file_put (workflow, &values);
    if (values.failed)
        rc = aw_error_set (err, "out of memory");
    if (rc >= 0 && (values.len > 0 || there))
        rc = aw_run_dir_write_file (dir, AW_RUN_NEXT_VALUES, 0600, values.data ? values.data : "",
                                    values.len, err);
    aw_textbuf_finish (&values);
    return rc < 0 ? rc
                  : aw_run_dir_write_file (dir, AW_RUN_NEXT_WORKFLOW, 0600, workflow->text,
                                           workflow->text_size, err);
}

int aw_run_change_place (const char *dir, struct aw_error *err)
{
    int waits = aw_run_dir_has (dir, AW_RUN_NEXT_VALUES, err);
    const struct change changes[2] = {
        { .name = AW_RUN_VALUES, .next = AW_RUN_NEXT_VALUES, .waits = waits > 0 },
        { .name = AW_RUN_WORKFLOW, .next = AW_RUN_NEXT_WORKFLOW, .waits = true }
    };

    return waits < 0 || settle_change (dir, &changes[0], true, err) < 0
                   || settle_change (dir, &changes[1], true, err) < 0
               ? -1
               : 0;
}
