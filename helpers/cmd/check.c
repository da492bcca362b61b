/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow check F: prints everything that is wrong with a workflow file, or one line that
 * describes it. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/model/model.h"
#include "io/workflow/workflow.h"
#include "util/units.h"

enum { OPT_NODES = 1000, OPT_CPUS, OPT_GPUS, OPT_MEM };

struct arguments {
    const char *path;
    struct aw_demand node;
};

static const struct argp_option options[] = {
    { "nodes", OPT_NODES, "N", 0, "Number of nodes of the allocation", 0 },
    { "cpus", OPT_CPUS, "C", 0, "CPUs of the largest node, as Slurm counts them", 0 },
    { "gpus", OPT_GPUS, "G", 0, "GPUs of the largest node", 0 },
    { "mem", OPT_MEM, "M", 0, "Memory of the largest node, in bytes or like 4G", 0 },
    { NULL, 0, NULL, 0, NULL, 0 },
};

static error_t parse_option (int key, char *text, struct argp_state *state)
{
    struct arguments *args = state->input;

    switch (key) {
    case OPT_NODES:
        args->node.nodes = aw_model_count (state, "nodes", text, 1, AW_IDSET_MAX);
        return 0;
    case OPT_CPUS:
        args->node.cpus = aw_model_count (state, "cpus", text, 1, AW_IDSET_MAX);
        return 0;
    case OPT_GPUS:
        args->node.gpus = aw_model_count (state, "gpus", text, 0, AW_IDSET_MAX);
        return 0;
    case OPT_MEM:
        if (aw_parse_bytes (text, &args->node.mem) < 0)
            argp_error (state, "--mem=%s: not a size: give bytes, or a size like 4G", text);
        return 0;
    case ARGP_KEY_ARG:
        if (args->path)
            argp_error (state, "\"%s\": a second file: give one workflow at a time", text);
        args->path = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error (state, "no workflow file given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "FILE",
    .doc = "Check a workflow file. Each problem is printed with its place and what to do."
           "\vThe options describe the allocation. A task that could never fit into it is a "
           "problem too. Exit status: 0 no problem; 2 the file has problems.",
};

static const char *plural (uint32_t n)
{
    return n == 1 ? "" : "s";
}

/* "ddmd.json: ok: 4 task sets, 3 iterations, 387 tasks" */
static void print_summary (const char *path, const struct aw_graph *graph)
{
    printf ("%s: ok: %" PRIu32 " task set%s, ", path, graph->n_sets, plural (graph->n_sets));
    if (graph->iterated)
        printf ("%" PRIu32 " iteration%s, ", graph->iterations, plural (graph->iterations));
    printf ("%" PRIu32 " task%s\n", graph->n_tasks, plural (graph->n_tasks));
}

static int run (int argc, char **argv)
{
    struct arguments args = {
        .node = { .cpus = UINT32_MAX, .gpus = UINT32_MAX, .mem = UINT64_MAX },
    };
    struct aw_workflow *workflow;
    struct aw_problems problems;
    int status = AW_EXIT_INPUT;

    argp_err_exit_status = AW_EXIT_INPUT;
    argp_parse (&parser, argc, argv, 0, NULL, &args);
    aw_problems_init (&problems);
    workflow = aw_workflow_load_for (args.path, &args.node, &problems);
    aw_problems_print (&problems, stderr);
    if (workflow) {
        print_summary (args.path, workflow->graph);
        status = AW_EXIT_OK;
        if (fflush (stdout) != 0) {
            perror ("async-workflow: standard output");
            status = AW_EXIT_INPUT;
        }
    }
    aw_workflow_destroy (workflow);
    aw_problems_finish (&problems);
    return status;
}

const struct aw_command aw_command_check = {
    .name = "check",
    .summary = "check a workflow file",
    .run = run,
};
