/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_args.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/slurm/srun_options.h"
#include "util/exit_status.h"
#include "util/packet.h"
#include "util/units.h"

enum {
    FIRST_KEY = 0x100, /* argp's key of option 0 */
    END_MARGIN = 5, /* seconds between the end of the run and that of the job */
};

static const char doc[] =
    "Run the workflow in FILE in this Slurm allocation, or with --local on this machine. "
    "srun's options come after \"--\": srun --async-workflow=FILE calls this command so. Outside "
    "an allocation, salloc makes one with them."
    "\vExit status: 0 all done; 1 a task failed; 2 the input is wrong; 3 stopped before the end; 4 "
    "the pool failed.";

static int store_choice (const struct aw_option_entry *option,
                         const char *what,
                         const char *text,
                         int *place,
                         struct aw_error *err)
{
    *place = aw_option_choice (option->choices, text);
    return *place >= 0 ? 0
                       : aw_error_set (err, "%s: unknown value \"%s\": give one of %s", what, text,
                                       option->choices);
}

static int store_path (const struct aw_option_entry *option,
                       const char *what,
                       const char *text,
                       const char **place,
                       struct aw_error *err)
{
    if (!*text)
        return aw_error_set (err, "%s: empty path: give a name", what);
    if (option->kind == AW_KIND_ABSOLUTE_PATH && *text != '/')
        return aw_error_set (err, "%s: \"%s\" is not an absolute path", what, text);
    *place = text;
    return 0;
}

static int store_count (const struct aw_option_entry *option,
                        const char *what,
                        const char *text,
                        uint32_t *place,
                        struct aw_error *err)
{
    char *end;
    long n;

    errno = 0;
    n = strtol (text, &end, 10);
    if (errno || end == text || *end || n < (long)option->least || n > AW_OPTION_MOST)
        return aw_error_set (err, "%s: \"%s\" is not a number from %.0f to %d", what, text,
                             option->least, AW_OPTION_MOST);
    *place = (uint32_t)n;
    return 0;
}

static int store_seconds (const struct aw_option_entry *option,
                          const char *what,
                          const char *text,
                          double *place,
                          struct aw_error *err)
{
    double seconds;

    if (aw_parse_seconds (text, &seconds) < 0)
        return aw_error_set (err, "%s: \"%s\" is not a time: give seconds, or \"1h30m\"", what,
                             text);
    if (seconds < option->least && (seconds > 0 || option->kind != AW_KIND_TIMEOUT))
        return aw_error_set (err, "%s: \"%s\" is too short: give %g s or more", what, text,
                             option->least);
    if (option->most > 0 && seconds > option->most)
        return aw_error_set (err, "%s: \"%s\" is too long: give %g s or less", what, text,
                             option->most);
    *place = seconds;
    return 0;
}

static int store_bytes (const char *what, const char *text, uint64_t *place, struct aw_error *err)
{
    if (aw_parse_bytes (text, place) < 0 || *place == 0)
        return aw_error_set (err, "%s: \"%s\" is not a size: give bytes, or \"200G\"", what, text);
    return 0;
}

/* Stores TEXT as the value of OPTION. WHAT names it in messages: "--mode", "ASYNC_WORKFLOW_MODE".
 * 0, or -1 with text.
 */
static int store (struct aw_run_settings *settings,
                  const struct aw_option_entry *option,
                  const char *what,
                  const char *text,
                  struct aw_error *err)
{
    void *place = (char *)settings + option->offset;

    switch (option->kind) {
    case AW_KIND_FLAG:
        *(bool *)place = true;
        return 0;
    case AW_KIND_PATH:
    case AW_KIND_ABSOLUTE_PATH:
        return store_path (option, what, text, place, err);
    case AW_KIND_CHOICE:
        return store_choice (option, what, text, place, err);
    case AW_KIND_COUNT:
        return store_count (option, what, text, place, err);
    case AW_KIND_SECONDS:
    case AW_KIND_TIMEOUT:
        return store_seconds (option, what, text, place, err);
    case AW_KIND_BYTES:
        return store_bytes (what, text, place, err);
    case AW_KIND_LIST:
        aw_strings_add (place, text);
        return ((struct aw_strings *)place)->failed ? aw_error_set (err, "out of memory") : 0;
    }
    return 0;
}

/* Stores the defaults, then the environment. 0, or -1 with text. */
static int store_defaults (struct aw_run_args *args, struct aw_error *err)
{
    const char *job;
    bool other = aw_packet_other_job (&job);

    args->value.time_limit = INFINITY;
    args->value.plan_time = NAN;
    for (int i = 0; i < AW_OPTION_COUNT; i++) {
        const struct aw_option_entry *option = &aw_option_table[i];
        const char *value = option->variable ? getenv (option->variable) : NULL;
        /* The scratch directory of a task is none for the jobs that it submits. */
        bool set = value && *value && !(other && i == AW_OPTION_SCRATCH);

        if (option->fallback
            && store (&args->value, option, option->name, option->fallback, err) < 0)
            return -1;
        if (set && store (&args->value, option, option->variable, value, err) < 0)
            return -1;
        if (i == AW_OPTION_MODE)
            args->mode_given = set;
    }
    return 0;
}

struct parse_state {
    struct aw_run_args *args;
    struct aw_error *err;
};

static error_t parse_one (int key, char *text, struct argp_state *state)
{
    struct parse_state *p = state->input;
    struct aw_run_args *args = p->args;
    int i = key == ARGP_KEY_ARG ? AW_OPTION_FILE : key - FIRST_KEY;
    char what[40] = "FILE";

    if (i < 0 || i >= AW_OPTION_COUNT)
        return ARGP_ERR_UNKNOWN;
    if (i == AW_OPTION_FILE && args->given[i]) {
        aw_error_set (p->err, "%s: a second file: give one workflow at a time", text);
        return EINVAL;
    }
    if (i != AW_OPTION_FILE)
        snprintf (what, sizeof (what), "--%s", aw_option_table[i].name);
    args->given[i] = text ? text : "";
    return store (&args->value, &aw_option_table[i], what, text, p->err) < 0 ? EINVAL : 0;
}

static char *describe_variables (const char *text)
{
    char *all = NULL;
    size_t size;
    FILE *out = open_memstream (&all, &size);

    if (!out)
        return NULL;
    fprintf (out, "Environment variables for the options of these names:");
    for (int i = 0; i < AW_OPTION_COUNT; i++)
        if (aw_option_table[i].variable)
            fprintf (out, " %s", aw_option_table[i].variable);
    fprintf (out, "\n\n%s", text);
    fclose (out);
    return all;
}

/* Adds what the table knows to the help of an option, and to the text after all of them. argp frees
 * what is not TEXT. */
static char *describe (int key, const char *text, void *input)
{
    const char *value;
    char *all = NULL;

    (void)input;
    if (key == ARGP_KEY_HELP_POST_DOC && text)
        all = describe_variables (text);
    else if (key >= FIRST_KEY && key < FIRST_KEY + AW_OPTION_COUNT && text) {
        value = aw_option_table[key - FIRST_KEY].fallback;
        if (!value)
            value = aw_option_table[key - FIRST_KEY].otherwise;
        if (!value || asprintf (&all, "%s [%s]", text, value) < 0)
            all = NULL;
    }
    return all ? all : (char *)text;
}

static bool is_ours (const char *word)
{
    size_t len = strcspn (word + 2, "=");

    if (strcmp (word, "--help") == 0 || strcmp (word, "--usage") == 0)
        return true;
    for (int i = 0; i < AW_OPTION_COUNT; i++)
        if (aw_option_table[i].name && strncmp (aw_option_table[i].name, word + 2, len) == 0)
            return true; /* or the beginning of one */
    return false;
}

/* Refuses srun's options before "--", which argp would only not know. 0, or -1 with text. */
static int check_order (int argc, char **argv, struct aw_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const struct aw_srun_option *option = aw_srun_option_of (word);

        if (option && option->class != AW_SRUN_REFUSED && (word[1] != '-' || !is_ours (word)))
            return aw_error_set (err,
                                 "run: %s is an option of srun: give it after \"--\": "
                                 "async-workflow run FILE -- %s",
                                 word, word);
    }
    return 0;
}

static int parse_line (struct aw_run_args *args, int argc, char **argv, struct aw_error *err)
{
    struct argp_option options[AW_OPTION_COUNT + 1] = { { 0 } };
    struct argp argp = {
        options, parse_one, "[FILE] [-- SRUN_OPTION...]", doc, NULL, describe, NULL
    };
    struct parse_state state = { args, err };
    int n = 0;

    for (int i = 0; i < AW_OPTION_COUNT; i++)
        if (aw_option_table[i].name)
            options[n++] = (struct argp_option){ .name = aw_option_table[i].name,
                                                 .key = FIRST_KEY + i,
                                                 .arg = aw_option_table[i].argument,
                                                 .doc = aw_option_table[i].help };
    err->text[0] = '\0';
    argp_err_exit_status = AW_EXIT_INPUT;
    if (argp_parse (&argp, argc, argv, 0, NULL, &state) == 0)
        return 0;
    return err->text[0] ? -1 : aw_error_set (err, "out of memory");
}

/* Refuses options that would have no effect. 0, or -1 with text. */
static int check_settings (const struct aw_run_args *args, struct aw_error *err)
{
    const struct {
        unsigned setting;
        bool applies;
        const char *name;
    } settings[] = {
        { AW_IN_LOCAL, args->value.local, "with --local" },
        { AW_IN_JOB | AW_IN_SALLOC, !args->value.local, "without --local" },
        { AW_IN_RESUME, args->value.resume != NULL, "with --resume" },
        { AW_IN_TEST, args->value.test_only, "with --test-only" },
        { AW_IN_NEW, args->value.resume == NULL, "without --resume" },
    };

    for (int i = 0; i < AW_OPTION_COUNT; i++)
        for (size_t s = 0; s < sizeof (settings) / sizeof (settings[0]); s++)
            if (args->given[i] && settings[s].applies
                && (aw_option_table[i].settings & settings[s].setting) != settings[s].setting)
                return aw_error_set (err, "--%s: has no effect %s: leave it out",
                                     aw_option_table[i].name, settings[s].name);
    return 0;
}

/* Rules about several options. 0, or -1 with text. */
static int check_together (const struct aw_run_args *args, struct aw_error *err)
{
    if (!args->value.file && !args->value.resume)
        return aw_error_set (err, "run: no workflow file given: async-workflow run FILE");
    if (args->value.file && strcmp (args->value.file, "-") == 0)
        return aw_error_set (err, "-: a run reads its workflow again, and cannot read standard "
                                  "input: write it to a file, or name a file - as ./-");
    if (args->value.local && args->from_srun)
        return aw_error_set (err, "--local: runs without Slurm: leave out \"--\" and what follows");
    if (args->value.resume && args->given[AW_OPTION_POLICY] && !args->policy_given)
        return aw_error_set (err, "--policy=auto: has no effect with --resume, which keeps the "
                                  "order: leave it out, or name an order");
    return 0;
}

int aw_run_args_parse (struct aw_run_args *args, int argc, char **argv, struct aw_error *err)
{
    int n = 1;

    memset (args, 0, sizeof (*args));
    args->sched = (struct aw_sched_config){ AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    while (n < argc && strcmp (argv[n], "--") != 0)
        n++;
    args->from_srun = n < argc;
    args->srun_options = args->from_srun ? argv + n + 1 : argv + argc;
    if (store_defaults (args, err) < 0 || check_order (n, argv, err) < 0
        || parse_line (args, n, argv, err) < 0)
        return -1;
    args->mode_given = args->mode_given || args->given[AW_OPTION_MODE];
    args->policy_given = args->value.policy > 0;
    args->sched.mode = (enum aw_mode)args->value.mode;
    if (args->policy_given)
        args->sched.policy = (enum aw_policy) (args->value.policy - 1); /* "auto" is before all */
    args->display = (enum aw_display_mode)args->value.progress;
    return check_settings (args, err) < 0 || check_together (args, err) < 0 ? -1 : 0;
}

void aw_run_args_finish (struct aw_run_args *args)
{
    aw_strings_finish (&args->value.parameters);
    aw_strings_finish (&args->value.durations);
}

static void add_each (struct aw_strings *line, const char *name, const struct aw_strings *values)
{
    for (size_t i = 0; i < values->n; i++)
        aw_strings_addf (line, "--%s=%s", name, values->v[i]);
}

void aw_run_args_line (const struct aw_run_args *args, struct aw_strings *line)
{
    for (int i = 0; i < AW_OPTION_COUNT; i++) {
        const struct aw_option_entry *option = &aw_option_table[i];

        if (!args->given[i])
            continue;
        if (!option->name)
            aw_strings_addf (line, "%s%s", args->given[i][0] == '-' ? "./" : "", args->given[i]);
        else if (option->kind == AW_KIND_FLAG)
            aw_strings_addf (line, "--%s", option->name);
        else if (option->kind == AW_KIND_LIST)
            add_each (line, option->name,
                      (const struct aw_strings *)((const char *)&args->value + option->offset));
        else
            aw_strings_addf (line, "--%s=%s", option->name, args->given[i]);
    }
}

double aw_run_grace (const struct aw_run_args *args)
{
    return fmin (args->value.grace, args->value.time_limit / 2);
}

double aw_run_end (const struct aw_run_args *args, double end_of_job)
{
    return end_of_job - args->value.grace - END_MARGIN;
}
