/* SPDX-License-Identifier: Apache-2.0 */
/* cancel TASKS: asks the pool, in a task, to cancel tasks of the workflow. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/async-workflow.h"
#include "cmd/arguments.h"
#include "cmd/command.h"

struct arguments {
    const char *tasks;
    struct aw_words more;
    bool release;
};

static const struct aw_argument options[] = {
    { "release", NULL, "start what depends on the tasks, as if they had succeeded", AW_VALUE_FLAG,
      .offset = offsetof (struct arguments, release) },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "TASKS...",
    .doc =
        "In a task: cancel TASKS of the workflow: \"simulate\" (a set, in all iterations), "
        "\"simulate@2\", \"simulate[17]\" or \"simulate@2[17]\"; by the values of variables: "
        "\"align[sample=a]\"; or a submitted task by its id."
        "\vRunning tasks are ended. Waiting tasks do not start, and neither do their successors. A "
        "cancelled task is not a failure. The command returns when the journal has the "
        "cancellation. "
        "Exit status: 0 done; 2 no such tasks; 4 no pool.",
    .offset = offsetof (struct arguments, tasks),
    .more = offsetof (struct arguments, more),
    .missing = "no tasks given",
};

static int run (int argc, char **argv)
{
    struct arguments a = { 0 };
    struct aw_connection *aw;
    int code = AW_EXIT_OK;

    aw_arguments_parse (&line, argc, argv, &a);
    aw = aw_open ();
    for (int i = 0; i <= a.more.n && code != AW_EXIT_POOL; i++) {
        const char *tasks = i ? a.more.words[i - 1] : a.tasks;

        if (aw && aw_cancel (aw, tasks, a.release ? AW_RELEASE : 0, -1) == 0)
            continue;
        code = aw && (errno == EINVAL || errno == EMSGSIZE) ? AW_EXIT_INPUT : AW_EXIT_POOL;
        fprintf (stderr, "async-workflow cancel: %s\n", aw_error_text (aw));
    }
    aw_close (aw);
    return code;
}

const struct aw_command aw_command_cancel = { "cancel", "in a task: cancel tasks", run };
