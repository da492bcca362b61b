/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of every launcher: a bare posix_spawn loop that keeps WIDTH children running until N
 * have ended. Prints the seconds that it took.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

int main (int argc, char **argv)
{
    long n, width, started = 0, ended = 0;
    double began;

    if (argc < 4) {
        fprintf (stderr, "Usage: %s N WIDTH PROGRAM [ARG]...\n", argv[0]);
        return 2;
    }
    n = atol (argv[1]);
    width = atol (argv[2]);
    began = now ();
    while (ended < n) {
        int status;
        pid_t pid;

        while (started < n && started - ended < width) {
            if (posix_spawn (&pid, argv[3], NULL, NULL, argv + 3, environ) != 0) {
                perror (argv[3]);
                return 1;
            }
            started++;
        }
        if (wait (&status) < 0 || status != 0) {
            fprintf (stderr, "%s: %s failed\n", argv[0], argv[3]);
            return 1;
        }
        ended++;
    }
    printf ("%.6f\n", now () - began);
    return 0;
}
