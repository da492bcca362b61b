/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h" /* vasprintf */

#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"

void aw_words_init (struct aw_words *words)
{
    words->word = NULL;
    words->count = 0;
}

void aw_words_finish (struct aw_words *words)
{
    int saved = errno;

    for (size_t i = 0; i < words->count; i++)
        free (words->word[i]);
    free (words->word);
    aw_words_init (words);
    errno = saved;
}

/* Takes text over, also on failure. */
static int append_owned (struct aw_words *words, char *text)
{
    char **bigger;

    if (!text)
        return -1;
    bigger = realloc (words->word, (words->count + 2) * sizeof (*bigger));
    if (!bigger) {
        free (text);
        errno = ENOMEM;
        return -1;
    }
    words->word = bigger;
    words->word[words->count++] = text;
    words->word[words->count] = NULL;
    return 0;
}

int aw_words_append (struct aw_words *words, const char *text)
{
    return append_owned (words, strdup (text));
}

int aw_words_appendf (struct aw_words *words, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int n;

    va_start (ap, fmt);
    n = vasprintf (&text, fmt, ap);
    va_end (ap);
    if (n < 0) {
        errno = ENOMEM;
        return -1;
    }
    return append_owned (words, text);
}

/* The whole file with a NUL after it, *size without that. Files of /proc have no size to ask for.
 */
static char *read_all (int fd, size_t *size)
{
    size_t room = 16384;
    size_t used = 0;
    char *data = malloc (room);

    while (data) {
        ssize_t n = read (fd, data + used, room - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        if (n == 0) {
            data[used] = '\0';
            *size = used;
            return data;
        }
        used += (size_t)n;
        if (room - used < 2) {
            char *bigger = realloc (data, room * 2);
            if (!bigger)
                break;
            data = bigger;
            room *= 2;
        }
    }
    free (data);
    return NULL;
}

int aw_words_read (struct aw_words *words, const char *path, struct aw_error *err)
{
    size_t size = 0;
    char *data;
    int fd;

    fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return aw_error_set (err, "%s: %s: a mounted /proc is needed", path, strerror (errno));
    data = read_all (fd, &size);
    if (!data)
        aw_error_set (err, "%s: %s", path, strerror (errno));
    close (fd);
    if (!data)
        return -1;
    for (size_t at = 0; at < size; at += strlen (data + at) + 1) {
        if (aw_words_append (words, data + at) < 0) {
            aw_error_set (err, "%s: %s", path, strerror (errno));
            free (data);
            return -1;
        }
    }
    free (data);
    return 0;
}

void aw_words_remove_prefix (struct aw_words *words, const char *prefix)
{
    size_t length = strlen (prefix);
    size_t kept = 0;

    for (size_t i = 0; i < words->count; i++) {
        if (strncmp (words->word[i], prefix, length) == 0)
            free (words->word[i]);
        else
            words->word[kept++] = words->word[i];
    }
    words->count = kept;
    if (words->word)
        words->word[kept] = NULL;
}
