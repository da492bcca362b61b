/* SPDX-License-Identifier: Apache-2.0 */
#include "util/run_options.h"

#include <string.h>

/* Where an option is honoured. */
#define IN_SLURM (AW_IN_JOB | AW_IN_SALLOC | AW_IN_RESUME | AW_IN_TEST | AW_IN_NEW)
#define IN_LOCAL (AW_IN_LOCAL | AW_IN_RESUME | AW_IN_TEST | AW_IN_NEW)
#define NEW_RUN (ALWAYS & ~AW_IN_RESUME)
#define RESUMED (ALWAYS & ~AW_IN_NEW)
#define ALWAYS (IN_SLURM | IN_LOCAL)

/* Its name here and for srun, and what it is and where its value goes. */
#define SRUN(text) .name = (text), .srun_name = "async-workflow-" text
#define VALUE(type, member) \
    .kind = AW_KIND_##type, .offset = offsetof (struct aw_run_settings, member)

const struct aw_option_entry aw_option_table[AW_OPTION_COUNT] = {
    [AW_OPTION_FILE] = {
        .srun_name = "async-workflow",
        .argument = "FILE",
        VALUE (PATH, file),
        .settings = ALWAYS,
        .help = "Run the tasks of this workflow file, or a task for each line of this list of commands; no "
                "command is given then",
    },
    [AW_OPTION_MODE] = {
        SRUN ("mode"),
        .variable = "ASYNC_WORKFLOW_MODE",
        .argument = "MODE",
        .choices = "async|sequential",
        .fallback = "async",
        VALUE (CHOICE, mode),
        .settings = ALWAYS,
        .help = "async: a task starts when its own predecessors are done; sequential: "
        "stage after stage",
    },
    [AW_OPTION_POLICY] = {
        SRUN ("policy"),
        .variable = "ASYNC_WORKFLOW_POLICY",
        .argument = "POLICY",
        .choices = "auto|longest-path|fifo|waves|gpus-first|widest",
        .fallback = "auto",
        VALUE (CHOICE, policy),
        .settings = ALWAYS,
        .help = "Order of the tasks that can start. auto: the order that the model finds "
        "best; longest-path: longest remaining path first; fifo: by time ready; "
        "waves, gpus-first, widest: see the manual",
    },
    [AW_OPTION_PLAN_TIME] = {
        SRUN ("plan-time"),
        .variable = "ASYNC_WORKFLOW_PLAN_TIME",
        .argument = "TIME",
        .otherwise = "a hundredth of the run, 2s at most",
        VALUE (SECONDS, plan_time),
        .settings = ALWAYS,
        .help = "With --policy=auto: search for a better order before the run, and during it when "
        "it has departed from its plan, each time at most this long; 0: only compare the policies",
    },
    [AW_OPTION_PLAN_EVALUATIONS] = {
        SRUN ("plan-evaluations"),
        .argument = "N",
        .otherwise = "as many as plan-time allows",
        VALUE (COUNT, plan_evaluations),
        .least = 1,
        .settings = ALWAYS,
        .help = "Simulate at most N orders in the search; the result depends on N alone",
    },
    [AW_OPTION_DIR] = {
        SRUN ("dir"),
        .variable = "ASYNC_WORKFLOW_DIR",
        .argument = "DIR",
        .otherwise = "NAME-JOBID",
        VALUE (PATH, dir),
        .settings = NEW_RUN,
        .help = "Create this run directory; it must not exist",
    },
    [AW_OPTION_RESUME] = {
        SRUN ("resume"),
        .argument = "DIR",
        VALUE (PATH, resume),
        .settings = ALWAYS,
        .help = "Continue the run in this run directory; finished tasks do not run again. "
        "The workflow file is needed only if it has changed",
    },
    [AW_OPTION_PARAM] = {
        SRUN ("param"),
        .argument = "NAME=VALUE",
        VALUE (LIST, parameters),
        .settings = ALWAYS,
        .help = "Give a parameter of the workflow file this value; repeat it for others",
    },
    [AW_OPTION_DURATIONS] = {
        SRUN ("durations"),
        .argument = "DIR",
        VALUE (LIST, durations),
        .settings = NEW_RUN,
        .help = "Take durations and their spread from the earlier run in this run directory, in place "
        "of what FILE says; repeat it for other runs",
    },
    [AW_OPTION_NEW_VALUES] = {
        SRUN ("new-values"),
        VALUE (FLAG, new_values),
        .settings = RESUMED,
        .help = "With --resume: read the sources of \"foreach\" again. Tasks of known values stay as "
        "they are, new values get new tasks, and tasks of values that are gone do not run",
    },
    [AW_OPTION_PROGRESS] = {
        SRUN ("progress"),
        .variable = "ASYNC_WORKFLOW_PROGRESS",
        .argument = "HOW",
        .choices = "auto|tty|plain|none",
        .fallback = "auto",
        VALUE (CHOICE, progress),
        .settings = ALWAYS,
        .help = "Show progress. auto: a live display on a terminal, else a line from time "
        "to time; tty, plain, none: always this one",
    },
    [AW_OPTION_GRACE] = {
        SRUN ("grace"),
        .variable = "ASYNC_WORKFLOW_GRACE",
        .argument = "TIME",
        .fallback = "5s",
        VALUE (SECONDS, grace),
        .settings = ALWAYS,
        .help = "When the run is stopped, or at its time_limit, give a task this long between "
        "SIGTERM and SIGKILL",
    },
    [AW_OPTION_TIME_LIMIT] = {
        SRUN ("time-limit"),
        .variable = "ASYNC_WORKFLOW_TIME_LIMIT",
        .argument = "TIME",
        .otherwise = "the job's time limit",
        VALUE (SECONDS, time_limit),
        .least = 0.001,
        .settings = ALWAYS,
        .help = "End the run within this time; start no task that could not end by then",
    },
    [AW_OPTION_NODE_TIMEOUT] = {
        SRUN ("node-timeout"),
        .variable = "ASYNC_WORKFLOW_NODE_TIMEOUT",
        .argument = "TIME",
        .fallback = "60s",
        VALUE (TIMEOUT, node_timeout),
        .least = 3,
        .settings = ALWAYS,
        .help = "Declare a node lost when it is silent for this long; 0: never",
    },
    [AW_OPTION_CONNECT_TIMEOUT] = {
        SRUN ("connect-timeout"),
        .variable = "ASYNC_WORKFLOW_CONNECT_TIMEOUT",
        .argument = "TIME",
        .fallback = "60s",
        VALUE (SECONDS, connect_timeout),
        .least = 1,
        .settings = IN_SLURM,
        .help = "Wait this long for the agents of all nodes to connect. A slow task prolog or a "
        "container import needs more",
    },
    [AW_OPTION_MIN_NODES] = {
        SRUN ("min-nodes"),
        .variable = "ASYNC_WORKFLOW_MIN_NODES",
        .argument = "N",
        .otherwise = "all nodes",
        VALUE (COUNT, min_nodes),
        .least = 1,
        .settings = IN_SLURM,
        .help = "Begin when the agents of N nodes have connected. Others join when they connect; "
        "tasks that need them wait",
    },
    [AW_OPTION_MAX_STEPS] = {
        SRUN ("max-steps"),
        .variable = "ASYNC_WORKFLOW_MAX_STEPS",
        .argument = "N",
        .fallback = "16",
        VALUE (COUNT, max_steps),
        .least = 1,
        .settings = IN_SLURM,
        .help = "Run at most N sruns at a time, for tasks that are a job step of their "
        "own",
    },
    [AW_OPTION_BACKLOG] = {
        SRUN ("backlog"),
        .variable = "ASYNC_WORKFLOW_BACKLOG",
        .argument = "TIME",
        .fallback = "250ms",
        VALUE (SECONDS, backlog),
        .most = 60,
        .settings = ALWAYS,
        .help = "Give each node ready tasks in advance, as many as start there in this time; it "
        "starts them itself as others end. 0: none",
    },
    [AW_OPTION_SCRATCH] = {
        SRUN ("scratch"),
        .variable = "ASYNC_WORKFLOW_SCRATCH",
        .argument = "DIR",
        .otherwise = "SLURM_TMPDIR, else TMPDIR, else /tmp",
        VALUE (ABSOLUTE_PATH, scratch),
        .settings = ALWAYS,
        .help = "Create each node's scratch directory in this directory",
    },
    [AW_OPTION_SCRATCH_SIZE] = {
        SRUN ("scratch-size"),
        .variable = "ASYNC_WORKFLOW_SCRATCH_SIZE",
        .argument = "SIZE",
        .otherwise = "nine tenths of the free space",
        VALUE (BYTES, scratch_size),
        .settings = ALWAYS,
        .help = "Limit the data staged on each node to this size",
    },
    [AW_OPTION_STAGE_STREAMS] = {
        SRUN ("stage-streams"),
        .variable = "ASYNC_WORKFLOW_STAGE_STREAMS",
        .argument = "N",
        .fallback = "4",
        VALUE (COUNT, stage_streams),
        .least = 1,
        .settings = ALWAYS,
        .help = "Make at most N copies at a time to and from each node",
    },
    [AW_OPTION_DURABILITY] = {
        SRUN ("durability"),
        .variable = "ASYNC_WORKFLOW_DURABILITY",
        .argument = "LEVEL",
        .choices = "process|node",
        .fallback = "process",
        VALUE (CHOICE, durability),
        .settings = ALWAYS,
        .help = "What a completion survives before its successors start. process: the end of "
                "srun; node: the loss of its node, at the cost of a disk access",
    },
    [AW_OPTION_LOGS] = {
        SRUN ("logs"),
        .variable = "ASYNC_WORKFLOW_LOGS",
        .argument = "WHERE",
        .choices = "auto|files|store",
        .fallback = "auto",
        VALUE (CHOICE, logs),
        .settings = NEW_RUN,
        .help = "Write the output of tasks to a file per task and stream, or to a store of two "
                "files per node. auto: \"logs\" of FILE, else files for up to 1000 tasks",
    },
    [AW_OPTION_LOCAL] = {
        .name = "local",
        VALUE (FLAG, local),
        .settings = IN_LOCAL,
        .help = "Run on this machine, without Slurm",
    },
    [AW_OPTION_CPUS] = {
        .name = "cpus",
        .argument = "N",
        .otherwise = "those that this process may use",
        VALUE (COUNT, cpus),
        .least = 1,
        .settings = IN_LOCAL,
        .help = "With --local: use N CPUs",
    },
    [AW_OPTION_GPUS] = {
        .name = "gpus",
        .argument = "N",
        .fallback = "0",
        VALUE (COUNT, gpus),
        .settings = IN_LOCAL,
        .help = "With --local: use the GPUs 0 to N-1",
    },
    [AW_OPTION_TEST_ONLY] = {
        .name = "test-only",
        VALUE (FLAG, test_only),
        .settings = ALWAYS,
        .help = "Check FILE and print what the model predicts; run nothing",
    },
};

int aw_option_choice (const char *choices, const char *text)
{
    size_t length = strlen (text);

    for (int i = 0; choices; i++) {
        const char *end = strchr (choices, '|');
        size_t n = end ? (size_t)(end - choices) : strlen (choices);

        if (n == length && strncmp (choices, text, n) == 0)
            return i;
        choices = end ? end + 1 : NULL;
    }
    return -1;
}
