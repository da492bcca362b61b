/* SPDX-License-Identifier: Apache-2.0 */
/* Execution alone, without scheduler and journal: how much the agent and its connection cost beside
 * a bare posix_spawn loop over the same program, in the same run.
 *
 *     bench-exec [TASKS [WIDTH [PROGRAM]]]     defaults: 2000 16 /bin/true
 *
 * First a wide run (WIDTH at a time), then a chain of a tenth of TASKS, each after the other. Five
 * rounds, medians. Output goes to /dev/null in both. CPU time is that of the processes themselves,
 * without the tasks': what a launch costs the coordinator's side and the agent, beside what it
 * costs the loop.
 */
#include "config.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/local.h"
#include "coord/agents/exec_agents.h"
#include "util/clock.h"

enum { ROUNDS = 5 };

struct bench {
    struct event_base *base;
    struct aw_exec *exec;
    char *program;
    int to_start;
    int to_finish;
    pid_t agent;
};

static void die (const char *what)
{
    fprintf (stderr, "bench-exec: %s\n", what);
    exit (1);
}

/* Seconds on a CPU, of one process alone. */
static double cpu_of (pid_t pid)
{
    unsigned long long ns = 0;
    char path[64];
    FILE *file;

    snprintf (path, sizeof (path), "/proc/%d/schedstat", (int)pid);
    file = fopen (path, "re");
    if (!file || fscanf (file, "%llu", &ns) != 1)
        die ("/proc/PID/schedstat cannot be read");
    fclose (file);
    return 1e-9 * (double)ns;
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

static void start_program (struct bench *bench, char *const *argv, const char *out)
{
    char *env[] = { "ASYNC_WORKFLOW_TASK=bench@0[1]", "ASYNC_WORKFLOW_INDEX=1",
                    "ASYNC_WORKFLOW_ITERATION=0",     "ASYNC_WORKFLOW_ATTEMPT=0",
                    "ASYNC_WORKFLOW_RUN=/tmp/bench",  NULL };
    struct aw_launch launch;
    struct aw_error err;

    aw_launch_init (&launch);
    launch.task = (uint32_t)bench->to_start--;
    launch.argv = (char **)argv;
    launch.env = env;
    launch.directory = "/";
    launch.out = launch.err = (char *)out;
    if (aw_idset_add (&launch.cpus, 0, 0) < 0
        || bench->exec->ops->start (bench->exec, 0, &launch, &err) < 0)
        die (err.text);
    aw_idset_finish (&launch.cpus);
}

static void start_one (struct bench *bench)
{
    char *argv[] = { bench->program, NULL };

    start_program (bench, argv, "/dev/null");
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

/* A task knows who its parent is. */
static void find_agent (struct bench *bench)
{
    char *argv[] = { "/bin/sh", "-c", "echo $PPID", NULL };
    char path[] = "/tmp/aw-bench.XXXXXX";
    int fd = mkstemp (path);
    char text[32] = "";

    bench->to_start = bench->to_finish = 1;
    start_program (bench, argv, path);
    event_base_dispatch (bench->base);
    if (fd < 0 || read (fd, text, sizeof (text) - 1) <= 0)
        die ("the agent cannot be found");
    bench->agent = (pid_t)atoi (text);
    close (fd);
    unlink (path);
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
    const struct aw_exec_callbacks callbacks = { .node_joined = on_node,
                                                 .node_lost = on_lost,
                                                 .task_finished = on_finish,
                                                 .broken = on_broken,
                                                 .arg = &bench };
    double wide[2][ROUNDS], chain[2][ROUNDS], loop_cpu[ROUNDS], self_cpu[ROUNDS], agent_cpu[ROUNDS];
    struct aw_idset cpus = { 0 };
    struct aw_agent_local local = { .cpus = &cpus };
    struct aw_error err;
    int links = n / 10 > 0 ? n / 10 : 1;

    if (n < 1 || width < 1 || aw_idset_add (&cpus, 0, (uint32_t)width - 1) < 0)
        die ("usage: bench-exec [TASKS [WIDTH [PROGRAM]]]");
    bench.base = event_base_new ();
    bench.exec =
        aw_exec_local_create (bench.base, &callbacks, aw_agent_serve_local, &local, -1, &err);
    if (!bench.exec)
        die (err.text);
    event_base_dispatch (bench.base);
    find_agent (&bench);
    for (int i = 0; i < ROUNDS; i++) {
        double self = cpu_of (getpid ());
        double agent;

        wide[0][i] = loop (bench.program, n, width);
        loop_cpu[i] = cpu_of (getpid ()) - self;
        self = cpu_of (getpid ());
        agent = cpu_of (bench.agent);
        wide[1][i] = ours (&bench, n, width);
        self_cpu[i] = cpu_of (getpid ()) - self;
        agent_cpu[i] = cpu_of (bench.agent) - agent;
        chain[0][i] = loop (bench.program, links, 1);
        chain[1][i] = ours (&bench, links, 1);
    }
    printf ("%d x %s, width %d: loop %.3f s (%.0f/s), agent %.3f s (%.0f/s), ratio %.2f\n", n,
            bench.program, width, median (wide[0]), n / wide[0][ROUNDS / 2], median (wide[1]),
            n / wide[1][ROUNDS / 2], wide[1][ROUNDS / 2] / wide[0][ROUNDS / 2]);
    printf ("CPU a launch: loop %.0f us; coordinator's side %.0f us, agent %.0f us\n",
            1e6 * median (loop_cpu) / n, 1e6 * median (self_cpu) / n, 1e6 * median (agent_cpu) / n);
    printf ("chain of %d: loop %.3f ms a link, agent %.3f ms a link, %.3f ms beyond\n", links,
            1e3 * median (chain[0]) / links, 1e3 * median (chain[1]) / links,
            1e3 * (chain[1][ROUNDS / 2] - chain[0][ROUNDS / 2]) / links);
    bench.exec->ops->destroy (bench.exec);
    event_base_free (bench.base);
    aw_idset_finish (&cpus);
    return 0;
}
