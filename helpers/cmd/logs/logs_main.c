/* SPDX-License-Identifier: Apache-2.0 */
/* logs D [TASK]...: prints what tasks have printed, from files or from the log store. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/logs/logs.h"
#include "io/journal/run_lock.h"

enum {
    BATCH = 4096, /* tasks that are searched for together */
    MOST_FOLLOWED = 1000,
};
static const struct timespec FOLLOW_PAUSE = { 0, 200000000 };

struct arguments {
    const char *dir;
    struct aw_words tasks;
    bool out, err, failed, follow, raw;
    uint32_t attempt; /* 0: the last; 1: the first */
};

#define OF(member) offsetof (struct arguments, member)

static const struct aw_argument options[] = {
    { "stdout", NULL, "print only standard output", AW_VALUE_FLAG, .offset = OF (out) },
    { "stderr", NULL, "print only standard error", AW_VALUE_FLAG, .offset = OF (err) },
    { "failed", NULL, "print only tasks that failed", AW_VALUE_FLAG, .offset = OF (failed) },
    { "attempt", "N", "print attempt N; 1 is the first [the last]", AW_VALUE_COUNT,
      .offset = OF (attempt), .min = 1, .max = 1e6 },
    { "follow", NULL, "print what comes until the tasks or the run have ended", AW_VALUE_FLAG,
      .offset = OF (follow), .letter = 'f' },
    { "raw", NULL, "on a terminal, too, print all bytes as they are", AW_VALUE_FLAG,
      .offset = OF (raw) },
};

static void check (void *arguments, struct argp_state *state)
{
    const struct arguments *args = arguments;

    if (args->out && args->err)
        argp_error (state, "--stdout and --stderr: give one, or none for both");
    if (args->follow && args->failed)
        argp_error (state, "--follow and --failed: a failed task prints nothing more: give one");
}

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "DIR [TASK...]",
    .doc = "Print the output of tasks of the run in run directory DIR: of each TASK (\"simulate\", "
           "\"simulate@2\", \"simulate[17]\" or \"align[sample=a]\"), or of all."
           "\vBytes are printed as they are; on a terminal control characters are shown, as by "
           "cat -v. Of several tasks each has a header, as by tail. "
           "Exit status: 0 done; 1 some output is damaged; 2 the input is wrong.",
    .offset = OF (dir),
    .missing = "no run directory given",
    .more = OF (tasks),
    .check = check,
};

static void complain (const char *what, const char *text)
{
    fprintf (stderr, "async-workflow logs: %s%s%s\n", what ? what : "", what ? ": " : "", text);
}

/* Prints N tasks. LIVE: the run goes on. FOUND: counts those that have begun. */
static int print_tasks (struct aw_logs_run *run,
                        struct aw_logs_task *tasks,
                        size_t n,
                        struct aw_logs_printer *printer,
                        bool live,
                        size_t *found)
{
    struct aw_error err;
    int code = AW_EXIT_OK;

    if (aw_logs_find (run, tasks, n, &err) < 0) {
        complain (NULL, err.text);
        return AW_EXIT_TASK_FAILED;
    }
    for (size_t i = 0; i < n && !printer->error; i++) {
        struct aw_logs_task *task = &tasks[i];

        *found += task->known;
        if (aw_logs_task_print (run, task, printer, &err) < 0 && err.text[0]) {
            (void)aw_logs_flush (printer);
            complain (task->place.name, err.text);
            code = AW_EXIT_TASK_FAILED;
        }
        else if (task->place.found && !task->place.whole && !live) {
            (void)aw_logs_flush (printer);
            complain (task->place.name, "not complete: the agent was killed, or could not write");
        }
    }
    (void)aw_logs_flush (printer);
    return code;
}

/* Why nothing of the tasks was found: the journal knows whether they have begun. */
static const char *why_none (struct aw_logs_run *run,
                             const struct arguments *args,
                             const struct aw_logs_tasks *ids)
{
    struct aw_problems problems;
    bool begun = false;

    if (args->attempt)
        return "there is no such attempt";
    aw_problems_init (&problems);
    if (run->loaded || aw_logs_run_load (run, &problems) == 0)
        for (size_t i = 0; i < ids->n; i++)
            begun = begun || aw_history_last (&run->report.history, ids->ids[i]);
    aw_problems_finish (&problems);
    return begun ? "its output is missing: its log was removed or damaged" : "it has not begun";
}

static int print_all (struct aw_logs_run *run,
                      const struct arguments *args,
                      const struct aw_logs_tasks *ids,
                      struct aw_logs_printer *printer)
{
    struct aw_logs_task *tasks = calloc (BATCH, sizeof (*tasks));
    bool live = aw_run_lock_is_held (run->report.dir);
    int code = tasks ? AW_EXIT_OK : AW_EXIT_INPUT;
    size_t found = 0, at = 0;

    if (code != AW_EXIT_OK)
        complain (NULL, "out of memory");
    while (tasks && at < ids->n && !printer->error) {
        size_t n = 0;
        int rc;

        for (; n < BATCH && at < ids->n; n++, at++)
            aw_logs_task_init (&tasks[n], run, ids->ids[at],
                               args->attempt ? args->attempt - 1 : AW_LOG_LAST);
        rc = print_tasks (run, tasks, n, printer, live, &found);
        code = rc != AW_EXIT_OK ? rc : code;
    }
    if (code == AW_EXIT_OK && args->tasks.n > 0 && !args->failed && found == 0) {
        complain (args->tasks.words[0], why_none (run, args, ids));
        code = AW_EXIT_INPUT;
    }
    free (tasks);
    return code;
}

/*
 * Following
 */

static int note_event (void *arg,
                       const struct aw_report *report,
                       const struct aw_event *ev,
                       struct aw_error *err)
{
    bool *grown = arg;

    *grown = true;
    if (ev->type != AW_EVENT_RESUME)
        return 0;
    return aw_error_set (err, "%s: the run was resumed: give the command again", report->dir);
}

/* Has a task begun whose log was not there yet? */
static bool misses_any (const struct aw_logs_task *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tasks[i].known && aw_logs_task_is_stored (&tasks[i]) && !tasks[i].place.found)
            return true;
    return false;
}

/* Takes what the journal has got since, and looks for new logs then, and while one of the N tasks
 * misses its log. 0, or -1 with problems.
 */
static int refresh (struct aw_logs_run *run,
                    const struct aw_logs_task *tasks,
                    size_t n,
                    struct aw_problems *problems)
{
    struct aw_error err;
    bool grown = false;
    int rc = aw_report_refresh (&run->report, note_event, &grown, &err);

    if (rc == 0 && (grown || misses_any (tasks, n)))
        rc = aw_logs_run_look_again (run, &err);
    if (rc < 0)
        aw_problems_add (problems, false, "%s", err.text);
    return rc;
}

static bool all_ended (const struct aw_logs_run *run, const struct aw_logs_tasks *ids)
{
    if (!run->report.live)
        return true;
    for (size_t i = 0; i < ids->n; i++) {
        enum aw_history_task state = aw_history_state (&run->report.history, ids->ids[i]);

        if (state == AW_HISTORY_UNSTARTED || state == AW_HISTORY_RUNNING)
            return false;
    }
    return true;
}

/* The attempt to begin with: what earlier ones printed is asked for by number. */
static uint32_t present_attempt (const struct aw_logs_run *run, uint32_t id)
{
    const struct aw_attempt *last = aw_history_last (&run->report.history, id);

    return last ? last->attempt : 0;
}

/* Passes from each attempt that has a successor to the next. All that the attempt printed was there
 * when the journal, as it was read last, told of the successor. Are there any?
 */
static bool go_on (const struct aw_logs_run *run, struct aw_logs_task *tasks, size_t n)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        uint32_t wanted = tasks[i].place.wanted;

        if (wanted >= present_attempt (run, tasks[i].id))
            continue;
        aw_logs_task_init (&tasks[i], run, tasks[i].id, wanted + 1);
        any = true;
    }
    return any;
}

/* What is printed last was there when the journal said that all has ended. */
static int follow_tasks (struct aw_logs_run *run,
                         struct aw_logs_task *tasks,
                         const struct aw_logs_tasks *ids,
                         bool retries,
                         struct aw_logs_printer *printer,
                         struct aw_problems *problems)
{
    bool ended = false;
    size_t found = 0;
    int code = AW_EXIT_OK;

    while (!ended && code == AW_EXIT_OK && !printer->error) {
        if (refresh (run, tasks, ids->n, problems) < 0)
            return AW_EXIT_INPUT;
        ended = all_ended (run, ids);
        code = print_tasks (run, tasks, ids->n, printer, !ended || run->report.live, &found);
        if (retries && go_on (run, tasks, ids->n))
            ended = false;
        else if (!ended)
            nanosleep (&FOLLOW_PAUSE, NULL);
    }
    return code;
}

static int follow (struct aw_logs_run *run,
                   const struct arguments *args,
                   const struct aw_logs_tasks *ids,
                   struct aw_logs_printer *printer,
                   struct aw_problems *problems)
{
    struct aw_logs_task *tasks = calloc (ids->n + 1, sizeof (*tasks));
    int code = AW_EXIT_INPUT;

    if (ids->n > MOST_FOLLOWED)
        aw_problems_add (problems, false, "--follow: %zu tasks are too many: give at most %d",
                         ids->n, MOST_FOLLOWED);
    else if (!tasks)
        aw_problems_add (problems, false, "out of memory");
    else {
        for (size_t i = 0; i < ids->n; i++)
            aw_logs_task_init (&tasks[i], run, ids->ids[i],
                               args->attempt ? args->attempt - 1
                                             : present_attempt (run, ids->ids[i]));
        code = follow_tasks (run, tasks, ids, args->attempt == 0, printer, problems);
    }
    free (tasks);
    return code;
}

static int print (struct aw_logs_run *run,
                  const struct arguments *args,
                  struct aw_problems *problems)
{
    struct aw_logs_printer printer = {
        .plain = isatty (STDOUT_FILENO) && !args->raw,
        .streams = { !args->err, !args->out },
    };
    struct aw_logs_tasks ids = { 0 };
    int code = AW_EXIT_INPUT;

    if (aw_logs_select (run, &args->tasks, args->failed, &ids, problems) == 0) {
        printer.headers = ids.n > 1;
        code = args->follow ? follow (run, args, &ids, &printer, problems)
                            : print_all (run, args, &ids, &printer);
    }
    free (ids.ids);
    aw_logs_printer_finish (&printer);
    if (!printer.error)
        return code;
    complain ("standard output", strerror (printer.error));
    return AW_EXIT_INPUT;
}

static int run_logs (int argc, char **argv)
{
    struct arguments args = { 0 };
    struct aw_problems problems;
    struct aw_logs_run run;
    int code = AW_EXIT_INPUT;

    aw_arguments_parse (&line, argc, argv, &args);
    aw_problems_init (&problems);
    if (aw_logs_run_open (&run, args.dir, args.failed || args.follow, &problems) == 0)
        code = print (&run, &args, &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    aw_logs_run_finish (&run);
    return code;
}

const struct aw_command aw_command_logs = { "logs", "print the output of tasks", run_logs };
