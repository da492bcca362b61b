/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/messages/submit_environment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal/run_dir.h"
#include "io/text_file.h"
#include "util/hash.h"

enum { MAX_SAME = 8 }; /* environments of one hash and size */

int aw_submit_environments_init (struct aw_submit_environments *environments, const char *run_dir)
{
    memset (environments, 0, sizeof (*environments));
    environments->run_dir = strdup (run_dir);
    return environments->run_dir ? 0 : -1;
}

void aw_submit_environments_finish (struct aw_submit_environments *environments)
{
    free (environments->run_dir);
    aw_textbuf_finish (&environments->text);
    memset (environments, 0, sizeof (*environments));
}

/* Ours, with the tokens; and "_", which the shell sets for each command. */
static bool is_kept (const char *variable)
{
    return strchr (variable, '=') && strncmp (variable, "ASYNC_WORKFLOW_", 15) != 0
           && strncmp (variable, "_=", 2) != 0;
}

static void copy_kept (struct aw_textbuf *to, const char *text, size_t size)
{
    const char *end = text + size;

    while (text < end) {
        size_t n = strnlen (text, (size_t)(end - text));

        if (text + n < end && is_kept (text))
            aw_textbuf_put (to, text, n + 1);
        text += n + 1;
    }
}

/* Has the file at PATH these contents? 1 or 0; -1: there is none. */
static int has (const char *path, const struct aw_textbuf *text)
{
    struct aw_error err;
    size_t size;
    char *found =
        access (path, F_OK) == 0 ? aw_text_file_read (path, text->len, &size, &err) : NULL;
    int rc = access (path, F_OK) < 0 ? -1
                                     : found && size == text->len
                                           && (size == 0 || memcmp (found, text->data, size) == 0);

    free (found);
    return rc;
}

static int make_directory (const char *run_dir, struct aw_error *err)
{
    char *path = aw_run_dir_path (run_dir, AW_RUN_SUBMITTED);
    int rc = path ? mkdir (path, 0700) : -1;

    if (!path)
        aw_error_set (err, "out of memory");
    else if (rc < 0 && errno == EEXIST)
        rc = 0;
    else if (rc < 0)
        aw_error_set (err, "%s: %s", path, strerror (errno));
    free (path);
    return rc;
}

/* Keeps TEXT in FILE of the run directory. 1; 0: another text has that name; -1 with text. */
static int store (const char *run_dir,
                  const char *file,
                  const struct aw_textbuf *text,
                  struct aw_error *err)
{
    char *path = aw_run_dir_path (run_dir, file);
    int rc = path ? has (path, text) : -1;

    if (!path)
        return aw_error_set (err, "out of memory");
    if (rc < 0 && make_directory (run_dir, err) == 0
        && aw_run_dir_write_file (run_dir, file, 0600, text->data ? text->data : "", text->len, err)
               == 0)
        rc = 1;
    free (path);
    return rc;
}

/* Finds a name for what is in the text. */
static int store_new (struct aw_submit_environments *e, struct aw_error *err)
{
    unsigned long long hash = aw_hash64 (AW_HASH64_BASIS, e->text.data, e->text.len);
    char file[AW_ENVIRONMENT_DIGEST + sizeof (AW_RUN_SUBMITTED)];
    int rc = 0;

    for (int i = 0; rc == 0 && i < MAX_SAME; i++) {
        snprintf (e->digest, sizeof (e->digest), "%016llx-%zx-%d", hash, e->text.len, i);
        snprintf (file, sizeof (file), AW_RUN_SUBMITTED "/%s", e->digest);
        rc = store (e->run_dir, file, &e->text, err);
    }
    if (rc == 0)
        aw_error_set (err, "too many environments of one digest");
    if (rc <= 0)
        e->digest[0] = '\0';
    return rc > 0 ? 0 : -1;
}

const char *aw_submit_environment (struct aw_submit_environments *e,
                                   const char *text,
                                   size_t size,
                                   struct aw_error *err)
{
    struct aw_textbuf kept = { 0 };
    bool same;

    copy_kept (&kept, text, size);
    if (kept.failed) {
        aw_textbuf_finish (&kept);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    same = e->digest[0] && kept.len == e->text.len
           && (kept.len == 0 || memcmp (kept.data, e->text.data, kept.len) == 0);
    if (same) {
        aw_textbuf_finish (&kept);
        return e->digest;
    }
    aw_textbuf_finish (&e->text);
    e->text = kept;
    return store_new (e, err) < 0 ? NULL : e->digest;
}
