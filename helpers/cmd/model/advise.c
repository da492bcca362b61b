/* SPDX-License-Identifier: Apache-2.0 */
/* advise F: how many nodes to ask for. */
#include "cmd/model/advise.h"

#include <errno.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/model/model.h"
#include "cmd/report/report.h"
#include "model/predict.h"
#include "util/clock.h"

/* Without --max-nodes, larger numbers are not simulated. */
enum { MOST_NODES = 4096 };

/* Are there as many nodes of kind K as a task wants at once? */
static bool enough (const struct aw_node_shape *k, uint32_t wanted)
{
    return k->nodes == 0 || k->nodes >= wanted;
}

/* Of the kinds that hold every task the most frequent; of equal ones that with the fewest GPUs. */
static int choose_kind (struct aw_advice *advice, struct aw_problems *problems)
{
    const struct aw_offer *offer = advice->offer;
    const struct aw_graph *graph = advice->workflow->graph;
    const struct aw_node_shape *best = NULL;
    uint32_t wanted = aw_sweep_least (graph);

    for (uint32_t i = 0; i < offer->n_kinds; i++) {
        const struct aw_node_shape *k = &offer->kinds[i];

        if (aw_sweep_too_large (graph, k) == AW_NONE && enough (k, wanted)
            && (!best || k->nodes > best->nodes
                || (k->nodes == best->nodes && k->gpus < best->gpus)))
            best = k;
    }
    if (!best) {
        if (*offer->partition)
            aw_problems_add (
                problems, false,
                "%s: no kind of node in partition \"%s\" can hold a task of each set: request "
                "less for the tasks, or give --cpus and --gpus",
                advice->args->file, offer->partition);
        else
            aw_problems_add (problems, false,
                             "%s: such a node cannot hold a task of each set: request less for the "
                             "tasks, or give other --cpus and --gpus",
                             advice->args->file);
        return -1;
    }
    advice->node = *best;
    return 0;
}

static uint32_t least (uint32_t a, uint32_t b)
{
    return b > 0 && b < a ? b : a;
}

/* No number of nodes that is given, or allowed, may be below what one task wants at once. */
static int check_range (const struct aw_advice *advice,
                        uint32_t least,
                        uint32_t most,
                        struct aw_problems *problems)
{
    const struct aw_graph *graph = advice->workflow->graph;
    const struct aw_advise_args *args = advice->args;

    if (least <= most && (!args->nodes || least <= args->nodes))
        return 0;
    aw_problems_add (
        problems, false,
        "%s: tasks.%s: a task needs %u nodes, but there are %u: request more nodes, or "
        "fewer for the task",
        args->file, graph->sets[aw_sweep_widest (graph)].name, least,
        least > most ? most : args->nodes);
    return -1;
}

/* How far to go. 0, or -1 where --nodes is beyond it, or the nodes are fewer than a task wants. */
static int choose_range (struct aw_advice *advice,
                         struct aw_sweep_options *options,
                         struct aw_problems *problems)
{
    const struct aw_advise_args *args = advice->args;
    uint32_t most = least (least (AW_MAX_NODES, advice->node.nodes), advice->offer->job_nodes);

    if (args->nodes > most) {
        aw_problems_add (problems, false,
                         "--nodes=%u: a job in partition \"%s\" can have %u such nodes",
                         args->nodes, advice->offer->partition, most);
        return -1;
    }
    advice->useful = aw_sweep_useful (advice->workflow->graph, &advice->node);
    most = least (least (most, args->max_nodes), advice->useful);
    if (!args->max_nodes)
        most = least (most, MOST_NODES);
    options->least = aw_sweep_least (advice->workflow->graph);
    options->also = args->nodes;
    options->most = most > args->nodes ? most : args->nodes;
    return check_range (advice, options->least, options->most, problems);
}

static bool in_budget (void *arg)
{
    const double *deadline = arg;

    return aw_clock_monotonic () < *deadline;
}

static int sweep (struct aw_advice *advice, struct aw_problems *problems)
{
    const struct aw_advise_args *args = advice->args;
    double deadline = aw_clock_monotonic () + args->budget;
    struct aw_sweep_options options = {
        .candidate = aw_candidate_find (args->policy),
        .conditions = { .latency = args->latency, .go_on = in_budget, .arg = &deadline },
    };
    struct aw_error err;

    if (choose_range (advice, &options, problems) < 0)
        return -1;
    errno = 0;
    if (aw_sweep_init (&advice->sweep, advice->workflow->graph, &advice->node, &options, &err)
        < 0) {
        aw_problems_add (problems, false, "%s: %s%s", args->file, err.text,
                         errno == ECANCELED ? ": give more with --budget" : "");
        return -1;
    }
    advice->chosen = args->nodes ? aw_sweep_find (&advice->sweep, args->nodes)
                                 : &advice->sweep.rows[advice->sweep.knee];
    if (!advice->chosen) {
        aw_problems_add (problems, false,
                         "%s: %u node%s not simulated in the time given: give more with --budget",
                         args->file, args->nodes, args->nodes == 1 ? " was" : "s were");
        return -1;
    }
    return 0;
}

static int find_limit (struct aw_advice *advice,
                       const struct aw_samples *samples,
                       struct aw_problems *problems)
{
    struct aw_error err;

    if (aw_advise_limit (advice, samples, &err) == 0)
        return 0;
    aw_problems_add (problems, false, "%s: %s", advice->args->file, err.text);
    return -1;
}

static int write_script (const struct aw_advice *advice, struct aw_problems *problems)
{
    const struct aw_advise_args *args = advice->args;
    struct aw_textbuf text = { 0 };
    struct aw_error err;
    int rc;

    aw_advise_script (advice, &text);
    rc = aw_advise_write (&text, args->script, args->force, &err);
    if (rc < 0)
        aw_problems_add (problems, false, "%s: %s", args->script, err.text);
    aw_textbuf_finish (&text);
    return rc;
}

static int print_advice (const struct aw_advice *advice, struct aw_problems *problems)
{
    struct aw_textbuf out = { 0 };

    if (advice->args->json)
        aw_advise_json (advice, &out);
    else
        aw_advise_text (advice, &out);
    return aw_report_write_out (&out, problems);
}

/* Finds errors before any simulation. */
static int prepare (struct aw_advice *advice,
                    struct aw_workflow *workflow,
                    struct aw_samples *samples,
                    struct aw_problems *problems)
{
    const struct aw_advise_args *args = advice->args;
    int rc = 0;

    if (args->script && !args->force && access (args->script, F_OK) == 0) {
        aw_problems_add (problems, false, "%s: exists: give --force to overwrite it", args->script);
        rc = -1;
    }
    if (rc == 0)
        rc = aw_model_durations (workflow->graph, &args->durations, samples, problems);
    if (rc == 0)
        rc = aw_model_missing (workflow->graph, args->file, problems);
    return rc == 0 ? choose_kind (advice, problems) : rc;
}

static int advise (const struct aw_advise_args *args,
                   const struct aw_offer *offer,
                   struct aw_problems *problems)
{
    struct aw_demand node = aw_largest_node (offer->kinds, offer->n_kinds);
    struct aw_workflow_input input = { .start = true,
                                       .parameters = &args->parameters,
                                       .standard_input = args->standard_input,
                                       .node = &node };
    struct aw_workflow *workflow = aw_workflow_load_with (args->file, &input, problems);
    struct aw_advice advice = { .args = args, .workflow = workflow, .offer = offer };
    struct aw_samples samples = { 0 };
    int rc = workflow ? prepare (&advice, workflow, &samples, problems) : -1;

    if (rc == 0)
        rc = sweep (&advice, problems);
    if (rc == 0)
        rc = find_limit (&advice, &samples, problems);
    if (rc == 0 && args->script)
        rc = write_script (&advice, problems);
    if (rc == 0)
        rc = print_advice (&advice, problems);
    aw_ensemble_finish (&advice.runs);
    aw_plan_finish (&advice.plan);
    aw_spread_finish (&advice.spread);
    aw_samples_finish (&samples);
    aw_sweep_finish (&advice.sweep);
    aw_workflow_destroy (workflow);
    return rc;
}

static int run (int argc, char **argv)
{
    struct aw_advise_args args;
    struct aw_problems problems;
    struct aw_offer offer;
    int status = AW_EXIT_INPUT;

    aw_advise_args_parse (&args, argc, argv);
    aw_problems_init (&problems);
    if (aw_offer_init (&offer, &args, &problems) == 0 && advise (&args, &offer, &problems) == 0)
        status = AW_EXIT_OK;
    aw_problems_print (&problems, stderr);
    aw_offer_finish (&offer);
    aw_problems_finish (&problems);
    aw_strings_finish (&args.parameters);
    aw_strings_finish (&args.durations);
    return status;
}

const struct aw_command aw_command_advise = {
    .name = "advise",
    .summary = "recommend a number of nodes, and write a batch script",
    .run = run,
};
