/* SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <math.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/model/advise.h"
#include "util/run_options.h"

#define OF(member) offsetof (struct aw_advise_args, member)

static const struct aw_argument options[] = {
    AW_ARGUMENT_PARAM (OF (parameters)),
    { .help = "Nodes [those of the partition, by sinfo]:" },
    { "partition", "P", "Slurm partition [the default one]", AW_VALUE_TEXT,
      .offset = OF (partition) },
    { "max-nodes", "N", "At most N nodes [all that exist and are useful]", AW_VALUE_COUNT,
      .offset = OF (max_nodes), .min = 1, .max = AW_MAX_NODES },
    { "cpus", "C", "CPUs of each node, as Slurm counts them; sinfo is not called", AW_VALUE_COUNT,
      .offset = OF (node.cpus), .min = 1, .max = AW_IDSET_MAX },
    { "gpus", "G", "With --cpus: GPUs of each node [0]", AW_VALUE_COUNT, .offset = OF (node.gpus),
      .min = 0, .max = AW_IDSET_MAX },
    { "mem", "M", "With --cpus: memory of each node, in bytes or like 512G [unlimited]",
      AW_VALUE_BYTES, .offset = OF (node.mem), .example = "512G" },
    { .help = "Durations and order of tasks:" },
    { "durations", "DIR",
      "Take durations and their spread from the run in this run directory; repeat it for other "
      "runs",
      AW_VALUE_LIST, .offset = OF (durations) },
    { "spread", "X",
      "Standard deviation of a set's durations over their mean, for example 0.1 [as DIR or the "
      "file "
      "says]",
      AW_VALUE_NUMBER, .offset = OF (spread), .min = 0, .max = AW_MAX_SPREAD },
    { "latency", "TIME", "Add TIME to each wait for other tasks [0]", AW_VALUE_TIME,
      .offset = OF (latency), .example = "0.5 or 1m30s" },
    { "policy", "POLICY",
      "As for run: longest-path, fifo, waves, gpus-first, widest or auto [auto: the best for each "
      "number of nodes]",
      AW_VALUE_TEXT, .offset = OF (policy) },
    { "plan-time", "TIME",
      "Search for at most TIME for the order that a run would find [a hundredth of the makespan, "
      "2s at "
      "most]",
      AW_VALUE_TIME, .offset = OF (plan_time), .example = "2s; 0 for none" },
    { "plan-evaluations", "N", "Simulate N orders in the search, however long that takes",
      AW_VALUE_COUNT, .offset = OF (plan_evaluations), .min = 1, .max = AW_OPTION_MOST },
    { "budget", "TIME", "Simulate for at most this long [30s]", AW_VALUE_TIME,
      .offset = OF (budget), .example = "0.5 or 1m30s" },
    { .help = "Output:" },
    { "json", NULL, "Print JSON", AW_VALUE_FLAG, .offset = OF (json) },
    { "script", "FILE", "Write a batch script", AW_VALUE_TEXT, .offset = OF (script) },
    { "nodes", "N", "Script: for N nodes [those at the knee]", AW_VALUE_COUNT, .offset = OF (nodes),
      .min = 1, .max = AW_MAX_NODES },
    { "time", "TIME",
      "The job's time limit, for the script and the probability that the run fits [what holds 99% "
      "of runs, and 30 s]",
      AW_VALUE_TIME, .offset = OF (time), .example = "2h or 90m" },
    { "margin", "X",
      "Script: the time limit is the makespan plus this share of it instead, in whole minutes",
      AW_VALUE_NUMBER, .offset = OF (margin), .min = 0, .max = 100, .example = "0.25" },
    { "force", NULL, "Script: overwrite FILE", AW_VALUE_FLAG, .offset = OF (force) },
};

/* The policy of that name; NULL: the best one. */
static const char *check_policy (const char *text, struct argp_state *state)
{
    if (!text || strcmp (text, "auto") == 0)
        return NULL;
    if (aw_policy_parse (text) < 0)
        argp_error (state,
                    "--policy=%s: unknown policy: give one of auto, longest-path, fifo, waves, "
                    "gpus-first, widest",
                    text);
    return text;
}

/* The name goes into a script. */
static void check_partition (const char *text, struct argp_state *state)
{
    if (!*text || strlen (text) >= sizeof (((struct aw_offer *)0)->partition))
        argp_error (state, "--partition=%s: not the name of a partition", text);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || strchr ("\"'\\,`$#*\177", *p))
            argp_error (state, "--partition=%s: give the name of one partition", text);
}

static void check (void *arguments, struct argp_state *state)
{
    struct aw_advise_args *args = arguments;

    args->standard_input = args->file && aw_argument_is_stdin (&args->file);
    if (args->standard_input && args->script)
        argp_error (state, "--script: the job reads the workflow, too, and cannot read standard "
                           "input: give a file");
    if (args->partition)
        check_partition (args->partition, state);
    args->policy = check_policy (args->policy, state);
    if (args->policy && (args->plan_time > 0 || args->plan_evaluations))
        argp_error (state, "--%s: has no effect with --policy=%s, which is the order: leave it out",
                    args->plan_evaluations ? "plan-evaluations" : "plan-time", args->policy);
    if (!args->node.cpus && (args->node.gpus || args->node.mem))
        argp_error (state, "the CPUs of a node are unknown: give --cpus");
    if (!isnan (args->time) && !isnan (args->margin))
        argp_error (state, "--margin: cannot be used with --time: give one of them");
    if (!args->script && args->force)
        argp_error (state, "--force: has no effect without --script: leave it out");
    if (args->max_nodes && args->nodes > args->max_nodes)
        argp_error (state, "--nodes=%u: more than --max-nodes=%u", args->nodes, args->max_nodes);
}

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "FILE",
    .doc =
        "Recommend a number of nodes: print the makespan and node-hours on each number of nodes, "
        "and the knee. Optionally write a batch script."
        "\vFILE \"-\" is standard input. The knee is the number of nodes with the smallest product "
        "of node-hours and makespan "
        "(Eager, Zahorjan and Lazowska, 1989). Nothing is run. Exit status: 0 done; 2 the input "
        "is wrong.",
    .offset = OF (file),
    .missing = "no workflow file given",
    .second = "file: give one workflow at a time",
    .check = check,
};

void aw_advise_args_parse (struct aw_advise_args *args, int argc, char **argv)
{
    *args = (struct aw_advise_args){
        .margin = NAN, .time = NAN, .spread = NAN, .budget = 30, .plan_time = NAN
    };
    aw_arguments_parse (&line, argc, argv, args);
}
