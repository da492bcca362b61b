/* SPDX-License-Identifier: Apache-2.0 */
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void mark_cut (struct aw_error *err)
{
    memcpy (err->text + sizeof (err->text) - 4, "...", 4);
}

int aw_error_vset (struct aw_error *err, const char *fmt, va_list ap)
{
    int saved = errno;

    if (err) {
        int n = vsnprintf (err->text, sizeof (err->text), fmt, ap);
        if (n < 0)
            snprintf (err->text, sizeof (err->text), "error text could not be formatted");
        else if ((size_t)n >= sizeof (err->text))
            mark_cut (err);
    }
    errno = saved;
    return -1;
}

int aw_error_set (struct aw_error *err, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    aw_error_vset (err, fmt, ap);
    va_end (ap);
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

void aw_error_print (const struct aw_error *err)
{
    char line[sizeof (err->text) + 32];
    int n = snprintf (line, sizeof (line), "async-workflow: %s\n", err->text);
    ssize_t rc = write (STDERR_FILENO, line, (size_t)n);

    (void)rc; /* nobody is left to tell */
}
