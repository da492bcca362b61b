/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/status_task.h"

#include <argp.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/command.h"
#include "cmd/task_ids.h"

#define OF(member) offsetof (struct aw_status_line, member)

static const struct aw_argument options[] = {
    { "json", NULL, "print JSON, for programs", AW_VALUE_FLAG, .offset = OF (json) },
    { "task", NULL,
      "in a task: print what has become of submitted tasks, a word a line: running, "
      "success or failed",
      AW_VALUE_FLAG, .offset = OF (task) },
    { "long", NULL, "with --task: also the words waiting, cancelled and skipped", AW_VALUE_FLAG,
      .offset = OF (long_words) },
};

static void check (void *line, struct argp_state *state)
{
    const struct aw_status_line *a = line;

    if (a->task && !a->first)
        argp_error (state, "no id given");
    else if (!a->first)
        argp_error (state, "no run directory given");
    if (a->task && a->json)
        argp_error (state, "--task and --json: remove one of them");
    if (a->long_words && !a->task)
        argp_error (state, "--long without --task has no effect");
    if (!a->task && a->more.n > 0)
        argp_error (state, "\"%s\": a second run directory: give one", a->more.words[0]);
}

static const struct aw_arguments arguments = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .offset = OF (first),
    .more = OF (more),
    .words = "DIR\n--task ID...",
    .doc = "Show the progress of the run in run directory DIR, during the run or after its end.",
    .check = check,
};

void aw_status_line_parse (struct aw_status_line *line, int argc, char **argv)
{
    aw_arguments_parse (&arguments, argc, argv, line);
}

/* Workflow tools know three words: what has not ended is running. */
static const char *word (char state, bool long_words)
{
    switch (state) {
    case AW_WAITING:
    case AW_PENDING:
        return long_words ? "waiting" : "running";
    case AW_RUNNING:
        return "running";
    case AW_SUCCESS:
        return "success";
    case AW_CANCELLED:
        return long_words ? "cancelled" : "failed";
    case AW_SKIPPED:
        return long_words ? "skipped" : "failed";
    default:
        return "failed";
    }
}

static int print_states (const unsigned long long *ids, size_t n, char *states, bool long_words)
{
    struct aw_connection *aw = aw_open ();
    int code = AW_EXIT_OK;

    if (!aw || aw_states (aw, ids, n, states) < 0) {
        code = aw && errno == EINVAL ? AW_EXIT_INPUT : AW_EXIT_POOL;
        fprintf (stderr, "async-workflow status: %s\n", aw_error_text (aw));
    }
    else
        for (size_t i = 0; i < n; i++)
            puts (word (states[i], long_words));
    aw_close (aw);
    return code;
}

int aw_status_tasks (const struct aw_status_line *line)
{
    size_t n = (size_t)line->more.n + 1;
    unsigned long long *ids = aw_task_ids ("status", line->first, &line->more);
    char *states = malloc (n);
    int code = AW_EXIT_INPUT;

    if (ids && !states)
        fprintf (stderr, "async-workflow status: out of memory\n");
    else if (ids)
        code = print_states (ids, n, states, line->long_words);
    free (states);
    free (ids);
    return code;
}
