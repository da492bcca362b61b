/* SPDX-License-Identifier: Apache-2.0 */
/* wait ID...: waits, in a task, until submitted tasks have ended. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/async-workflow.h"
#include "cmd/arguments.h"
#include "cmd/command.h"
#include "cmd/task_ids.h"

struct arguments {
    const char *first;
    struct aw_words more;
    double timeout;
};

#define OF(member) .offset = offsetof (struct arguments, member)

static const struct aw_argument options[] = {
    { "timeout", "TIME", "give up after this time, with exit status 3", AW_VALUE_TIME, OF (timeout),
      .example = "30 or 10m" },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "ID...",
    .doc = "In a task: wait until the submitted tasks ID have ended, however they end."
           "\vExit status: 0 all have succeeded; 1 one has failed or was cancelled; 2 there is no "
           "such task; 3 timed out; 4 no pool.",
    .offset = offsetof (struct arguments, first),
    .more = offsetof (struct arguments, more),
    .missing = "no id given",
};

static int wait_for (const struct arguments *a, const unsigned long long *ids)
{
    struct aw_connection *aw = aw_open ();
    int failed = aw ? aw_wait (aw, ids, (size_t)a->more.n + 1, a->timeout, NULL) : -1;
    int code = failed > 0 ? AW_EXIT_TASK_FAILED : AW_EXIT_OK;

    if (failed < 0) {
        code = aw && errno == EINVAL      ? AW_EXIT_INPUT
               : aw && errno == ETIMEDOUT ? AW_EXIT_STOPPED
                                          : AW_EXIT_POOL;
        fprintf (stderr, "async-workflow wait: %s\n", aw_error_text (aw));
    }
    aw_close (aw);
    return code;
}

static int run (int argc, char **argv)
{
    struct arguments a = { .timeout = -1 };
    unsigned long long *ids;
    int code = AW_EXIT_INPUT;

    aw_arguments_parse (&line, argc, argv, &a);
    ids = aw_task_ids ("wait", a.first, &a.more);
    if (ids)
        code = wait_for (&a, ids);
    free (ids);
    return code;
}

const struct aw_command aw_command_wait = { "wait", "in a task: wait for submitted tasks", run };
