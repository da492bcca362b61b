/* SPDX-License-Identifier: Apache-2.0 */
/* add FILE: adds, in a task, the task sets of a workflow file to the running workflow. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/async-workflow.h"
#include "cmd/arguments.h"
#include "cmd/command.h"
#include "io/text_file.h"
#include "io/textbuf.h"
#include "util/error.h"

static const struct aw_arguments line = {
    .words = "FILE",
    .doc =
        "In a task: add the task sets of FILE to the running workflow. FILE is a workflow file, or "
        "\"-\" for standard input."
        "\v\"after\" may name sets of the file and of the workflow. The names of the new sets must "
        "be "
        "new. If anything is wrong, nothing is added. The command returns when the journal has the "
        "addition. If the same file, byte for byte, was added before, nothing changes. Exit "
        "status: 0 "
        "done; 2 FILE is wrong, and each problem is printed; 4 no pool.",
    .missing = "no workflow file given",
};

/* Standard input to its end. One byte above the largest addition is enough to refuse it. */
static char *read_input (size_t *size, struct aw_error *err)
{
    struct aw_textbuf text = { 0 };
    char part[1 << 16];
    ssize_t n;

    while (text.len <= AW_MAX_ADDITION
           && ((n = read (STDIN_FILENO, part, sizeof (part))) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            aw_textbuf_put (&text, part, (size_t)n);
    if (text.len <= AW_MAX_ADDITION && n < 0) {
        aw_error_set (err, "cannot be read: %s", strerror (errno));
        aw_textbuf_finish (&text);
        return NULL;
    }
    *size = text.len;
    aw_textbuf_putc (&text, '\0');
    if (!text.failed)
        return text.data;
    aw_error_set (err, "out of memory");
    aw_textbuf_finish (&text);
    return NULL;
}

/* What the pool answered about FILE: one problem a line. */
static void print_problems (const char *file, const char *text)
{
    while (*text) {
        int length = (int)strcspn (text, "\n");

        fprintf (stderr, "async-workflow: %s: %.*s\n", file, length, text);
        text += length + (text[length] == '\n');
    }
}

static int add (const char *file, const char *text, size_t size)
{
    struct aw_connection *aw = aw_open ();
    int code = AW_EXIT_OK;

    if (aw && aw_add (aw, text, size, -1) == 0) {
        aw_close (aw);
        return AW_EXIT_OK;
    }
    code = aw && (errno == EINVAL || errno == EMSGSIZE) ? AW_EXIT_INPUT : AW_EXIT_POOL;
    if (code == AW_EXIT_INPUT)
        print_problems (file, aw_error_text (aw));
    else
        fprintf (stderr, "async-workflow add: %s\n", aw_error_text (aw));
    aw_close (aw);
    return code;
}

static int run (int argc, char **argv)
{
    const char *file = NULL;
    struct aw_error err;
    size_t size;
    char *text;
    int code;

    aw_arguments_parse (&line, argc, argv, &file);
    if (strcmp (file, "-") == 0) {
        file = "standard input";
        text = read_input (&size, &err);
    }
    else
        text = aw_text_file_read (file, AW_MAX_ADDITION, &size, &err);
    if (!text) {
        fprintf (stderr, "async-workflow: %s: %s\n", file, err.text);
        return AW_EXIT_INPUT;
    }
    code = add (file, text, size);
    free (text);
    return code;
}

const struct aw_command aw_command_add = { "add", "in a task: add tasks", run };
