/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_predict.h"

#include <inttypes.h>
#include <math.h>

#include "cmd/model.h"
#include "cmd/report.h"
#include "util/clock.h"

enum { INSTANCES_MAX = 4000 }; /* set instances beyond which the degrees alone would outlast any budget */

int aw_run_allocation (const struct aw_slurm_job *job, struct aw_allocation *allocation, struct aw_error *err)
{
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        const struct aw_slurm_node *node = &job->nodes[i];
        struct aw_node_shape shape = { 1, aw_idset_count (&node->cpus), node->n_gpus, 0 };

        if (aw_allocation_add (allocation, shape, err) < 0)
            return -1;
    }
    return 0;
}

static bool in_budget (void *arg)
{
    const double *deadline = arg;

    return aw_clock_monotonic () < *deadline;
}

/* "simulate, train": the sets whose duration is not known. How many there are. */
static uint32_t unknown_sets (const struct aw_graph *graph, struct aw_textbuf *out)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < graph->n_sets; s++) {
        if (!isnan (graph->sets[s].duration))
            continue;
        if (n < 4)
            aw_textbuf_printf (out, "%s%s", n ? ", " : "", graph->sets[s].name);
        n++;
    }
    if (n > 4)
        aw_textbuf_printf (out, " and %" PRIu32 " more", n - 4);
    return n;
}

/* The makespan by the candidate that runs with CONFIG; 0 where it was not tried. */
static double makespan (const struct aw_prediction *p, const struct aw_sched_config *config)
{
    for (uint32_t i = 0; i < aw_n_candidates; i++) {
        const struct aw_sched_config *tried = &aw_candidates[i].config;
        bool same = tried->mode == config->mode
                    && (config->mode == AW_MODE_SEQUENTIAL || tried->policy == config->policy);
        if (same && p->comparison.tried[i])
            return p->comparison.trials[i].t;
    }
    return 0;
}

static double simulate (const struct aw_workflow *workflow,
                        const struct aw_allocation *allocation,
                        const struct aw_sched_config *config,
                        double budget,
                        struct aw_textbuf *out)
{
    double deadline = aw_clock_monotonic () + budget, predicted = 0;
    struct aw_predict_options options = { .conditions = { .go_on = in_budget, .arg = &deadline } };
    struct aw_prediction prediction = { 0 };
    struct aw_model_page page = { workflow, allocation, &prediction, 0, NULL };
    struct aw_error err = { "" };

    if ((uint64_t)workflow->graph->n_sets * workflow->graph->iterations > INSTANCES_MAX)
        aw_textbuf_puts (out, "model: no prediction: the workflow is large: see async-workflow model\n");
    else if (aw_prediction_init (&prediction, workflow->graph, allocation, &options, &err) < 0)
        aw_textbuf_printf (out, "model: no prediction: %s\n", err.text);
    else if (isnan (prediction.t_async) || isnan (prediction.t_seq))
        aw_textbuf_printf (out, "model: no prediction within %.1f s: see async-workflow model\n", budget);
    else {
        aw_model_brief (&page, out);
        predicted = makespan (&prediction, config);
    }
    aw_prediction_finish (&prediction);
    return predicted;
}

double aw_run_predict (const struct aw_workflow *workflow,
                       const struct aw_allocation *allocation,
                       const struct aw_sched_config *config,
                       double budget,
                       int fd)
{
    struct aw_textbuf names = { 0 }, out = { 0 };
    double predicted = 0;

    if (unknown_sets (workflow->graph, &names) > 0)
        aw_textbuf_printf (&out, "model: no prediction: give the duration of %.*s\n", (int)names.len, names.data);
    else
        predicted = simulate (workflow, allocation, config, budget, &out);
    if (!out.failed)
        aw_report_write (&out, fd);
    aw_textbuf_finish (&names);
    aw_textbuf_finish (&out);
    return predicted;
}
