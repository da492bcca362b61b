/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_logs.h"
#include "io/workflow/shell_quote.h"

#include <stdio.h>
#include <string.h>

enum { MOST_TASKS_WITH_FILES = 1000 };

static const char *name_of (bool store)
{
    return store ? AW_LOGS_STORE_NAME : AW_LOGS_FILES_NAME;
}

/* The choice that was made at the run's start. */
static bool kept (const struct aw_workflow *workflow, const struct aw_run_resume *resume)
{
    const char *logs = resume->header.logs;
    bool store = logs && strcmp (logs, AW_LOGS_STORE_NAME) == 0;

    if (workflow->logs != AW_LOGS_AUTO && store != (workflow->logs == AW_LOGS_STORE))
        fprintf (stderr,
                 "async-workflow: \"logs\" stays \"%s\" as it was at the start of the run\n",
                 name_of (store));
    return store;
}

bool aw_run_logs_store (const struct aw_run_args *args,
                        const struct aw_workflow *workflow,
                        const struct aw_run_resume *resume,
                        const char *run_dir)
{
    enum aw_logs logs = args->value.logs ? (enum aw_logs)args->value.logs : workflow->logs;
    struct aw_textbuf dir = { 0 };

    if (resume && resume->begun)
        return kept (workflow, resume);
    if (logs != AW_LOGS_AUTO)
        return logs == AW_LOGS_STORE;
    if (workflow->graph->n_tasks <= MOST_TASKS_WITH_FILES)
        return false;
    aw_shell_quote_shown (&dir, run_dir);
    fprintf (stderr,
             "async-workflow: %u tasks share their log files: async-workflow logs %.*s TASK prints "
             "one (a file per task: \"logs\": \"files\")\n",
             workflow->graph->n_tasks, (int)dir.len, dir.data ? dir.data : "");
    aw_textbuf_finish (&dir);
    return true;
}
