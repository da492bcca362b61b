/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/watch/watch.h"

#include <argp.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/command.h"

struct arguments {
    const char *dir;
    bool all;
};

static void check (void *arguments, struct argp_state *state);

static const struct aw_argument options[] = {
    { "all", NULL, "the runs in the working directory and in your running jobs, a line each",
      AW_VALUE_FLAG, .offset = offsetof (struct arguments, all), .letter = 'a' },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "[DIR]",
    .doc = "Watch the run in run directory DIR, during the run or after its end. Without DIR: all "
           "runs in the working directory and in your running jobs."
           "\vOn a terminal: arrow keys to move, Enter to see why the selected task or set waits "
           "or failed, q to quit; the last line names the other keys. Elsewhere a line now and "
           "then, until the run ends.",
    .offset = offsetof (struct arguments, dir),
    .second = "run directory: give one",
    .check = check,
};

static void check (void *arguments, struct argp_state *state)
{
    const struct arguments *args = arguments;

    if (args->dir && args->all)
        argp_error (state, "--all: takes no run directory");
}

static int watch_one (const char *dir)
{
    struct aw_watch watch = { 0 };
    struct aw_problems problems;
    struct aw_screen screen;
    int code = AW_EXIT_INPUT;

    aw_problems_init (&problems);
    if (aw_watch_open (&watch, dir, &problems) < 0)
        aw_problems_print (&problems, stderr);
    else if (!aw_screen_possible ())
        code = aw_watch_plain (&watch);
    else if (aw_screen_open (&screen) < 0)
        fprintf (stderr, "async-workflow: the terminal: %s\n", strerror (errno));
    else {
        aw_watch_run (&watch, &screen);
        aw_screen_close (&screen);
        code = AW_EXIT_OK;
    }
    aw_watch_close (&watch);
    aw_problems_finish (&problems);
    return code;
}

static int run (int argc, char **argv)
{
    struct arguments args = { 0 };

    aw_arguments_parse (&line, argc, argv, &args);
    return args.dir ? watch_one (args.dir) : aw_watch_list ();
}

const struct aw_command aw_command_watch = {
    .name = "watch",
    .summary = "follow a run on the terminal",
    .run = run,
};
