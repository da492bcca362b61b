/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/slurm/slurm.h"
#include "io/textbuf.h"

/* For each letter a variable of the environment, and the text where that is not set; and whether it
 * is a number, which can be padded with zeros.
 */
static const struct {
    char letter;
    const char *variable, *other;
    bool number;
} letters[] = {
    { 'A', "SLURM_ARRAY_JOB_ID", NULL, true }, /* else the job's id */
    { 'a', "SLURM_ARRAY_TASK_ID", "4294967294", true },
    { 'J', "SLURM_JOB_ID", "", true },
    { 'j', "SLURM_JOB_ID", "", true },
    { 'N', "SLURMD_NODENAME", "localhost", false },
    { 'n', "SLURM_NODEID", "0", true },
    { 's', "SLURM_STEP_ID", "batch", false },
    { 't', "SLURM_PROCID", "0", true },
    { 'u', NULL, NULL, false },
    { 'x', "SLURM_JOB_NAME", "", false },
};

static const char *value_of (char letter, bool *number)
{
    for (size_t i = 0; i < sizeof (letters) / sizeof (letters[0]); i++) {
        const char *value = letters[i].variable ? getenv (letters[i].variable) : aw_slurm_user ();

        if (letters[i].letter != letter)
            continue;
        *number = letters[i].number;
        if (!value)
            value = letters[i].other ? letters[i].other : getenv ("SLURM_JOB_ID");
        return value ? value : "";
    }
    return NULL;
}

/* PATTERN with what %j and so on stand for in this job. Caller frees; NULL with ENOMEM. */
static char *expand (const char *pattern)
{
    struct aw_textbuf text = { 0 };
    bool plain = strchr (pattern, '\\') != NULL;

    for (const char *p = pattern; *p; p++) {
        char *end;
        unsigned long width = *p == '%' ? strtoul (p + 1, &end, 10) : 0;
        bool number = false;
        const char *value = *p == '%' && !plain ? value_of (*end, &number) : NULL;

        if (plain && *p == '\\')
            continue;
        if (*p == '%' && !plain && p[1] == '%')
            aw_textbuf_putc (&text, *p++);
        else if (value) {
            for (size_t n = strlen (value); number && n < width && width <= 10; n++)
                aw_textbuf_putc (&text, '0');
            aw_textbuf_puts (&text, value);
            p = end;
        }
        else
            aw_textbuf_putc (&text, *p);
    }
    aw_textbuf_putc (&text, '\0');
    if (!text.failed)
        return text.data;
    aw_textbuf_finish (&text);
    errno = ENOMEM;
    return NULL;
}

static int redirect (const char *pattern, int to, int flags)
{
    char *path = expand (pattern);
    int fd = path ? open (path, flags | O_CLOEXEC, 0666) : -1;
    int rc =
        fd >= 0 && dup2 (fd, to) >= 0
            ? 0
            : aw_slurm_error ("Could not open %s: %s", path ? path : pattern, strerror (errno));

    if (fd >= 0)
        close (fd);
    free (path);
    return rc;
}

int aw_pattern_redirect (const char *input, const char *output, const char *error, bool append)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | (append ? 0 : O_TRUNC);

    if (input && redirect (input, STDIN_FILENO, O_RDONLY) < 0)
        return -1;
    if (output && redirect (output, STDOUT_FILENO, flags) < 0)
        return -1;
    if (error)
        return redirect (error, STDERR_FILENO, flags);
    return output && dup2 (STDOUT_FILENO, STDERR_FILENO) < 0
               ? aw_slurm_error ("standard error: %s", strerror (errno))
               : 0;
}
