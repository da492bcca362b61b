/* SPDX-License-Identifier: Apache-2.0 */
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/utf8.h"

static void mark_cut (struct aw_error *err)
{
    memcpy (err->text + sizeof (err->text) - 4, "...", 4);
}

int aw_error_set (struct aw_error *err, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;

    va_start (ap, fmt);
    if (err) {
        int n = vsnprintf (err->text, sizeof (err->text), fmt, ap);
        if (n < 0)
            snprintf (err->text, sizeof (err->text), "error text could not be formatted");
        else if ((size_t)n >= sizeof (err->text))
            mark_cut (err);
    }
    va_end (ap);
    errno = saved;
    return -1;
}

int aw_error_prefix (struct aw_error *err, const char *prefix)
{
    struct aw_error old;

    if (!err)
        return -1;
    old = *err;
    return aw_error_set (err, "%s: %s", prefix, old.text);
}

/* Texts quote what others have written: names, journals. What could steer a terminal becomes "?":
 * control characters, C1 ones included, and bytes that are no UTF-8.
 */
static void make_plain (char *text, size_t size)
{
    for (size_t i = 0, n; i < size; i += n) {
        unsigned char c = (unsigned char)text[i];

        n = aw_utf8_length (text + i, size - i);
        if (n == 2 && c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
            memcpy (text + i, "??", 2);
        else if (n == 0 || c < 0x20 || c == 0x7f) {
            text[i] = '?';
            n = 1;
        }
    }
}

void aw_error_print (const struct aw_error *err)
{
    char line[sizeof (err->text) + 32];
    int n = snprintf (line, sizeof (line), "async-workflow: %s\n", err->text);
    ssize_t rc;

    make_plain (line, (size_t)n - 1);
    rc = write (STDERR_FILENO, line, (size_t)n);

    (void)rc; /* nobody is left to tell */
}
