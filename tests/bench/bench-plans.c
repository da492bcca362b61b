/* SPDX-License-Identifier: Apache-2.0 */
/* What plans gain and risk on random layered graphs: the makespan of the best policy, and of the
 * plan that the model finds, with durations that deviate from what was planned with.
 *
 *     bench-plans GRAPHS EVALUATIONS SEEDS [WORKFLOW]...
 *
 * Prints the mean makespan over the larger bound, of the best policies and of the plans; then for
 * each spread of the durations the mean of plan over policy, the same for the plan's order alone,
 * and the worst graph; and the same of plans that were made with the knowledge of a spread of 0.3.
 * The same figures on every machine.
 *
 * With workflow files, the same for these, on 4 nodes of 16 CPUs and 4 GPUs, after a line for each:
 * the makespan of the best policy with exact durations and the order that a run follows (a plan, or
 * that policy) against it; the same with a spread of 0.3 that is known before; and that order
 * against the policy that is the best with this spread, which nobody knows before.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "graphs.h"
#include "io/workflow/workflow.h"
#include "model/predict.h"

static const double spreads[] = { 0, 0.02, 0.1, 0.3, 0.6 };

enum { SPREADS = sizeof (spreads) / sizeof (spreads[0]) };

static const double known_spread = 0.3;

struct sums {
    double policy, plan; /* over the bound */
    double ratio[SPREADS], order[SPREADS], worst[SPREADS];
    double known, worst_known; /* plans that were made with known_spread */
    uint32_t n, plans, with_holds;
};

static struct aw_allocation nodes (uint32_t n, uint32_t cpus, uint32_t gpus)
{
    struct aw_allocation a = { 0 };

    aw_allocation_add (&a, (struct aw_node_shape){ n, cpus, gpus, 0 }, NULL);
    return a;
}

/* Mean makespan with PLAN (NULL: none) over SEEDS. */
static double mean (const struct aw_graph *g,
                    const struct aw_allocation *a,
                    uint32_t way,
                    const struct aw_found_plan *plan,
                    double variation,
                    uint32_t seeds)
{
    struct aw_spread spread = { 0 };
    struct aw_conditions conditions = { .spread = &spread, .plan = plan };
    double sum = 0;

    if (aw_spread_init (&spread, g, NULL, variation, NULL) < 0)
        exit (1);
    for (uint32_t i = 0; i < seeds; i++) {
        struct aw_trial trial;

        aw_spread_seed (&spread, 1000 + i);
        if (aw_trial_run (g, a, &aw_candidates[way].config, &conditions, &trial, NULL) < 0)
            exit (1);
        sum += trial.t;
    }
    aw_spread_finish (&spread);
    return sum / seeds;
}

static void add (struct sums *sums,
                 const struct aw_graph *g,
                 const struct aw_allocation *a,
                 const struct aw_prediction *p,
                 uint32_t seeds)
{
    uint32_t way = p->comparison.best;
    struct aw_found_plan order = p->plan;

    order.holds.n = 0;
    sums->n++;
    sums->plans += aw_plan_is_one (&p->plan);
    sums->with_holds += p->plan.holds.n > 0;
    sums->policy += p->comparison.trials[way].t / p->bounds.lower;
    sums->plan += p->t_async / p->bounds.lower;
    for (int i = 0; i < SPREADS; i++) {
        double policy = mean (g, a, way, NULL, spreads[i], seeds);
        double ratio = mean (g, a, way, &p->plan, spreads[i], seeds) / policy;

        sums->ratio[i] += ratio;
        sums->order[i] += mean (g, a, way, &order, spreads[i], seeds) / policy;
        sums->worst[i] = fmax (sums->worst[i], ratio);
    }
}

/* P: with exact durations. Seconds by the best policy, and by the order of a run against it. */
static void print_exact (const char *file, const struct aw_graph *g, const struct aw_prediction *p)
{
    uint32_t best = p->comparison.best;
    double t = p->comparison.trials[best].t;

    printf ("%s: %u sets, %s: %.1f s, auto %+.2f %%; ", file, g->n_sets, aw_candidates[best].name,
            t, 100 * (p->t_async / t - 1));
}

/* P: with a spread that is known. */
static void add_known (struct sums *sums,
                       const struct aw_graph *g,
                       const struct aw_allocation *a,
                       const struct aw_prediction *p,
                       uint32_t seeds,
                       bool line)
{
    uint32_t best = p->comparison.best;
    double plan = mean (g, a, best, &p->plan, known_spread, seeds), policy = 0, least = INFINITY;

    for (uint32_t way = 0; way < aw_n_candidates; way++) {
        double t = line || way == best ? mean (g, a, way, NULL, known_spread, seeds) : INFINITY;

        least = fmin (least, t);
        policy = way == best ? t : policy;
    }
    sums->known += plan / policy;
    sums->worst_known = fmax (sums->worst_known, plan / policy);
    if (line)
        printf ("spread %.1f: %.1f s, auto %+.2f %%, %+.2f %% against the best\n", known_spread,
                policy, 100 * (plan / policy - 1), 100 * (plan / least - 1));
    fflush (stdout);
}

static void print (const struct sums *sums)
{
    printf ("%u graphs, %u plans, %u of them with holds\n", sums->n, sums->plans, sums->with_holds);
    printf ("makespan over the larger bound: best policy %.4f, auto %.4f\n", sums->policy / sums->n,
            sums->plan / sums->n);
    for (int i = 0; i < SPREADS; i++)
        printf ("spread %.2f: plan %+.2f %%, its order alone %+.2f %%, worst graph %+.2f %%, "
                "against the best policy\n",
                spreads[i], 100 * (sums->ratio[i] / sums->n - 1),
                100 * (sums->order[i] / sums->n - 1), 100 * (sums->worst[i] - 1));
    printf ("spread %.2f, known: plan %+.2f %%, worst graph %+.2f %%\n", known_spread,
            100 * (sums->known / sums->n - 1), 100 * (sums->worst_known - 1));
}

/* The run of G on A, with SPREAD where that is known (NULL: it is not). */
static void predict (struct aw_prediction *p,
                     const struct aw_graph *g,
                     const struct aw_allocation *a,
                     uint32_t evaluations,
                     struct aw_spread *spread)
{
    struct aw_predict_options options = { .conditions = { .spread = spread },
                                          .evaluations = evaluations };
    struct aw_error err;

    if (aw_prediction_init (p, g, a, &options, &err) == 0)
        return;
    fprintf (stderr, "%s\n", err.text);
    exit (1);
}

/* FILE (NULL: none) has G. */
static void try (struct sums *sums,
                 const char *file,
                 const struct aw_graph *g,
                 const struct aw_allocation *a,
                 uint32_t evaluations,
                 uint32_t seeds)
{
    struct aw_spread spread;
    struct aw_prediction p;
    bool async;

    if (aw_spread_init (&spread, g, NULL, known_spread, NULL) < 0)
        exit (1);
    predict (&p, g, a, evaluations, NULL);
    async = aw_candidates[p.comparison.best].config.mode == AW_MODE_ASYNC;
    if (file)
        print_exact (file, g, &p);
    if (async)
        add (sums, g, a, &p, seeds);
    aw_prediction_finish (&p);
    predict (&p, g, a, evaluations, &spread);
    if (file || async)
        add_known (async ? sums : &(struct sums){ 0 }, g, a, &p, seeds, file);
    aw_prediction_finish (&p);
    aw_spread_finish (&spread);
}

static void try_random (struct sums *sums, uint64_t *state, uint32_t evaluations, uint32_t seeds)
{
    uint32_t cpus = 4 + graphs_below (state, 60), gpus = graphs_below (state, 7);
    struct aw_graph *g = graphs_layered (state, cpus, gpus);
    struct aw_allocation a = nodes (1 + graphs_below (state, 5), cpus, gpus);

    if (!g)
        exit (1);
    try (sums, NULL, g, &a, evaluations, seeds);
    aw_allocation_finish (&a);
    aw_graph_destroy (g);
}

static void try_file (struct sums *sums, const char *file, uint32_t evaluations, uint32_t seeds)
{
    struct aw_allocation a = nodes (4, 16, 4);
    struct aw_problems problems;
    struct aw_workflow *w;

    aw_problems_init (&problems);
    w = aw_workflow_load (file, &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    if (!w)
        exit (2);
    try (sums, file, w->graph, &a, evaluations, seeds);
    aw_workflow_destroy (w);
    aw_allocation_finish (&a);
}

int main (int argc, char **argv)
{
    uint32_t graphs = argc > 1 ? (uint32_t)atoi (argv[1]) : 300;
    uint32_t evaluations = argc > 2 ? (uint32_t)atoi (argv[2]) : 500;
    uint32_t seeds = argc > 3 ? (uint32_t)atoi (argv[3]) : 10;
    struct sums sums = { 0 };
    uint64_t state = 4711;

    for (uint32_t i = 0; i < graphs; i++)
        try_random (&sums, &state, evaluations, seeds);
    for (int i = 4; i < argc; i++)
        try_file (&sums, argv[i], evaluations, seeds);
    print (&sums);
    return 0;
}
