/* SPDX-License-Identifier: Apache-2.0 */
/* model F: predicts the run of a workflow on an allocation. */
#include "cmd/model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/command.h"
#include "cmd/report/report.h"
#include "util/clock.h"

static int print (const struct aw_model_page *page, bool json, struct aw_problems *problems)
{
    struct aw_textbuf out = { 0 };

    if (json)
        aw_model_json (page, &out);
    else
        aw_model_text (page, &out);
    return aw_report_write_out (&out, problems);
}

static bool search_on (void *arg, double part)
{
    const struct aw_model_watch *watch = arg;

    return isinf (watch->seconds) || aw_clock_monotonic () < watch->begin + part * watch->seconds;
}

void aw_model_limit_search (struct aw_predict_options *options,
                            struct aw_model_watch *watch,
                            double seconds,
                            uint32_t evaluations,
                            double budget)
{
    if (isnan (seconds))
        seconds = evaluations ? INFINITY : budget;
    *watch = (struct aw_model_watch){ aw_clock_monotonic (), seconds };
    options->evaluations = seconds == 0 ? 0 : evaluations ? evaluations : UINT32_MAX;
    options->search_on = search_on;
    options->search_arg = watch;
}

/* Prints PAGE, with what services hold. */
static int print_with_services (struct aw_model_page *page,
                                const struct aw_model_args *args,
                                struct aw_problems *problems)
{
    const struct aw_graph *graph = page->workflow->graph;
    struct aw_service_times *times = calloc ((size_t)graph->n_sets + 1, sizeof (*times));
    struct aw_error err;
    int rc = times ? aw_service_use (graph, page->allocation, page->prediction, args->latency,
                                     times, &err)
                   : aw_error_set (&err, "out of memory");

    if (rc < 0)
        aw_problems_add (problems, false, "%s: %s", args->file, err.text);
    else {
        page->services = times;
        rc = print (page, args->json, problems);
    }
    free (times);
    return rc;
}

static int predict (const struct aw_model_args *args,
                    const struct aw_workflow *workflow,
                    const struct aw_allocation *allocation,
                    const struct aw_samples *samples,
                    struct aw_problems *problems)
{
    struct aw_spread spread = { 0 };
    struct aw_model_watch watch;
    struct aw_predict_options options = {
        .conditions = { .latency = args->latency, .spread = &spread },
        .spread = &spread,
        .seeds = args->seeds,
    };
    struct aw_prediction prediction;
    struct aw_model_page page = { .workflow = workflow,
                                  .allocation = allocation,
                                  .prediction = &prediction,
                                  .latency = args->latency,
                                  .durations = &args->durations,
                                  .spread = &spread };
    struct aw_error err;
    int rc = aw_spread_init (&spread, workflow->graph, samples, args->spread, &err);

    aw_model_limit_search (&options, &watch, args->plan_time, args->plan_evaluations,
                           aw_plan_budget (workflow->graph, allocation));
    if (rc == 0)
        rc = aw_prediction_init (&prediction, workflow->graph, allocation, &options, &err);
    if (rc < 0)
        aw_problems_add (problems, false, "%s: %s", args->file, err.text);
    else {
        rc = workflow->graph->n_services ? print_with_services (&page, args, problems)
                                         : print (&page, args->json, problems);
        aw_prediction_finish (&prediction);
    }
    aw_spread_finish (&spread);
    return rc;
}

static int model (const struct aw_model_args *args,
                  const struct aw_allocation *allocation,
                  struct aw_problems *problems)
{
    struct aw_demand node = aw_largest_node (allocation->shapes, allocation->n_shapes);
    struct aw_workflow_input input = { .start = true,
                                       .parameters = &args->parameters,
                                       .standard_input = args->standard_input,
                                       .node = &node };
    struct aw_workflow *workflow = aw_workflow_load_with (args->file, &input, problems);
    struct aw_samples samples = { 0 };
    int rc = workflow ? 0 : -1;

    if (rc == 0)
        rc = aw_model_durations (workflow->graph, &args->durations, &samples, problems);
    if (rc == 0)
        rc = aw_model_missing (workflow->graph, args->file, problems);
    if (rc == 0)
        rc = predict (args, workflow, allocation, &samples, problems);
    aw_samples_finish (&samples);
    aw_workflow_destroy (workflow);
    return rc;
}

static int run (int argc, char **argv)
{
    struct aw_allocation allocation;
    struct aw_problems problems;
    struct aw_model_args args;
    int status = AW_EXIT_INPUT;

    aw_model_args_parse (&args, argc, argv);
    aw_problems_init (&problems);
    if (aw_model_allocation (&args, &allocation, &problems) == 0
        && model (&args, &allocation, &problems) == 0)
        status = AW_EXIT_OK;
    aw_problems_print (&problems, stderr);
    aw_allocation_finish (&allocation);
    aw_problems_finish (&problems);
    aw_strings_finish (&args.parameters);
    aw_strings_finish (&args.durations);
    return status;
}

const struct aw_command aw_command_model = {
    .name = "model",
    .summary = "predict the run of a workflow on an allocation",
    .run = run,
};
