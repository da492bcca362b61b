/* SPDX-License-Identifier: Apache-2.0 */
/* What cancelling N tasks costs the scheduler, in seconds: "QUEUED RUNNING".
 *
 *     bench-cancel N
 *
 * QUEUED: N tasks that wait for GPUs, and that became ready one by one, in random order. RUNNING: N
 * tasks that run at the same time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/sched/sched.h"
#include "graphs.h"
#include "model/simulate.h"

enum { CPUS = 64 }; /* of a node */

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

__attribute__ ((noreturn)) static void die (const char *what)
{
    fprintf (stderr, "bench-cancel: %s\n", what);
    exit (1);
}

static void handle (struct aw_sched *s, struct aw_event ev)
{
    struct aw_error err;

    ev.t = aw_sched_now (s) + 0.001;
    if (aw_sched_handle (s, &ev, &err) < 0)
        die (err.text);
}

/* Carries out nothing; where NODE_OF is given, keeps the node of each start there. */
static void drain (struct aw_sched *s, uint32_t *node_of)
{
    struct aw_event action;

    while (aw_sched_next (s, &action))
        if (node_of && action.type == AW_EVENT_START)
            node_of[action.task] = action.node;
}

static void finish_all (struct aw_sched *s, uint32_t n, const uint32_t *node_of)
{
    uint32_t *order = calloc (n, sizeof (*order));
    uint64_t random = 7;

    if (!order)
        die ("out of memory");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = graphs_below (&random, i + 1);

        order[i] = order[k];
        order[k] = i;
    }
    for (uint32_t i = 0; i < n; i++) {
        handle (s, (struct aw_event){ .type = AW_EVENT_FINISH,
                                      .task = order[i],
                                      .node = node_of[order[i]],
                                      .status = AW_STATUS_COMPLETED,
                                      .seconds = 1 });
        drain (s, NULL);
    }
    free (order);
}

/* Seconds to cancel the N tasks from FIRST on, and to take the actions that follow. */
static double cancel (struct aw_sched *s, uint32_t first, uint32_t n)
{
    double began = now ();

    handle (s, (struct aw_event){ .type = AW_EVENT_CANCEL, .task = first, .count = n });
    drain (s, NULL);
    return now () - began;
}

/* Set "a" runs, all of it at the same time. With SUCCESSORS each of "b" waits for one of "a", and
 * there is one GPU for all of them. */
static double measure (uint32_t n, bool successors)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_graph *g = aw_graph_create ();
    uint32_t *node_of = calloc (2 * (size_t)n, sizeof (*node_of));
    struct aw_sched *s;
    double seconds;

    if (!node_of || !graphs_set (g, "a", n, 1, 0, 1)
        || (successors && !graphs_set (g, "b", n, 1, 1, 1)))
        die ("no graph");
    if (successors)
        graphs_edge (g, "b", "a", 0, 1);
    if (aw_graph_finalize (g, NULL) < 0 || !(s = aw_sched_create (g, &config, NULL))
        || aw_simulate_add_nodes (s, n / CPUS + 1, CPUS, 0, 0, NULL) < 0
        || aw_simulate_add_nodes (s, 1, 1, 1, 0, NULL) < 0)
        die ("no scheduler");
    drain (s, node_of);
    if (successors)
        finish_all (s, n, node_of);
    seconds = cancel (s, successors ? n : 0, n);
    aw_sched_destroy (s);
    aw_graph_destroy (g);
    free (node_of);
    return seconds;
}

int main (int argc, char **argv)
{
    long n = argc > 1 ? atol (argv[1]) : 0;

    if (n < 1 || n > 10000000)
        die ("usage: bench-cancel N");
    printf ("%.3f %.3f\n", measure ((uint32_t)n, true), measure ((uint32_t)n, false));
    return 0;
}
