/* SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <math.h>

#include "cmd/arguments.h"
#include "cmd/model/model.h"

#define OF(member) offsetof (struct aw_model_args, member)

enum { MAX_SEEDS = 100000 };

static const struct aw_argument options[] = {
    AW_ARGUMENT_PARAM (OF (parameters)),
    { .help = "Allocation [that of the current job]:" },
    { "nodes", "N", "Number of nodes [1]", AW_VALUE_COUNT, .offset = OF (node.nodes), .min = 1,
      .max = AW_MAX_NODES },
    { "cpus", "C", "CPUs of each node, as Slurm counts them", AW_VALUE_COUNT,
      .offset = OF (node.cpus), .min = 1, .max = AW_IDSET_MAX },
    { "gpus", "G", "GPUs of each node [0]", AW_VALUE_COUNT, .offset = OF (node.gpus), .min = 0,
      .max = AW_IDSET_MAX },
    { "mem", "M", "Memory of each node, in bytes or like 512G [unlimited]", AW_VALUE_BYTES,
      .offset = OF (node.mem), .example = "512G" },
    { "shape", "FILE",
      "Nodes of several kinds: [{\"nodes\": 2, \"cpus\": 64, \"gpus\": 4, \"mem\": \"512G\"}, "
      "...]",
      AW_VALUE_TEXT, .offset = OF (shape) },
    { .help = "Durations of tasks:" },
    { "durations", "DIR",
      "Take durations and their spread from the run in this run directory; repeat it for other "
      "runs",
      AW_VALUE_LIST, .offset = OF (durations) },
    { "latency", "TIME", "Add TIME to each wait for other tasks [0]", AW_VALUE_TIME,
      .offset = OF (latency), .example = "0.5 or 200ms" },
    { "spread", "X",
      "Vary durations from task to task by this standard deviation over the mean, for example 0.1 "
      "[as DIR or the file says]",
      AW_VALUE_NUMBER, .offset = OF (spread), .min = 0, .max = AW_MAX_SPREAD },
    { "seeds", "N",
      "Simulate N times with varied durations for the intervals [99, fewer for large workflows]",
      AW_VALUE_COUNT, .offset = OF (seeds), .min = 1, .max = MAX_SEEDS },
    { .help = "Search for a better order:" },
    { "plan-time", "TIME", "search for at most TIME [a hundredth of the makespan, 2s at most]",
      AW_VALUE_TIME, .offset = OF (plan_time), .example = "2s; 0 for none" },
    { "plan-evaluations", "N", "simulate N orders, however long that takes", AW_VALUE_COUNT,
      .offset = OF (plan_evaluations), .min = 1, .max = UINT32_MAX },
    { .help = "Output:" },
    { "json", NULL, "Print JSON", AW_VALUE_FLAG, .offset = OF (json) },
};

static void check (void *arguments, struct argp_state *state)
{
    struct aw_model_args *args = arguments;
    struct aw_node_shape *node = &args->node;
    bool some = node->nodes || node->gpus || node->mem;

    args->standard_input = args->file && aw_argument_is_stdin (&args->file);
    if (args->shape && (some || node->cpus))
        argp_error (state, "--shape: cannot be used with --nodes, --cpus, --gpus or --mem");
    if (some && !node->cpus)
        argp_error (state, "the CPUs of a node are unknown: give --cpus");
    if (node->cpus && !node->nodes)
        node->nodes = 1;
}

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "FILE",
    .doc = "Predict the run of a workflow on an allocation: what can run at the same time, lower "
           "bounds of the makespan, the makespan stage after stage and asynchronously, and the "
           "gain."
           "\vFILE \"-\" is standard input. Nothing is run. Exit status: 0 done; 2 the input is "
           "wrong.",
    .offset = OF (file),
    .missing = "no workflow file given",
    .second = "file: give one workflow at a time",
    .check = check,
};

void aw_model_args_parse (struct aw_model_args *args, int argc, char **argv)
{
    *args = (struct aw_model_args){ .plan_time = NAN, .spread = NAN };
    aw_arguments_parse (&line, argc, argv, args);
}
