/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for the places where a run went on with a changed workflow: rare, and wanted before any
 * graph is there to read events with, so lines are only looked at, not taken apart.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/journal/journal.h"
#include "io/scan.h"

enum { BLOCK = 1 << 20, MAX_LINE = 1 << 20 };

/* Is LINE, NUL-terminated and spoilt by this, a RESUME with a changed workflow? Then DIGEST is it.
 */
static bool is_change (char *line, char *digest, size_t size)
{
    char *p = line, *name, *value, *found = NULL;
    bool resume = false;

    if (aw_scan_char (&p, '{') < 0)
        return false;
    do {
        if (aw_scan_string (&p, &name) < 0 || aw_scan_char (&p, ':') < 0)
            return false;
        if (strcmp (name, "event") != 0 && strcmp (name, "workflow") != 0) {
            if (aw_scan_skip (&p) < 0)
                return false;
            continue;
        }
        if (aw_scan_string (&p, &value) < 0)
            return false;
        if (strcmp (name, "workflow") == 0)
            found = value;
        else
            resume = strcmp (value, "resume") == 0;
    } while (aw_scan_char (&p, ',') == 0);
    if (resume && found && size > 0)
        snprintf (digest, size, "%s", found);
    return resume && found;
}

/* The line that begins at OFFSET, as far as it is no longer than a RESUME can be. Caller frees. */
static char *line_at (int fd, off_t offset, size_t len)
{
    char *line = len < MAX_LINE ? malloc (len + 1) : NULL;

    if (line && pread (fd, line, len, offset) == (ssize_t)len) {
        line[len] = '\0';
        return line;
    }
    free (line);
    return NULL;
}

size_t aw_journal_last_change (int fd, char *digest, size_t size)
{
    static const char mark[] = "\"resume\"";
    char *block = malloc (BLOCK);
    size_t n_lines = 1, found = 0;
    off_t begin = 0, at = 0; /* of the line at hand; of the block */
    ssize_t n;

    while (block && (n = pread (fd, block, BLOCK, at)) > 0) {
        const char *p = block, *end = block + n, *newline;

        for (; (newline = memchr (p, '\n', (size_t)(end - p))); p = newline + 1, n_lines++) {
            off_t next = at + (newline - block) + 1;
            size_t len = (size_t)(next - begin - 1);
            char *line = begin < at || memmem (p, len, mark, sizeof (mark) - 1)
                             ? line_at (fd, begin, len)
                             : NULL;

            if (line && is_change (line, digest, size))
                found = n_lines;
            free (line);
            begin = next;
        }
        at += n;
    }
    free (block);
    return found;
}
