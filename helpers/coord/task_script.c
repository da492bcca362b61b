/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/task_script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/textbuf.h"
#include "util/write.h"

static const char shell[] = "/bin/sh";
static const char blanks[] = " \t\r";

/* Part of a line. */
struct word {
    const char *text;
    size_t length;
};

/* Finds interpreter and argument in the first line of TEXT. False: it names none. */
static bool find_interpreter (const char *text, struct word *program, struct word *argument)
{
    const char *end = text + strcspn (text, "\n");

    if (strncmp (text, "#!", 2) != 0)
        return false;
    text += 2;
    text += strspn (text, blanks);
    while (end > text && strchr (blanks, end[-1]))
        end--;
    if (text >= end || *text != '/')
        return false;
    *program = (struct word){ text, strcspn (text, " \t\r\n") };
    text += program->length;
    text += strspn (text, blanks);
    *argument = (struct word){ text, text < end ? (size_t)(end - text) : 0 };
    return true;
}

static int write_script (const char *text, const char *path, struct aw_error *err)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0700);
    int rc = fd < 0 ? -1 : aw_write_all (fd, text, strlen (text));

    if (fd >= 0 && close (fd) < 0)
        rc = -1;
    return rc < 0
               ? aw_error_set (err, "its script cannot be written: %s: %s", path, strerror (errno))
               : 0;
}

/* Makes argv of N words. 0, or -1 with text. */
static int fill (struct aw_launch *launch, const struct word *words, size_t n, struct aw_error *err)
{
    struct aw_textbuf text = { 0 };

    for (size_t i = 0; i < n; i++) {
        aw_textbuf_put (&text, words[i].text, words[i].length);
        aw_textbuf_putc (&text, '\0');
    }
    launch->argv = aw_textbuf_vector (&text);
    return launch->argv ? 0 : aw_error_set (err, "out of memory");
}

/* SHELL -c TEXT. 0, or -1 with text. */
static int fill_shell (struct aw_launch *launch,
                       char *const *words,
                       const char *text,
                       struct aw_error *err)
{
    size_t n = 0, all;
    struct word *argv;
    int rc = -1;

    while (words[n])
        n++;
    all = n + 2;
    argv = calloc (all, sizeof (*argv));
    if (!argv)
        return aw_error_set (err, "out of memory");
    for (size_t i = 0; i < n; i++)
        argv[i] = (struct word){ words[i], strlen (words[i]) };
    argv[n] = (struct word){ "-c", 2 };
    argv[n + 1] = (struct word){ text, strlen (text) };
    rc = fill (launch, argv, all, err);
    free (argv);
    return rc;
}

int aw_task_script (struct aw_launch *launch,
                    const char *text,
                    const char *path,
                    char *const *other_shell,
                    struct aw_error *err)
{
    struct word words[3] = { { shell, strlen (shell) }, { "-c", 2 }, { text, strlen (text) } };
    struct word program, argument;
    size_t n = 1;

    if (!find_interpreter (text, &program, &argument))
        return other_shell ? fill_shell (launch, other_shell, text, err)
                           : fill (launch, words, 3, err);
    if (argument.length == 0 && program.length == strlen (shell)
        && strncmp (program.text, shell, program.length) == 0)
        return fill (launch, words, 3, err);
    if (write_script (text, path, err) < 0)
        return -1;
    words[0] = program;
    if (argument.length > 0)
        words[n++] = argument;
    words[n++] = (struct word){ path, strlen (path) };
    return fill (launch, words, n, err);
}
