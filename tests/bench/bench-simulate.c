/* SPDX-License-Identifier: Apache-2.0 */
/* Simulates one made-up workflow and says how fast, in one line: "KIND TASKS SETS NODES DECISIONS
 * SECONDS DECISIONS/S PEAK-MB END SUM". SUM is a checksum of all starts: equal sums mean equal
 * decisions.
 *
 *     bench-simulate KIND TASKS SETS NODES CPUS GPUS
 *
 * KIND, by what the sets wait for and how many different demands they have:
 *
 *   chain    each set waits for the previous one
 *   index    as chain, task by task
 *   keys     as chain, by key: ten tasks wait for ten
 *   layered  layers of 100 sets; each waits for three of the previous layer; twelve demands
 *   wide     no set waits: all are ready at once; twelve demands
 *   mixed    as layered; every set has its own demand
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "core/sched/sched.h"
#include "model/simulate.h"
#include "graphs.h"

struct sum {
    uint64_t value;
};

static void add (struct sum *sum, uint64_t value)
{
    sum->value = (sum->value ^ value) * UINT64_C (1099511628211);
}

static void observe (void *arg, const struct aw_event *ev)
{
    if (ev->type != AW_EVENT_START)
        return;
    add (arg, ev->task);
    add (arg, ev->node);
    add (arg, (uint64_t)(ev->t * 1000));
}

/* Does each set wait for the previous one? */
static bool is_chain (const char *kind)
{
    return strcmp (kind, "chain") == 0 || strcmp (kind, "index") == 0 || strcmp (kind, "keys") == 0;
}

static void demand (uint64_t *random, const char *kind, uint32_t *cpus, uint32_t *gpus)
{
    static const uint32_t like[][2] = { { 1, 0 },  { 2, 0 },  { 4, 0 },  { 8, 0 },
                                        { 16, 0 }, { 32, 0 }, { 1, 1 },  { 4, 1 },
                                        { 8, 1 },  { 8, 2 },  { 16, 4 }, { 64, 8 } };
    uint32_t i = graphs_below (random, sizeof (like) / sizeof (like[0]));
    uint32_t most_cpus = *cpus, most_gpus = *gpus;

    if (is_chain (kind)) {
        *cpus = 1;
        *gpus = 0;
    }
    else if (strcmp (kind, "mixed") == 0) {
        *cpus = 1 + graphs_below (random, most_cpus);
        *gpus = graphs_below (random, most_gpus + 1);
    }
    else {
        *cpus = like[i][0] < most_cpus ? like[i][0] : most_cpus;
        *gpus = like[i][1] < most_gpus ? like[i][1] : most_gpus;
    }
}

static void connect (struct aw_graph *g, uint64_t *random, const char *kind, uint32_t set)
{
    uint32_t layer = 100, groups = (g->sets[set].count + 9) / 10;
    struct aw_edge edge = { .set = set - 1,
                            .by = strcmp (kind, "index") == 0 ? AW_BY_INDEX : AW_BY_SET };

    if (strcmp (kind, "keys") == 0 && set > 0)
        graphs_keyed_edge (g, set, edge, groups, random);
    else if (is_chain (kind) && set > 0)
        aw_graph_add_edge (g, set, edge);
    if ((strcmp (kind, "layered") != 0 && strcmp (kind, "mixed") != 0) || set < layer)
        return;
    for (int i = 0; i < 3; i++) {
        uint32_t before = (set / layer - 1) * layer + graphs_below (random, layer);

        aw_graph_add_edge (g, set, (struct aw_edge){ .set = before, .by = AW_BY_SET });
    }
}

static struct aw_graph *make (
    const char *kind, uint32_t tasks, uint32_t sets, uint32_t cpus, uint32_t gpus)
{
    struct aw_graph *g = aw_graph_create ();
    uint64_t random = 12345;

    for (uint32_t s = 0; s < sets; s++) {
        uint32_t c = cpus, d = gpus;
        char name[16];

        snprintf (name, sizeof (name), "s%u", s);
        demand (&random, kind, &c, &d);
        graphs_set (g, name, tasks / sets, c, d, 10 + graphs_below (&random, 100));
    }
    for (uint32_t s = 0; s < sets; s++)
        connect (g, &random, kind, s);
    if (aw_graph_finalize (g, NULL) < 0) {
        aw_graph_destroy (g);
        return NULL;
    }
    return g;
}

static double now (void)
{
    struct timespec t;

    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main (int argc, char **argv)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct sum sum = { UINT64_C (14695981039346656037) };
    struct aw_simulation sim = { .observe = observe, .arg = &sum };
    struct aw_simulated result;
    struct aw_sched *sched;
    struct aw_graph *g;
    struct aw_error err = { "" };
    struct rusage usage;
    uint32_t n[5];
    double start;

    if (argc != 7) {
        fprintf (stderr,
                 "usage: %s chain|index|keys|layered|wide|mixed TASKS SETS NODES CPUS GPUS\n",
                 argv[0]);
        return 2;
    }
    for (int i = 0; i < 5; i++)
        n[i] = (uint32_t)strtoul (argv[i + 2], NULL, 10);
    start = now ();
    g = make (argv[1], n[0], n[1], n[3], n[4]);
    sched = g ? aw_sched_create (g, &config, &err) : NULL;
    if (!sched || aw_simulate_add_nodes (sched, n[2], n[3], n[4], 0, &err) < 0
        || aw_simulate (sched, &sim, &result, &err) < 0) {
        fprintf (stderr, "%s\n", err.text);
        return 1;
    }
    start = now () - start;
    getrusage (RUSAGE_SELF, &usage);
    printf ("%-8s %8u %6u %5u %8" PRIu64 " %8.2f %9.0f %6.0f %10.1f %016" PRIx64 "\n", argv[1],
            n[0], n[1], n[2], result.decisions, start, (double)result.decisions / start,
            (double)usage.ru_maxrss / 1024, result.end, sum.value);
    aw_sched_destroy (sched);
    aw_graph_destroy (g);
    return 0;
}
