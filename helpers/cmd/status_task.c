/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/status_task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/command.h"
#include "cmd/task_ids.h"

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
    if (code == AW_EXIT_OK && fflush (stdout) != 0) {
        code = AW_EXIT_INPUT;
        fprintf (stderr, "async-workflow status: standard output: %s\n", strerror (errno));
    }
    aw_close (aw);
    return code;
}

int aw_status_tasks (const char *first, const struct aw_words *more, bool long_words)
{
    unsigned long long *ids = aw_task_ids ("status", first, more);
    char *states = malloc ((size_t)more->n + 1);
    int code = AW_EXIT_INPUT;

    if (ids && !states)
        fprintf (stderr, "async-workflow status: out of memory\n");
    else if (ids)
        code = print_states (ids, (size_t)more->n + 1, states, long_words);
    free (states);
    free (ids);
    return code;
}
