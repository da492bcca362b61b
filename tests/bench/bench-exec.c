/* SPDX-License-Identifier: Apache-2.0 */
/* Execution alone, without scheduler and journal: how much the agent and its connection cost beside a bare posix_spawn
 * loop over the same program, in the same run.
 *
 *     bench-exec [TASKS [WIDTH [PROGRAM]]]     defaults: 2000 16 /bin/true
 *
 * First a wide run (WIDTH at a time), then a chain of a tenth of TASKS, each after the other. Five rounds, medians. Output goes to
 * /dev/null in both.
 */
#include "config.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/local.h"
#include "coord/exec_agents.h"
#include "util/clock.h"

enum { ROUNDS = 5 };

struct bench {
    struct event_base *base;
    struct aw_exec *exec;
    char *program;
    int to_start;
    int to_finish;
    double ended;
};

static void die (const char *what)
{
    fprintf (stderr, "bench-exec: %s\n", what);
    exit (1);
}

/* The floor. */

static void spawn_one (char *program)
{
    char *argv[] = { program, NULL };
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0);
    if (posix_spawn (&pid, program, &actions, NULL, argv, environ) != 0)
        die ("posix_spawn fails");
    posix_spawn_file_actions_destroy (&actions);
}

static double loop (char *program, int n, int width)
{
    double start = aw_clock_monotonic ();
    int running = 0;

    while (n > 0 || running > 0) {
        while (n > 0 && running < width) {
            spawn_one (program);
            n--;
            running++;
        }
        if (waitpid (-1, NULL, 0) > 0)
            running--;
    }
    return aw_clock_monotonic () - start;
}

/* Ours. */

static void start_one (struct bench *bench)
{
    char *argv[] = { bench->program, NULL };
    char *env[] = { "ASYNC_WORKFLOW_TASK=bench@0[1]", "ASYNC_WORKFLOW_INDEX=1", "ASYNC_WORKFLOW_ITERATION=0",
                    "ASYNC_WORKFLOW_ATTEMPT=0", "ASYNC_WORKFLOW_RUN=/tmp/bench", NULL };
    struct aw_launch launch;
    struct aw_error err;

    aw_launch_init (&launch);
    launch.task = (uint32_t)bench->to_start--;
    launch.argv = argv;
    launch.env = env;
    launch.directory = "/";
    launch.out = launch.err = "/dev/null";
    if (aw_idset_add (&launch.cpus, 0, 0) < 0 || bench->exec->ops->start (bench->exec, 0, &launch, &err) < 0)
        die (err.text);
    aw_idset_finish (&launch.cpus);
}

static void on_node (void *arg, const struct aw_event *ev)
{
    struct bench *bench = arg;

    (void)ev;
    event_base_loopbreak (bench->base);
}

static void on_lost (void *arg, const struct aw_event *ev)
{
    (void)arg;
    die (ev->reason);
}

static void on_finish (void *arg, const struct aw_event *ev)
{
    struct bench *bench = arg;

    if (ev->status != AW_STATUS_COMPLETED)
        die (ev->reason ? ev->reason : "a task failed");
    if (bench->to_start > 0)
        start_one (bench);
    if (--bench->to_finish == 0)
        event_base_loopbreak (bench->base);
}

static void on_broken (void *arg, const struct aw_error *why)
{
    (void)arg;
    die (why->text);
}

static double ours (struct bench *bench, int n, int width)
{
    double start = aw_clock_monotonic ();

    bench->to_start = bench->to_finish = n;
    for (int i = 0; i < width && bench->to_start > 0; i++)
        start_one (bench);
    event_base_dispatch (bench->base);
    return aw_clock_monotonic () - start;
}

static int by_value (const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median (double *values)
{
    qsort (values, ROUNDS, sizeof (values[0]), by_value);
    return values[ROUNDS / 2];
}

int main (int argc, char **argv)
{
    int n = argc > 1 ? atoi (argv[1]) : 2000;
    int width = argc > 2 ? atoi (argv[2]) : 16;
    struct bench bench = { .program = argc > 3 ? argv[3] : "/bin/true" };
    const struct aw_exec_callbacks callbacks = { on_node, on_lost, on_finish, on_broken, NULL, &bench };
    double wide[2][ROUNDS], chain[2][ROUNDS];
    struct aw_idset cpus = { 0 };
    struct rusage usage;
    struct aw_agent_local local = { .cpus = &cpus };
    struct aw_error err;
    int links = n / 10 > 0 ? n / 10 : 1;

    if (n < 1 || width < 1 || aw_idset_add (&cpus, 0, (uint32_t)width - 1) < 0)
        die ("usage: bench-exec [TASKS [WIDTH [PROGRAM]]]");
    bench.base = event_base_new ();
    bench.exec = aw_exec_local_create (bench.base, &callbacks, aw_agent_serve_local, &local, &err);
    if (!bench.exec)
        die (err.text);
    event_base_dispatch (bench.base);
    for (int i = 0; i < ROUNDS; i++) {
        wide[0][i] = loop (bench.program, n, width);
        wide[1][i] = ours (&bench, n, width);
        chain[0][i] = loop (bench.program, links, 1);
        chain[1][i] = ours (&bench, links, 1);
    }
    getrusage (RUSAGE_SELF, &usage);
    printf ("%d x %s, width %d: loop %.3f s (%.0f/s), agent %.3f s (%.0f/s), ratio %.2f\n",
            n, bench.program, width, median (wide[0]), n / wide[0][ROUNDS / 2],
            median (wide[1]), n / wide[1][ROUNDS / 2], wide[1][ROUNDS / 2] / wide[0][ROUNDS / 2]);
    printf ("chain of %d: loop %.3f ms a link, agent %.3f ms a link, %.3f ms beyond\n", links,
            1e3 * median (chain[0]) / links, 1e3 * median (chain[1]) / links,
            1e3 * (chain[1][ROUNDS / 2] - chain[0][ROUNDS / 2]) / links);
    bench.exec->ops->destroy (bench.exec);
    event_base_free (bench.base);
    aw_idset_finish (&cpus);
    return 0;
}
