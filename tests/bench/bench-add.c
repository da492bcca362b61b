/* SPDX-License-Identifier: Apache-2.0 */
/* add RUN FILES TASKS: adds TASKS sets of one task each in FILES workflows, then cancels them.
 * Prints, in microseconds a task, what that was for the coordinator of the run directory RUN in CPU
 * time, how much of that outside of the kernel, and for itself in time.
 */
#include <async-workflow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* CPU time of the process, in seconds: clock_getcpuclockid knows it to the nanosecond. */
static double cpu_time (pid_t pid)
{
    struct timespec ts = { 0 };
    clockid_t clock;

    if (clock_getcpuclockid (pid, &clock) != 0 || clock_gettime (clock, &ts) < 0)
        exit (3);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* The part outside of the kernel, in ticks of 10 ms. */
static double user_time (pid_t pid)
{
    char path[64], text[4096] = "", *p;
    unsigned long ticks = 0;
    FILE *file;

    snprintf (path, sizeof (path), "/proc/%d/stat", (int)pid);
    file = fopen (path, "r");
    if (!file || fread (text, 1, sizeof (text) - 1, file) == 0 || !(p = strrchr (text, ')')))
        exit (3);
    fclose (file);
    sscanf (p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &ticks);
    return (double)ticks / (double)sysconf (_SC_CLK_TCK);
}

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* The run directory says who coordinates it. */
static pid_t coordinator (const char *run)
{
    char path[4096], text[4096], *pid;
    size_t n;
    FILE *file;

    snprintf (path, sizeof (path), "%s/coordinator", run);
    file = fopen (path, "r");
    if (!file)
        exit (3);
    n = fread (text, 1, sizeof (text) - 1, file);
    fclose (file);
    text[n] = '\0';
    pid = strstr (text, "\"pid\":");
    return pid ? atoi (pid + 6) : getppid ();
}

static int one_file (struct aw_connection *aw, char *text, int first, int n)
{
    int size = sprintf (text, "{ \"async-workflow\": 1, \"tasks\": {\n");

    for (int i = 0; i < n; i++)
        size += sprintf (text + size,
                         "  \"analyse-%d\": { \"after\": [\"go\"], \"cpus\": 1, \"duration\": 60, "
                         "\"command\": [\"./analyse\", \"--input\", \"frames-%d\"] }%s\n",
                         first + i, first + i, i + 1 < n ? "," : "");
    size += sprintf (text + size, "} }\n");
    return aw_add (aw, text, (size_t)size, -1);
}

int main (int argc, char **argv)
{
    int files = argc > 3 ? atoi (argv[2]) : 0, tasks = argc > 3 ? atoi (argv[3]) : 0;
    struct aw_connection *aw = aw_open ();
    double cpu, user, wall;
    char *text, name[64];
    pid_t pid;

    if (!aw || files < 1 || tasks < files)
        return 2;
    pid = coordinator (argv[1]);
    text = malloc (256 + 192 * (size_t)(tasks / files + 1));
    cpu = cpu_time (pid);
    user = user_time (pid);
    wall = now ();
    for (int i = 0; text && i < files; i++)
        if (one_file (aw, text, i * (tasks / files), tasks / files) < 0) {
            fprintf (stderr, "%s\n", aw_error_text (aw));
            return 1;
        }
    wall = now () - wall;
    printf ("%.2f %.0f %.2f\n", 1e6 * (cpu_time (pid) - cpu) / tasks,
            1e6 * (user_time (pid) - user) / tasks, 1e6 * wall / tasks);
    fflush (stdout);
    for (int i = 0; i < tasks / files * files; i++) { /* nothing of what waits is to start */
        snprintf (name, sizeof (name), "analyse-%d", i);
        if (aw_cancel (aw, name, 0, -1) < 0)
            return 1;
    }
    aw_close (aw);
    free (text);
    return 0;
}
