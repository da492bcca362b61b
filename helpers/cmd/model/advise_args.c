/* SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/model/advise.h"
#include "cmd/command.h"
#include "cmd/model/model.h"
#include "util/units.h"

enum {
    OPT_PARTITION = 1000,
    OPT_MAX_NODES,
    OPT_CPUS,
    OPT_GPUS,
    OPT_MEM,
    OPT_DURATIONS,
    OPT_LATENCY,
    OPT_POLICY,
    OPT_SCRIPT,
    OPT_NODES,
    OPT_MARGIN,
    OPT_FORCE,
    OPT_BUDGET,
    OPT_JSON
};

static const struct argp_option options[] = {
    { NULL, 0, NULL, 0, "Nodes [those of the partition, by sinfo]:", 1 },
    { "partition", OPT_PARTITION, "P", 0, "Slurm partition [the default one]", 1 },
    { "max-nodes", OPT_MAX_NODES, "N", 0, "At most N nodes [all that exist and are useful]", 1 },
    { "cpus", OPT_CPUS, "C", 0, "CPUs of each node, as Slurm counts them; sinfo is not called", 1 },
    { "gpus", OPT_GPUS, "G", 0, "With --cpus: GPUs of each node [0]", 1 },
    { "mem", OPT_MEM, "M", 0, "With --cpus: memory of each node, in bytes or like 512G [unlimited]",
      1 },
    { NULL, 0, NULL, 0, "Durations and order of tasks:", 2 },
    { "durations", OPT_DURATIONS, "DIR", 0,
      "Take durations from the run in this run directory, not from the file", 2 },
    { "latency", OPT_LATENCY, "TIME", 0, "Add TIME to each wait for other tasks [0]", 2 },
    { "policy", OPT_POLICY, "POLICY", 0,
      "As for run: longest-path, fifo, waves, gpus-first, widest or auto [auto: the best for each "
      "number of nodes]",
      2 },
    { "budget", OPT_BUDGET, "TIME", 0, "Simulate for at most this long [30s]", 2 },
    { NULL, 0, NULL, 0, "Output:", 3 },
    { "json", OPT_JSON, NULL, 0, "Print JSON", 3 },
    { "script", OPT_SCRIPT, "FILE", 0, "Write a batch script", 3 },
    { "nodes", OPT_NODES, "N", 0, "Script: for N nodes [those at the knee]", 3 },
    { "margin", OPT_MARGIN, "X", 0,
      "Script: make the time limit longer than the makespan by this share, in whole minutes [0.25]",
      3 },
    { "force", OPT_FORCE, NULL, 0, "Script: overwrite FILE", 3 },
    { NULL, 0, NULL, 0, NULL, 0 },
};

static double parse_margin (struct argp_state *state, const char *text)
{
    char *end;
    double number = strtod (text, &end);

    if (end == text || *end || !(number >= 0 && number <= 100))
        argp_error (state, "--margin=%s: not a number from 0 to 100: give for example 0.25", text);
    return number;
}

static double parse_time (struct argp_state *state, const char *option, const char *text)
{
    double seconds = 0;

    if (aw_parse_seconds (text, &seconds) < 0)
        argp_error (state, "--%s=%s: not a time: give for example 0.5 or 1m30s", option, text);
    return seconds;
}

static const char *parse_policy (struct argp_state *state, const char *text)
{
    if (strcmp (text, "auto") == 0)
        return NULL;
    if (aw_policy_parse (text) < 0)
        argp_error (state,
                    "--policy=%s: unknown policy: give one of auto, longest-path, fifo, waves, "
                    "gpus-first, widest",
                    text);
    return text;
}

/* The name goes into a script. */
static const char *parse_partition (struct argp_state *state, const char *text)
{
    if (!*text || strlen (text) >= sizeof (((struct aw_offer *)0)->partition))
        argp_error (state, "--partition=%s: not the name of a partition", text);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || strchr ("\"'\\,`$#*\177", *p))
            argp_error (state, "--partition=%s: give the name of one partition", text);
    return text;
}

static void check_together (const struct aw_advise_args *args, struct argp_state *state)
{
    if (!args->file)
        argp_error (state, "no workflow file given");
    if (!args->node.cpus && (args->node.gpus || args->node.mem))
        argp_error (state, "the CPUs of a node are unknown: give --cpus");
    if (!args->script && args->force)
        argp_error (state, "--force: has no effect without --script: leave it out");
    if (args->max_nodes && args->nodes > args->max_nodes)
        argp_error (state, "--nodes=%u: more than --max-nodes=%u", args->nodes, args->max_nodes);
}

static error_t parse_option (int key, char *text, struct argp_state *state)
{
    struct aw_advise_args *args = state->input;

    switch (key) {
    case OPT_PARTITION:
        args->partition = parse_partition (state, text);
        return 0;
    case OPT_MAX_NODES:
        args->max_nodes = aw_model_count (state, "max-nodes", text, 1, AW_MAX_NODES);
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
    case OPT_DURATIONS:
        args->durations = text;
        return 0;
    case OPT_LATENCY:
        args->latency = parse_time (state, "latency", text);
        return 0;
    case OPT_POLICY:
        args->policy = parse_policy (state, text);
        return 0;
    case OPT_SCRIPT:
        args->script = text;
        return 0;
    case OPT_NODES:
        args->nodes = aw_model_count (state, "nodes", text, 1, AW_MAX_NODES);
        return 0;
    case OPT_MARGIN:
        args->margin = parse_margin (state, text);
        return 0;
    case OPT_FORCE:
        args->force = true;
        return 0;
    case OPT_BUDGET:
        args->budget = parse_time (state, "budget", text);
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
    .doc =
        "Recommend a number of nodes: print the makespan and node-hours on each number of nodes, "
        "and the knee. Optionally write a batch script."
        "\vThe knee is the number of nodes with the smallest product of node-hours and makespan "
        "(Eager, Zahorjan and Lazowska, 1989). Nothing is run. Exit status: 0 done; 2 the input "
        "is wrong.",
};

void aw_advise_args_parse (struct aw_advise_args *args, int argc, char **argv)
{
    *args = (struct aw_advise_args){ .margin = 0.25, .budget = 30 };
    argp_err_exit_status = AW_EXIT_INPUT;
    argp_parse (&parser, argc, argv, 0, NULL, args);
}
