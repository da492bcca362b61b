/* SPDX-License-Identifier: Apache-2.0 */
#include "io/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind (const struct stat *st, size_t max, struct aw_error *err)
{
    if (S_ISDIR (st->st_mode))
        return aw_error_set (err, "is a directory: give a file");
    if (!S_ISREG (st->st_mode))
        return aw_error_set (err, "is not a regular file: copy it to one first");
    if (st->st_size > 0 && (uintmax_t)st->st_size > max)
        return aw_error_set (err, "has %.0f MiB: at most %zu MiB are allowed",
                             (double)st->st_size / (1 << 20), max >> 20);
    return 0;
}

/* Reads FD to its end, as the file may have grown, or have a size that tells nothing as those in
 * /proc. */
static char *read_all (int fd, size_t expected, size_t max, size_t *size, struct aw_error *err)
{
    size_t room = expected + 1, have = 0;
    char *text = malloc (room + 1);

    while (text) {
        ssize_t n = read (fd, text + have, room - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            aw_error_set (err, "cannot be read: %s", strerror (errno));
            break;
        }
        have += (size_t)n;
        if (n == 0) {
            text[have] = '\0';
            *size = have;
            return text;
        }
        if (have > max) {
            aw_error_set (err, "has more than %zu MiB", max >> 20);
            break;
        }
        if (have == room) {
            char *larger = realloc (text, 2 * room + 1);

            if (!larger) {
                aw_error_set (err, "out of memory");
                break;
            }
            text = larger;
            room *= 2;
        }
    }
    if (!text)
        aw_error_set (err, "out of memory");
    free (text);
    return NULL;
}

char *aw_text_file_read (const char *path, size_t max, size_t *size, struct aw_error *err)
{
    struct stat st;
    char *text = NULL;
    int fd = -1;

    /* Looked at before opening, for opening alone may set a device going; and again after, for it
     * may be another now. */
    if (stat (path, &st) < 0) {
        aw_error_set (err, "cannot be read: %s", strerror (errno));
        return NULL;
    }
    if (check_kind (&st, max, err) < 0)
        return NULL;
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat (fd, &st) < 0)
        aw_error_set (err, "cannot be read: %s", strerror (errno));
    else if (check_kind (&st, max, err) == 0)
        text = read_all (fd, (size_t)st.st_size, max, size, err);
    if (fd >= 0)
        close (fd);
    return text;
}

char *aw_text_stdin_read (size_t max, size_t *size, struct aw_error *err)
{
    enum { FIRST_ROOM = 1 << 16 };

    return read_all (STDIN_FILENO, FIRST_ROOM, max, size, err);
}

size_t aw_text_old_line_end (const char *text, size_t size)
{
    const char *end = text + size, *p = text;
    size_t line = 1;

    while ((p = memchr (p, '\r', (size_t)(end - p))) && p + 1 < end && p[1] == '\n')
        p++;
    if (!p || p + 1 == end)
        return 0;
    for (end = p, p = text; (p = memchr (p, '\n', (size_t)(end - p))); p++)
        line++;
    return line;
}
