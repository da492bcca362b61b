/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_args.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "coord/steps/exec_steps.h"
#include "util/suggest.h"
#include "util/units.h"

enum {
    KEY_LOCAL = 0x100,
    KEY_TEST_ONLY,
    KEY_DIR,
    KEY_RESUME,
    KEY_MODE,
    KEY_POLICY,
    KEY_PROGRESS,
    KEY_GRACE,
    KEY_NODE_TIMEOUT,
    KEY_TIME_LIMIT,
    KEY_MAX_STEPS,
    KEY_SCRATCH,
    KEY_SCRATCH_SIZE,
    KEY_STREAMS,
    KEY_DURABILITY,
    KEY_CPUS,
    KEY_GPUS
};

static const struct argp_option options[] = {
    { "local", KEY_LOCAL, NULL, 0, "Run on this machine alone, without Slurm", 0 },
    { "cpus", KEY_CPUS, "N", 0, "With --local: use N CPUs [those this process may use]", 0 },
    { "gpus", KEY_GPUS, "N", 0, "With --local: GPUs 0 to N-1 are there [0]", 0 },
    { "dir", KEY_DIR, "D", 0, "Make run directory D [NAME-JOBID]; it must not be there yet", 0 },
    { "mode", KEY_MODE, "MODE", 0,
      "async: a task starts when its own predecessors are done [default]; sequential: stage after "
      "stage",
      0 },
    { "policy", KEY_POLICY, "POLICY", 0,
      "auto: what the model finds best for this workflow and allocation [default]; longest-path: "
      "longest remaining "
      "path first; fifo: by time ready; waves, gpus-first, widest: see the manual",
      0 },
    { "progress", KEY_PROGRESS, "HOW", 0,
      "auto: a live display on a terminal, else a line now and then [default]; tty; plain; none",
      0 },
    { "grace", KEY_GRACE, "TIME", 0,
      "When stopped, give tasks so long between SIGTERM and SIGKILL [5s]", 0 },
    { "time-limit", KEY_TIME_LIMIT, "TIME", 0,
      "End within so long, as if the job did: start nothing that could not end by then [the job's "
      "time limit]",
      0 },
    { "node-timeout", KEY_NODE_TIMEOUT, "TIME", 0,
      "Take a node for lost when nothing is heard of it for so long; 0: never [60s]", 0 },
    { "max-steps", KEY_MAX_STEPS, "N", 0,
      "So many sruns at once for tasks that are a job step of their own [16]", 0 },
    { "scratch", KEY_SCRATCH, "D", 0,
      "Directory of each node in which the nodes' scratch directories are made [SLURM_TMPDIR, else "
      "TMPDIR, else /tmp]",
      0 },
    { "scratch-size", KEY_SCRATCH_SIZE, "SIZE", 0,
      "Staged data may take so much of it on each node [nine tenths of what is free]", 0 },
    { "stage-streams", KEY_STREAMS, "N", 0, "Copy N things at a time to and from each node [4]",
      0 },
    { "durability", KEY_DURABILITY, "LEVEL", 0,
      "What a completion survives before its successors start. process: the end of srun "
      "[default]; node: the loss of its node, at the cost of a disk access",
      0 },
    { "test-only", KEY_TEST_ONLY, NULL, 0,
      "Check FILE and print what the model predicts; run nothing", 0 },
    { "resume", KEY_RESUME, "D", 0,
      "Go on with the run in run directory D, whatever ended it: what is done stays done. FILE is "
      "needed only where the workflow has changed",
      0 },
    { 0 },
};

static const char doc[] =
    "Run the workflow in FILE: in this Slurm allocation, or with "
    "--local on this machine. "
    "After \"--\" stand srun's options, as srun --async-workflow=FILE passes them on; with it, and "
    "outside an allocation, "
    "one is made by salloc."
    "\vEnvironment: ASYNC_WORKFLOW_MODE, ASYNC_WORKFLOW_POLICY, ASYNC_WORKFLOW_DIR, "
    "ASYNC_WORKFLOW_PROGRESS, "
    "ASYNC_WORKFLOW_GRACE, ASYNC_WORKFLOW_NODE_TIMEOUT, ASYNC_WORKFLOW_MAX_STEPS, "
    "ASYNC_WORKFLOW_TIME_LIMIT, ASYNC_WORKFLOW_SCRATCH, ASYNC_WORKFLOW_SCRATCH_SIZE, "
    "ASYNC_WORKFLOW_STAGE_STREAMS and ASYNC_WORKFLOW_DURABILITY stand for the options of these "
    "names.\n\n"
    "Exit status: 0 all done; 1 a task failed; 2 the input is wrong; 3 stopped before the end; 4 "
    "the pool failed.";

/* Names of a setting's values, for the message about a wrong one. */
static int wrong_value (struct aw_error *err,
                        const char *what,
                        const char *value,
                        const char *known)
{
    return aw_error_set (err, "%s: \"%s\" is not known: give one of %s", what, value, known);
}

static int set_progress (struct aw_run_args *args, const char *value)
{
    static const char *const names[] = { "auto", "tty", "plain", "none" };
    static const enum aw_display_mode modes[] = { AW_DISPLAY_AUTO, AW_DISPLAY_TTY, AW_DISPLAY_PLAIN,
                                                  AW_DISPLAY_NONE };

    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++) {
        if (strcmp (names[i], value) == 0) {
            args->display = modes[i];
            return 0;
        }
    }
    return -1;
}

static int set_number (const char *what, const char *value, uint32_t *number, struct aw_error *err)
{
    char *end;
    long n;

    errno = 0;
    n = strtol (value, &end, 10);
    if (errno || end == value || *end || n < 0 || n > 4096)
        return aw_error_set (err, "%s: \"%s\" is not a number between 0 and 4096", what, value);
    *number = (uint32_t)n;
    return 0;
}

/* One setting by its key; WHAT names it in messages: "--mode" or "ASYNC_WORKFLOW_MODE". */
static int set (
    struct aw_run_args *args, int key, const char *what, const char *value, struct aw_error *err)
{
    int found;

    switch (key) {
    case KEY_MODE:
        found = aw_mode_parse (value);
        if (found < 0)
            return wrong_value (err, what, value, "async, sequential");
        args->sched.mode = (enum aw_mode)found;
        args->mode_given = true;
        return 0;
    case KEY_POLICY:
        found = aw_policy_parse (value);
        if (found < 0 && strcmp (value, "auto") != 0)
            return wrong_value (err, what, value,
                                "auto, longest-path, fifo, waves, gpus-first, widest");
        args->sched.policy = found < 0 ? AW_POLICY_LONGEST_PATH : (enum aw_policy)found;
        args->policy_given = found >= 0;
        return 0;
    case KEY_PROGRESS:
        return set_progress (args, value) < 0
                   ? wrong_value (err, what, value, "auto, tty, plain, none")
                   : 0;
    case KEY_GRACE:
        if (aw_parse_seconds (value, &args->grace) < 0)
            return aw_error_set (err, "%s: \"%s\" is not a time: give seconds or \"1m30s\"", what,
                                 value);
        return 0;
    case KEY_MAX_STEPS:
        if (set_number (what, value, &args->max_steps, err) < 0)
            return -1;
        return args->max_steps > 0 ? 0 : aw_error_set (err, "%s: give 1 or more", what);
    case KEY_NODE_TIMEOUT:
        if (aw_parse_seconds (value, &args->node_timeout) < 0)
            return aw_error_set (err, "%s: \"%s\" is not a time: give seconds or \"1m30s\"", what,
                                 value);
        if (args->node_timeout > 0 && args->node_timeout < 3)
            return aw_error_set (err, "%s: %s is too short for a node to answer: give 3s or more",
                                 what, value);
        return 0;
    case KEY_TIME_LIMIT:
        if (aw_parse_seconds (value, &args->time_limit) < 0 || !(args->time_limit > 0))
            return aw_error_set (err, "%s: \"%s\" is not a time above 0: give seconds or \"1h30m\"",
                                 what, value);
        return 0;
    case KEY_SCRATCH:
        if (value[0] != '/')
            return aw_error_set (err, "%s: \"%s\" is not an absolute path", what, value);
        args->scratch = value;
        return 0;
    case KEY_SCRATCH_SIZE:
        if (aw_parse_bytes (value, &args->scratch_size) < 0 || args->scratch_size == 0)
            return aw_error_set (err, "%s: \"%s\" is not a size: give bytes or \"200G\"", what,
                                 value);
        return 0;
    case KEY_STREAMS:
        if (set_number (what, value, &args->streams, err) < 0)
            return -1;
        return args->streams > 0 ? 0 : aw_error_set (err, "%s: give 1 or more", what);
    case KEY_DURABILITY:
        args->durability = strcmp (value, "node") == 0 ? AW_DURABILITY_NODE : AW_DURABILITY_PROCESS;
        return args->durability == AW_DURABILITY_NODE || strcmp (value, "process") == 0
                   ? 0
                   : wrong_value (err, what, value, "process, node");
    case KEY_DIR:
        if (!*value)
            return aw_error_set (err, "%s: the name of the run directory is empty", what);
        args->dir = value;
        return 0;
    }
    return 0;
}

struct parse_state {
    struct aw_run_args *args;
    struct aw_error *err;
};

static const char *option_name (int key)
{
    static char name[32];

    for (const struct argp_option *o = options; o->name; o++)
        if (o->key == key)
            snprintf (name, sizeof (name), "--%s", o->name);
    return name;
}

static error_t parse_one (int key, char *value, struct argp_state *state)
{
    struct parse_state *p = state->input;
    struct aw_run_args *args = p->args;
    int rc = 0;

    switch (key) {
    case KEY_LOCAL:
        args->local = true;
        break;
    case KEY_TEST_ONLY:
        args->test_only = true;
        break;
    case KEY_CPUS:
        rc = set_number ("--cpus", value, &args->cpus, p->err);
        break;
    case KEY_GPUS:
        rc = set_number ("--gpus", value, &args->gpus, p->err);
        break;
    case KEY_RESUME:
        if (!*value)
            rc = aw_error_set (p->err, "--resume: the name of the run directory is empty");
        args->resume = value;
        break;
    case KEY_MODE:
    case KEY_POLICY:
    case KEY_PROGRESS:
    case KEY_GRACE:
    case KEY_NODE_TIMEOUT:
    case KEY_TIME_LIMIT:
    case KEY_MAX_STEPS:
    case KEY_SCRATCH:
    case KEY_SCRATCH_SIZE:
    case KEY_STREAMS:
    case KEY_DURABILITY:
    case KEY_DIR:
        rc = set (args, key, option_name (key), value, p->err);
        break;
    case ARGP_KEY_ARG:
        if (args->file)
            rc = aw_error_set (p->err, "%s: a second file: give one workflow at a time", value);
        args->file = value;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return rc < 0 ? EINVAL : 0;
}

static int parse_environment (struct aw_run_args *args, struct aw_error *err)
{
    static const struct {
        const char *name;
        int key;
    } variables[] = {
        { "ASYNC_WORKFLOW_MODE", KEY_MODE },
        { "ASYNC_WORKFLOW_POLICY", KEY_POLICY },
        { "ASYNC_WORKFLOW_DIR", KEY_DIR },
        { "ASYNC_WORKFLOW_PROGRESS", KEY_PROGRESS },
        { "ASYNC_WORKFLOW_GRACE", KEY_GRACE },
        { "ASYNC_WORKFLOW_NODE_TIMEOUT", KEY_NODE_TIMEOUT },
        { "ASYNC_WORKFLOW_TIME_LIMIT", KEY_TIME_LIMIT },
        { "ASYNC_WORKFLOW_MAX_STEPS", KEY_MAX_STEPS },
        { "ASYNC_WORKFLOW_SCRATCH", KEY_SCRATCH },
        { "ASYNC_WORKFLOW_SCRATCH_SIZE", KEY_SCRATCH_SIZE },
        { "ASYNC_WORKFLOW_STAGE_STREAMS", KEY_STREAMS },
        { "ASYNC_WORKFLOW_DURABILITY", KEY_DURABILITY },
    };

    for (size_t i = 0; i < sizeof (variables) / sizeof (variables[0]); i++) {
        const char *value = getenv (variables[i].name);
        if (value && *value && set (args, variables[i].key, variables[i].name, value, err) < 0)
            return -1;
    }
    return 0;
}

/* Splits at the first "--". */
static int split (struct aw_run_args *args, int argc, char **argv, int *n_own)
{
    int n = 0;

    while (n < argc && (n == 0 || strcmp (argv[n], "--") != 0))
        n++;
    args->from_srun = n < argc;
    args->srun_options = n < argc ? argv + n + 1 : argv + argc;
    args->own = calloc ((size_t)n + 1, sizeof (*args->own));
    if (!args->own)
        return -1;
    for (int i = 0; i < n; i++)
        args->own[i] = argv[i];
    *n_own = n;
    return 0;
}

int aw_run_args_parse (struct aw_run_args *args, int argc, char **argv, struct aw_error *err)
{
    static const struct argp argp = { options, parse_one, "[FILE] [-- SRUN_OPTION...]", doc, NULL,
                                      NULL,    NULL };
    struct parse_state state = { args, err };
    const char *dir; /* by the environment: that is for runs that begin */
    int n;

    memset (args, 0, sizeof (*args));
    args->grace = 5;
    args->node_timeout = 60;
    args->max_steps = AW_MAX_STEPS;
    args->time_limit = INFINITY;
    args->sched = (struct aw_sched_config){ AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC };
    err->text[0] = '\0';
    if (split (args, argc, argv, &n) < 0)
        return aw_error_set (err, "out of memory");
    if (parse_environment (args, err) < 0)
        return -1;
    dir = args->dir;
    argp_err_exit_status = AW_EXIT_INPUT;
    if (argp_parse (&argp, n, args->own, 0, NULL, &state) != 0)
        return err->text[0] ? -1 : aw_error_set (err, "out of memory");
    if (args->resume && args->dir && args->dir != dir)
        return aw_error_set (err,
                             "--dir and --resume: a run goes on in its own directory: leave out "
                             "--dir");
    if (!args->file && !args->resume)
        return aw_error_set (err, "run: which workflow? Give its file: async-workflow run FILE");
    if (args->local && args->from_srun)
        return aw_error_set (err,
                             "--local: runs without Slurm: leave out \"--\" and srun's options");
    if (!args->local && (args->cpus || args->gpus))
        return aw_error_set (
            err, "--cpus and --gpus go with --local: elsewhere the pool is what the job holds");
    return 0;
}

void aw_run_args_finish (struct aw_run_args *args)
{
    free (args->own);
    memset (args, 0, sizeof (*args));
}
