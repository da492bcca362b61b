/* SPDX-License-Identifier: Apache-2.0 */
#include "io/journal/run_origin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/journal/run_dir.h"
#include "io/text_file.h"

enum { MAX_ORIGIN = 1 << 20, MAX_WORKFLOW = 1 << 30 };

int aw_run_origin_write (const char *dir, const struct aw_run_origin *origin, struct aw_error *err)
{
    char *text;
    int n = asprintf (&text, "job %s\nrestart %u\n%s", origin->job, origin->restart,
                      origin->parameters);
    int rc;

    if (n < 0)
        return aw_error_set (err, "out of memory");
    rc = aw_run_dir_write_file (dir, AW_RUN_JOB, 0600, text, (size_t)n, err);
    free (text);
    return rc;
}

/* The text of FILE in DIR, for the caller to free, or NULL. */
static char *read_file (const char *dir, const char *file, size_t max, size_t *size)
{
    char *path = aw_run_dir_path (dir, file);
    struct aw_error err;
    char *text = path ? aw_text_file_read (path, max, size, &err) : NULL;

    free (path);
    return text;
}

static bool has_workflow (const char *dir, const char *text, size_t size)
{
    size_t n = 0;
    char *copy = read_file (dir, AW_RUN_WORKFLOW, MAX_WORKFLOW, &n);
    bool same = copy && n == size && memcmp (copy, text, size) == 0;

    free (copy);
    return same;
}

/* ORIGIN against the text of the file. */
static enum aw_run_match match_origin (const char *text, const struct aw_run_origin *origin)
{
    size_t len = strlen (origin->job);
    unsigned restart;
    int end = 0;

    if (strncmp (text, "job ", 4) != 0 || strncmp (text + 4, origin->job, len) != 0)
        return AW_RUN_FOREIGN;
    text += 4 + len;
    if (sscanf (text, "\nrestart %u%n", &restart, &end) != 1 || end == 0 || text[end] != '\n')
        return AW_RUN_FOREIGN;
    if (restart >= origin->restart)
        return AW_RUN_TAKEN;
    return strcmp (text + end + 1, origin->parameters) == 0 ? AW_RUN_SAME : AW_RUN_DIFFERENT;
}

enum aw_run_match aw_run_origin_match (const char *dir,
                                       const struct aw_run_origin *origin,
                                       const char *text,
                                       size_t size)
{
    enum aw_run_match match;
    struct stat st;
    size_t n = 0;
    char *file;

    if (lstat (dir, &st) < 0 && errno == ENOENT)
        return AW_RUN_ABSENT;
    file = read_file (dir, AW_RUN_JOB, MAX_ORIGIN, &n);
    match = file ? match_origin (file, origin) : AW_RUN_FOREIGN;
    free (file);
    return match == AW_RUN_SAME && !has_workflow (dir, text, size) ? AW_RUN_DIFFERENT : match;
}
