/* SPDX-License-Identifier: Apache-2.0 */
/* cancel TASKS: asks the pool, in a task, to cancel tasks of the workflow. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "client/async-workflow.h"
#include "cmd/command.h"

enum { KEY_RELEASE = 256 };

struct arguments {
    const char *tasks;
    bool release;
};

static const struct argp_option options[] = {
    { "release", KEY_RELEASE, NULL, 0, "start what depends on the tasks, as if they had succeeded",
      0 },
    { 0 },
};

static error_t parse (int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_RELEASE:
        a->release = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->tasks)
            argp_error (state, "unexpected argument \"%s\"", value);
        a->tasks = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->tasks)
            argp_error (state, "no tasks given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "TASKS",
    "In a task: cancel TASKS of the workflow: \"simulate\" (a set, in all iterations), "
    "\"simulate@2\", \"simulate[17]\" or \"simulate@2[17]\"."
    "\vRunning tasks are ended. Waiting tasks do not start, and neither do their successors. A "
    "cancelled task is not a failure. The command returns when the journal has the cancellation. "
    "Exit status: 0 done; 2 no such tasks; 4 no pool.",
    NULL,
    NULL,
    NULL,
};

static int run (int argc, char **argv)
{
    struct arguments a = { 0 };
    struct aw_connection *aw;
    int code = AW_EXIT_OK;

    argp_err_exit_status = AW_EXIT_INPUT;
    if (argp_parse (&argp, argc, argv, 0, NULL, &a) != 0)
        return AW_EXIT_INPUT;
    aw = aw_open ();
    if (!aw || aw_cancel (aw, a.tasks, a.release ? AW_RELEASE : 0, -1) < 0) {
        code = aw && (errno == EINVAL || errno == EMSGSIZE) ? AW_EXIT_INPUT : AW_EXIT_POOL;
        fprintf (stderr, "async-workflow cancel: %s\n", aw_error_text (aw));
    }
    aw_close (aw);
    return code;
}

const struct aw_command aw_command_cancel = { "cancel", "in a task: cancel tasks", run };
