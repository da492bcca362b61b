/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

static int run (int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fprintf (stderr, "run\n");
    return AW_EXIT_OK;
}

const struct aw_command aw_command_run = { "run", "run a workflow in this allocation", run };
