/* SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/model/model.h"
#include "util/units.h"

enum {
    OPT_NODES = 1000,
    OPT_CPUS,
    OPT_GPUS,
    OPT_MEM,
    OPT_SHAPE,
    OPT_DURATIONS,
    OPT_LATENCY,
    OPT_SPREAD,
    OPT_SEEDS,
    OPT_JSON
};

enum { MAX_SEEDS = 100000 };

static const struct argp_option options[] = {
    { NULL, 0, NULL, 0, "Allocation [that of the current job]:", 1 },
    { "nodes", OPT_NODES, "N", 0, "Number of nodes [1]", 1 },
    { "cpus", OPT_CPUS, "C", 0, "CPUs of each node, as Slurm counts them", 1 },
    { "gpus", OPT_GPUS, "G", 0, "GPUs of each node [0]", 1 },
    { "mem", OPT_MEM, "M", 0, "Memory of each node, in bytes or like 512G [unlimited]", 1 },
    { "shape", OPT_SHAPE, "FILE", 0,
      "Nodes of several kinds: [{\"nodes\": 2, \"cpus\": 64, \"gpus\": 4, \"mem\": \"512G\"}, "
      "...]",
      1 },
    { NULL, 0, NULL, 0, "Durations of tasks:", 2 },
    { "durations", OPT_DURATIONS, "DIR", 0,
      "Take durations from the run in this run directory, not from the file", 2 },
    { "latency", OPT_LATENCY, "TIME", 0, "Add TIME to each wait for other tasks [0]", 2 },
    { "spread", OPT_SPREAD, "X", 0,
      "Vary durations from task to task: standard deviation over mean, for example 0.1", 2 },
    { "seeds", OPT_SEEDS, "N", 0,
      "Simulate N times with varied durations and print intervals [100 with --spread]", 2 },
    { NULL, 0, NULL, 0, "Output:", 3 },
    { "json", OPT_JSON, NULL, 0, "Print JSON", 3 },
    { NULL, 0, NULL, 0, NULL, 0 },
};

uint32_t aw_model_count (
    struct argp_state *state, const char *option, const char *text, uint32_t min, uint32_t max)
{
    unsigned long number;
    char *end;

    errno = 0;
    number = strtoul (text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
        argp_error (state, "--%s=%s: not a number from %" PRIu32 " to %" PRIu32, option, text, min,
                    max);
    return (uint32_t)number;
}

static double parse_spread (struct argp_state *state, const char *text)
{
    char *end;
    double number = strtod (text, &end);

    if (end == text || *end || !(number >= 0 && number <= 10))
        argp_error (state, "--spread=%s: not a number from 0 to 10", text);
    return number;
}

static void check_together (struct aw_model_args *args, struct argp_state *state)
{
    struct aw_node_shape *node = &args->node;
    bool some = node->nodes || node->gpus || node->mem;

    if (!args->file)
        argp_error (state, "no workflow file given");
    if (args->shape && (some || node->cpus))
        argp_error (state, "--shape: cannot be used with --nodes, --cpus, --gpus or --mem");
    if (some && !node->cpus)
        argp_error (state, "the CPUs of a node are unknown: give --cpus");
    if (node->cpus && !node->nodes)
        node->nodes = 1;
    if (args->spread > 0 && args->seeds == 0)
        args->seeds = 100;
    if (args->seeds > 0 && !(args->spread > 0) && !args->durations)
        argp_error (state, "--seeds: needs durations that vary: give --spread or --durations");
}

static error_t parse_option (int key, char *text, struct argp_state *state)
{
    struct aw_model_args *args = state->input;

    switch (key) {
    case OPT_NODES:
        args->node.nodes = aw_model_count (state, "nodes", text, 1, AW_MAX_NODES);
        return 0;
    case OPT_CPUS:
        args->node.cpus = aw_model_count (state, "cpus", text, 1, AW_IDSET_MAX);
        return 0;
    case OPT_GPUS:
        args->node.gpus = aw_model_count (state, "gpus", text, 0, AW_IDSET_MAX);
        return 0;
    case OPT_MEM:
        if (aw_parse_bytes (text, &args->node.mem) < 0)
            argp_error (state, "--mem=%s: not a size: give bytes, or a size like 512G", text);
        return 0;
    case OPT_SHAPE:
        args->shape = text;
        return 0;
    case OPT_DURATIONS:
        args->durations = text;
        return 0;
    case OPT_LATENCY:
        if (aw_parse_seconds (text, &args->latency) < 0)
            argp_error (state, "--latency=%s: not a time: give for example 0.5 or 200ms", text);
        return 0;
    case OPT_SPREAD:
        args->spread = parse_spread (state, text);
        return 0;
    case OPT_SEEDS:
        args->seeds = aw_model_count (state, "seeds", text, 0, MAX_SEEDS);
        return 0;
    case OPT_JSON:
        args->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (args->file)
            argp_error (state, "\"%s\": a second file: give one workflow at a time", text);
        args->file = text;
        return 0;
    case ARGP_KEY_END:
        check_together (args, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "FILE",
    .doc = "Predict the run of a workflow on an allocation: what can run at the same time, lower "
           "bounds of the makespan, the makespan stage after stage and asynchronously, and the "
           "gain."
           "\vNothing is run. Exit status: 0 done; 2 the input is wrong.",
};

void aw_model_args_parse (struct aw_model_args *args, int argc, char **argv)
{
    memset (args, 0, sizeof (*args));
    argp_err_exit_status = AW_EXIT_INPUT;
    argp_parse (&parser, argc, argv, 0, NULL, args);
}
