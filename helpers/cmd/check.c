/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow check F: prints everything that is wrong with a workflow file, or one line that
 * describes it. */
#include <inttypes.h>
#include <stdio.h>

#include "cmd/arguments.h"
#include "cmd/command.h"
#include "core/graph/peers.h"
#include "io/workflow/task_label.h"
#include "io/workflow/workflow.h"
#include "util/units.h"

struct arguments {
    const char *path;
    struct aw_strings parameters;
    struct aw_demand node;
};

#define OF(member) offsetof (struct arguments, member)

static const struct aw_argument options[] = {
    AW_ARGUMENT_PARAM (OF (parameters)),
    { "nodes", "N", "Number of nodes of the allocation", AW_VALUE_COUNT, .offset = OF (node.nodes),
      .min = 1, .max = AW_IDSET_MAX },
    { "cpus", "C", "CPUs of the largest node, as Slurm counts them", AW_VALUE_COUNT,
      .offset = OF (node.cpus), .min = 1, .max = AW_IDSET_MAX },
    { "gpus", "G", "GPUs of the largest node", AW_VALUE_COUNT, .offset = OF (node.gpus), .min = 0,
      .max = AW_IDSET_MAX },
    { "mem", "M", "Memory of the largest node, in bytes or like 4G", AW_VALUE_BYTES,
      .offset = OF (node.mem), .example = "4G" },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "FILE",
    .doc = "Check a workflow file. Each problem is printed with its place and what to do."
           "\vFILE \"-\" is standard input. The options describe the allocation. A task that could "
           "never fit into it is a "
           "problem too. Exit status: 0 no problem; 2 the file has problems.",
    .offset = OF (path),
    .missing = "no workflow file given",
    .second = "file: give one workflow at a time",
};

/* "ddmd.json: ok: 4 task sets, 3 iterations, 387 tasks" */
static void print_summary (const char *path, const struct aw_graph *graph)
{
    printf ("%s: ok: %" PRIu32 " task set%s, ", path, graph->n_sets, aw_plural (graph->n_sets));
    if (graph->iterated)
        printf ("%" PRIu32 " iteration%s, ", graph->iterations, aw_plural (graph->iterations));
    printf ("%" PRIu32 " task%s\n", graph->n_tasks, aw_plural (graph->n_tasks));
}

/* "align[0] (sample=a), align[1] (sample=b), ... align[14] (sample=o)": of these tasks of SET. */
static void print_tasks (const struct aw_workflow *workflow,
                         uint32_t set,
                         const struct aw_peers *tasks)
{
    uint32_t first = workflow->graph->sets[set].first;
    char label[AW_TASK_LABEL];

    for (uint32_t i = 0; i < tasks->n && i < 3; i++) {
        uint32_t index = aw_peer (tasks, i == 2 ? tasks->n - 1 : i);

        printf ("%s%s",
                i == 0                   ? ""
                : i == 2 && tasks->n > 3 ? ", ... "
                                         : ", ",
                aw_task_label (workflow, first + index, label, sizeof (label)));
    }
    printf ("\n");
}

/* "  tasks.merge.after: align[sample]: 5 keys; merge[0] (sample=a) waits for align[0] (sample=a)"
 */
static void print_key (const struct aw_workflow *workflow, uint32_t set, const struct aw_edge *edge)
{
    const struct aw_graph *graph = workflow->graph;
    const struct aw_edge_key *key = aw_graph_key (graph, edge->by);
    struct aw_peers before = aw_peers_before (graph, edge->by, edge->set, 0);
    char label[AW_TASK_LABEL];

    printf ("  tasks.%s.after: %s[%s]", graph->sets[set].name, graph->sets[edge->set].name,
            key->name);
    if (edge->back)
        printf ("@-%" PRIu32, edge->back);
    printf (": %" PRIu32 " key%s; %s waits for ", key->n_groups, aw_plural (key->n_groups),
            aw_task_label (workflow, graph->sets[set].first, label, sizeof (label)));
    print_tasks (workflow, edge->set, &before);
}

/* For each set with variables which tasks it has, and for what they wait by key. */
static void print_values (const struct aw_workflow *workflow)
{
    const struct aw_graph *graph = workflow->graph;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        const struct aw_set *set = &graph->sets[s];
        struct aw_peers all = { NULL, 0, set->count };

        if (!workflow->recipes[s].values)
            continue;
        printf ("  tasks.%s: %" PRIu32 " task%s: ", set->name, set->count, aw_plural (set->count));
        print_tasks (workflow, s, &all);
        for (uint32_t e = 0; e < set->n_after; e++)
            if (set->after[e].by >= AW_BY_KEY)
                print_key (workflow, s, &set->after[e]);
    }
}

static int run (int argc, char **argv)
{
    struct arguments args = {
        .node = { .cpus = UINT32_MAX, .gpus = UINT32_MAX, .mem = UINT64_MAX },
    };
    struct aw_workflow_input input = { .start = true,
                                       .parameters = &args.parameters,
                                       .node = &args.node };
    struct aw_workflow *workflow;
    struct aw_problems problems;
    int status = AW_EXIT_INPUT;

    aw_arguments_parse (&line, argc, argv, &args);
    aw_problems_init (&problems);
    input.standard_input = aw_argument_is_stdin (&args.path);
    workflow = aw_workflow_load_with (args.path, &input, &problems);
    aw_problems_print (&problems, stderr);
    if (workflow) {
        print_summary (args.path, workflow->graph);
        print_values (workflow);
        status = AW_EXIT_OK;
    }
    aw_workflow_destroy (workflow);
    aw_problems_finish (&problems);
    aw_strings_finish (&args.parameters);
    return status;
}

const struct aw_command aw_command_check = {
    .name = "check",
    .summary = "check a workflow file",
    .run = run,
};
