/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow: runs the commands that tasks call, perhaps thousands of times, and becomes
 * async-workflow-main for all others. It needs the C library alone, so it starts in a third of the
 * time. */
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/status_task.h"
#include "coord/slurm/libexec.h"

static const struct aw_command *const commands[] = {
    &aw_command_send,   &aw_command_recv,   &aw_command_add,
    &aw_command_cancel, &aw_command_submit, &aw_command_wait,
    /* End of commands */
};

static const struct aw_command *find (const char *name)
{
    for (size_t i = 0; i < sizeof (commands) / sizeof (commands[0]); i++)
        if (strcmp (commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* status --task [--long] ID...; -1: it is something else, or not in this order. */
static int status (int argc, char **argv)
{
    bool task = false, long_words = false;
    int first = 2;

    for (; first < argc && argv[first][0] == '-'; first++)
        if (strcmp (argv[first], "--task") == 0)
            task = true;
        else if (strcmp (argv[first], "--long") == 0)
            long_words = true;
        else
            return -1;
    if (!task || first >= argc)
        return -1;
    for (int i = first; i < argc; i++)
        if (argv[i][0] == '-')
            return -1;
    return aw_status_tasks (argv[first], &(struct aw_words){ argv + first + 1, argc - first - 1 },
                            long_words);
}

/* Becomes the program that has all commands. Returns if that is impossible. */
static int become_main (char **argv)
{
    struct aw_error err;
    char *path = aw_libexec (AW_MAIN, &err);

    if (path) {
        execv (path, argv);
        aw_error_set (&err, "%s: %s", path, strerror (errno));
    }
    fprintf (stderr, "async-workflow: %s\n", err.text);
    free (path);
    return AW_EXIT_INPUT;
}

int main (int argc, char **argv)
{
    const struct aw_command *command = argc > 1 ? find (argv[1]) : NULL;
    int code = -1;

    if (!command && (argc < 2 || strcmp (argv[1], "status") != 0))
        return become_main (argv);
    if (aw_command_begin () < 0)
        return AW_EXIT_INPUT;
    setlocale (LC_CTYPE, "");
    setlocale (LC_MESSAGES, "");
    if (command)
        return aw_command_call (command, argc, argv);
    code = status (argc, argv);
    return code < 0 ? become_main (argv) : code;
}
