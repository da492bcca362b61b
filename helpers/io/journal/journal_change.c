/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for the places where a run continued with a changed workflow: rare, and wanted before any
 * graph is there to read events with, so lines are only looked at, not taken apart.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/journal/journal.h"
#include "io/scan.h"

enum { BLOCK = 1 << 20, MAX_LINE = 32 << 20 };

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

/* pread of all SIZE bytes at OFFSET. 0, or -1 with errno; a file that has become shorter: EIO. */
static int read_at (int fd, char *buf, size_t size, off_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread (fd, buf + done, size - done, offset + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

/* Is the line of LEN bytes at OFFSET a RESUME with a changed workflow? 1 or 0; -1 with errno. */
static int check_line (int fd, off_t offset, size_t len, char *digest, size_t size)
{
    char *line;
    int rc;

    if (len >= MAX_LINE)
        return 0; /* longer than a RESUME can be */
    line = malloc (len + 1);
    if (!line)
        return -1;
    rc = read_at (fd, line, len, offset);
    line[len] = '\0';
    if (rc == 0)
        rc = is_change (line, digest, size);
    free (line);
    return rc;
}

/* What is known of the file's lines. */
struct lines {
    size_t n; /* number of the line that begins at BEGIN */
    off_t begin;
    size_t changed; /* number of the last RESUME with a changed workflow */
};

/* Handles the ends of lines among the SIZE bytes of BLOCK, which are at AT in the file. */
static int check_block (int fd,
                        const char *block,
                        size_t block_size,
                        off_t at,
                        struct lines *lines,
                        char *digest,
                        size_t size)
{
    static const char mark[] = "\"resume\"";
    const char *p = block, *end = block + block_size, *newline;

    for (; (newline = memchr (p, '\n', (size_t)(end - p))); p = newline + 1, lines->n++) {
        off_t next = at + (newline - block) + 1;
        size_t len = (size_t)(next - lines->begin - 1);
        int change = 0;

        if (lines->begin < at || memmem (p, len, mark, sizeof (mark) - 1))
            change = check_line (fd, lines->begin, len, digest, size);
        if (change < 0)
            return -1;
        if (change)
            lines->changed = lines->n;
        lines->begin = next;
    }
    return 0;
}

int aw_journal_last_change (int fd, size_t *line, char *digest, size_t size)
{
    struct lines lines = { .n = 1 };
    char *block = malloc (BLOCK);
    ssize_t n = -1;
    off_t at = 0;
    int rc = 0, saved;

    while (rc == 0 && block
           && ((n = pread (fd, block, BLOCK, at)) > 0 || (n < 0 && errno == EINTR))) {
        if (n < 0)
            continue;
        rc = check_block (fd, block, (size_t)n, at, &lines, digest, size);
        at += n;
    }
    saved = errno;
    free (block);
    errno = saved;
    *line = lines.changed;
    return n < 0 ? -1 : rc;
}
