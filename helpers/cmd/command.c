/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "util/descriptors.h"
#include "util/stdout.h"

int aw_command_begin (void)
{
    if (aw_open_standard () < 0)
        return -1; /* nobody could read why */
    signal (SIGXFSZ, SIG_IGN); /* a file at its limit is an error like that of a full disk */
    signal (SIGCHLD, SIG_DFL); /* a caller may ignore it: then waitpid would not work */
    aw_stdout_check_at_exit (AW_EXIT_INPUT);
    return 0;
}

int aw_command_call (const struct aw_command *command, int argc, char **argv)
{
    static char name[64]; /* for messages up to the end of exit */
    static char help[] = "--help";

    snprintf (name, sizeof (name), "async-workflow %s", command->name);
    argv[1] = name; /* argp shows it in its messages */
    if (argc == 3 && strcmp (argv[2], "-h") == 0)
        argv[2] = help;
    program_invocation_name = name;
    return command->run (argc - 1, argv + 1);
}
