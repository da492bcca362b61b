/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow: runs the commands that tasks call, perhaps thousands of times, and becomes
 * async-workflow-main for all others. It needs the C library alone, so it starts in a third of the
 * time. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/status_task.h"
#include "coord/slurm/libexec.h"

/* -1: it is not status --task. */
static int status (int argc, char **argv)
{
    struct aw_status_line line = { 0 };

    aw_status_line_parse (&line, argc, argv);
    return line.task ? aw_status_tasks (&line) : -1;
}

static const struct aw_command command_status = { "status", NULL, status };

static const struct aw_command *const commands[] = {
    &aw_command_send,   &aw_command_recv, &aw_command_add, &aw_command_cancel,
    &aw_command_submit, &aw_command_wait, &command_status,
    /* End of commands */
};

static const struct aw_command *find (const char *name)
{
    for (size_t i = 0; i < sizeof (commands) / sizeof (commands[0]); i++)
        if (strcmp (commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
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
    char *name = argc > 1 ? argv[1] : NULL;
    const struct aw_command *command = name ? find (name) : NULL;
    int code;

    if (!command)
        return become_main (argv);
    if (aw_command_begin () < 0)
        return AW_EXIT_INPUT;
    setlocale (LC_CTYPE, "");
    setlocale (LC_MESSAGES, "");
    code = aw_command_call (command, argc, argv);
    if (code >= 0)
        return code;
    argv[1] = name;
    return become_main (argv);
}
