/* SPDX-License-Identifier: Apache-2.0 */
/* What planning again gains: random layered graphs are run (simulated) with durations that deviate
 * from what was planned with, in the order of the best policy, by the plan, and by the plan with
 * further plans whenever the run has departed from it. These know what the run has shown so far.
 *
 *     bench-replan GRAPHS EVALUATIONS SEEDS SPREAD [ERROR]
 *
 * ERROR: the means of the sets' durations are wrong by this part (standard deviation). Prints the
 * mean of each over the best policy, and the worst graph. The same figures on every machine.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/history/history.h"
#include "graphs.h"
#include "model/learn.h"
#include "model/predict.h"
#include "model/replan.h"
#include "model/simulate.h"

struct run {
    const struct aw_graph *graph;
    const struct aw_allocation *allocation;
    struct aw_history history;
    struct aw_spread *truth;
    uint32_t evaluations, ends, looked; /* finished tasks; and at the last look */
    double promised;
    uint32_t plans;
};

static double seconds (void *arg, const struct aw_event *start)
{
    const struct run *run = arg;

    return aw_spread_seconds (run->truth, run->graph, start->task, 0);
}

static void observe (void *arg, const struct aw_event *ev)
{
    struct run *run = arg;
    struct aw_error err;

    if (ev->type != AW_EVENT_END && aw_history_handle (&run->history, ev, &err) < 0) {
        fprintf (stderr, "%s\n", err.text);
        exit (1);
    }
    run->ends += ev->type == AW_EVENT_FINISH;
}

static int plan (struct run *run,
                 struct aw_sched *sched,
                 struct aw_spread *spread,
                 struct aw_error *err)
{
    struct aw_conditions conditions = { .spread = spread, .from = sched };
    struct aw_replan_limits limits = { run->evaluations, NULL, NULL };
    struct aw_replan again;
    double end;
    int rc = aw_replan_look (&end, &conditions, err);

    if (rc < 0 || !aw_replan_departed (end, run->promised, aw_sched_now (sched)))
        return rc;
    if (aw_replan (&again, &conditions, end, &limits, err) < 0)
        return -1;
    run->promised = again.end;
    run->plans += again.gain > 0;
    if (again.gain > 0)
        rc = aw_sched_follow (sched, again.plan.places, &again.plan.holds);
    aw_replan_finish (&again);
    return rc;
}

/* Looks each time when a twentieth of the tasks has ended. */
static int turn (void *arg, struct aw_sched *sched, struct aw_error *err)
{
    struct run *run = arg;
    struct aw_samples samples = { 0 };
    struct aw_spread spread = { 0 };
    int rc;

    if ((run->ends - run->looked) * 20 < run->graph->n_tasks || run->ends == run->graph->n_tasks)
        return 0;
    run->looked = run->ends;
    run->history.now = aw_sched_now (sched);
    rc = aw_learn (&samples, &run->history);
    if (rc == 0)
        rc = aw_spread_init (&spread, run->graph, &samples, NAN, err);
    if (rc == 0)
        rc = plan (run, sched, &spread, err);
    aw_spread_finish (&spread);
    aw_samples_finish (&samples);
    return rc;
}

static void join (struct run *run)
{
    const struct aw_node_shape *shape = &run->allocation->shapes[0];
    struct aw_event ev = { .type = AW_EVENT_NODE, .name = "n" };

    aw_idset_add (&ev.cpus, 0, shape->cpus - 1);
    if (shape->gpus)
        aw_idset_add (&ev.gpus, 0, shape->gpus - 1);
    for (; ev.node < shape->nodes; ev.node++)
        aw_history_handle (&run->history, &ev, NULL);
    aw_idset_finish (&ev.cpus);
    aw_idset_finish (&ev.gpus);
}

/* The makespan by PLAN (NULL: by the policy), with plans of its own if AGAIN. */
static double play (struct run *run,
                    const struct aw_sched_config *config,
                    const struct aw_found_plan *first,
                    bool again)
{
    static const struct aw_conditions plain;
    struct aw_simulation sim = { .seconds = seconds, .arg = run };
    struct aw_sched *sched = aw_trial_begin (run->graph, run->allocation, config, &plain, NULL);
    struct aw_simulated result;
    struct aw_error err = { "" };

    if (again) {
        sim.observe = observe;
        sim.turn = turn;
    }
    run->ends = run->looked = 0;
    if (!sched || aw_history_init (&run->history, run->graph, NULL) < 0)
        exit (1);
    join (run);
    if (aw_trial_follow (sched, first, &err) < 0 || aw_simulate (sched, &sim, &result, &err) < 0
        || result.code != 0) {
        fprintf (stderr, "%s\n", err.text);
        exit (1);
    }
    aw_history_finish (&run->history);
    aw_sched_destroy (sched);
    return result.end;
}

struct sums {
    double plan, again, worst_plan, worst_again;
    uint32_t n, plans;
};

/* The durations of one run: each set's mean off by ERROR, tasks spread around it. */
static void draw (struct aw_spread *truth, uint64_t *state, double error)
{
    aw_spread_seed (truth, 1000 + graphs_below (state, 1000000));
    for (uint32_t s = 0; s < truth->n_sets; s++)
        truth->sets[s].shift = error * (graphs_below (state, 3464) / 1000. - 1.732);
}

static void add (
    struct sums *sums, struct run *run, const struct aw_prediction *p, uint32_t seeds, double error)
{
    const struct aw_sched_config *config = &aw_candidates[p->comparison.best].config;
    double rule = 0, plan_t = 0, again = 0;
    uint64_t state = 99;

    for (uint32_t i = 0; i < seeds; i++) {
        draw (run->truth, &state, error);
        rule += play (run, config, NULL, false);
        plan_t += play (run, config, &p->plan, false);
        run->promised = p->t_async;
        again += play (run, config, &p->plan, true);
    }
    sums->n++;
    sums->plan += plan_t / rule;
    sums->again += again / rule;
    sums->worst_plan = fmax (sums->worst_plan, plan_t / rule);
    sums->worst_again = fmax (sums->worst_again, again / rule);
}

int main (int argc, char **argv)
{
    uint32_t graphs = argc > 1 ? (uint32_t)atoi (argv[1]) : 100;
    struct aw_predict_options options = { .evaluations =
                                              argc > 2 ? (uint32_t)atoi (argv[2]) : 300 };
    uint32_t seeds = argc > 3 ? (uint32_t)atoi (argv[3]) : 4;
    double variation = argc > 4 ? atof (argv[4]) : 0.3, error = argc > 5 ? atof (argv[5]) : 0;
    struct sums sums = { 0 };
    uint64_t state = 4711;

    for (uint32_t i = 0; i < graphs; i++) {
        uint32_t cpus = 4 + graphs_below (&state, 60), gpus = graphs_below (&state, 7);
        struct aw_graph *g = graphs_layered (&state, cpus, gpus);
        struct aw_allocation a = { 0 };
        struct aw_spread truth = { 0 };
        struct aw_prediction p;

        aw_allocation_add (
            &a, (struct aw_node_shape){ 1 + graphs_below (&state, 5), cpus, gpus, 0 }, NULL);
        if (!g || aw_prediction_init (&p, g, &a, &options, NULL) < 0
            || aw_spread_init (&truth, g, NULL, variation, NULL) < 0)
            return 1;
        if (aw_candidates[p.comparison.best].config.mode == AW_MODE_ASYNC) {
            struct run run = {
                .graph = g, .allocation = &a, .truth = &truth, .evaluations = options.evaluations
            };

            add (&sums, &run, &p, seeds, error);
            sums.plans += run.plans;
        }
        aw_spread_finish (&truth);
        aw_prediction_finish (&p);
        aw_allocation_finish (&a);
        aw_graph_destroy (g);
    }
    printf ("%u graphs, %u runs, %u further plans\n", sums.n, sums.n * seeds, sums.plans);
    printf ("against the best policy: plan %+.2f %%, worst graph %+.2f %%; with further plans "
            "%+.2f %%, worst graph %+.2f %%\n",
            100 * (sums.plan / sums.n - 1), 100 * (sums.worst_plan - 1),
            100 * (sums.again / sums.n - 1), 100 * (sums.worst_again - 1));
    return 0;
}
