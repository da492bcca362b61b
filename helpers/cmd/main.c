/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow-main: finds the subcommand and calls it. Each one has a file of its own. */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/command.h"
#include "config.h"
#include "util/suggest.h"

static const struct aw_command *const commands[] = {
    &aw_command_check,  &aw_command_model,  &aw_command_advise, &aw_command_import,
    &aw_command_run,    &aw_command_status, &aw_command_report, &aw_command_explain,
    &aw_command_watch,  &aw_command_logs,   &aw_command_send,   &aw_command_recv,
    &aw_command_add,    &aw_command_cancel, &aw_command_submit, &aw_command_wait,
    &aw_command_replan,
    /* End of commands */
};

enum { N_COMMANDS = sizeof (commands) / sizeof (commands[0]) };

static void usage (FILE *out)
{
    fprintf (out, "Usage: async-workflow COMMAND [OPTION]... [ARGUMENT]...\n"
                  "Run workflows of dependent tasks in one Slurm allocation.\n\n"
                  "Commands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (commands[i]->summary)
            fprintf (out, "  %-8s  %s\n", commands[i]->name, commands[i]->summary);
    fprintf (out, "\nFor the options of a command: async-workflow COMMAND --help\n"
                  "To run a workflow from srun: srun --async-workflow=FILE [SRUN_OPTION]...\n");
}

static const struct aw_command *find (const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp (commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown (const char *name)
{
    const char *names[N_COMMANDS], *near;
    size_t n = 0;

    if (*name == '-') {
        fprintf (stderr,
                 "async-workflow: %s: the command comes before its options: async-workflow COMMAND "
                 "[OPTION]...\n",
                 name);
        return AW_EXIT_INPUT;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (commands[i]->summary)
            names[n++] = commands[i]->name;
    near = aw_suggest (name, names, n);
    fprintf (stderr, "async-workflow: unknown command \"%s\": ", name);
    if (access (name, F_OK) == 0)
        fprintf (stderr, "it is a file: to run it write \"async-workflow run FILE\"\n");
    else if (near)
        fprintf (stderr, "did you mean \"%s\"?\n", near);
    else
        fprintf (stderr, "try \"async-workflow --help\"\n");
    return AW_EXIT_INPUT;
}

int main (int argc, char **argv)
{
    const struct aw_command *command;

    prctl (PR_SET_NAME, "async-workflow"); /* as users and ps know it */
    if (aw_command_begin () < 0)
        return AW_EXIT_INPUT;
    setlocale (LC_ALL, "");
    setlocale (LC_NUMERIC, "C"); /* numbers in files and reports are the same everywhere */
    if (argc < 2) {
        usage (stderr);
        return AW_EXIT_INPUT;
    }
    if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0
        || strcmp (argv[1], "help") == 0) {
        usage (stdout);
        return AW_EXIT_OK;
    }
    if (strcmp (argv[1], "--version") == 0 || strcmp (argv[1], "-V") == 0) {
        printf ("async-workflow %s\n", PACKAGE_VERSION);
        return AW_EXIT_OK;
    }
    command = find (argv[1]);
    return command ? aw_command_call (command, argc, argv) : unknown (argv[1]);
}
