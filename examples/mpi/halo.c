/* SPDX-License-Identifier: Apache-2.0 */
/* Heat on a square plate, by MPI: each rank has a strip of rows and swaps its edge rows, the halo,
 * with its neighbours before each step (Jacobi's method, 5-point stencil). At the end rank 0 does
 * the same alone and compares: not a bit may differ, however many ranks there were.
 *
 *     halo [SIZE [STEPS [SECONDS]]]
 *
 * SIZE rows and columns [96], STEPS steps [200], again and again for SECONDS [0]. Each rank writes
 * a line: REPORT TASK RANK LOCAL-RANK NODE CPUS GPUS
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct strip {
    int n; /* columns */
    int rows; /* without the halo */
    int first; /* row of the plate */
    double *now, *next; /* (rows + 2) x n */
};

static int strip_init (struct strip *s, int n, int ranks, int rank)
{
    size_t cells;

    s->n = n;
    s->rows = n / ranks + (rank < n % ranks);
    s->first = rank * (n / ranks) + (rank < n % ranks ? rank : n % ranks);
    cells = ((size_t)s->rows + 2) * (size_t)n;
    s->now = calloc (cells, sizeof (double));
    s->next = calloc (cells, sizeof (double));
    return s->now && s->next ? 0 : -1;
}

static void strip_finish (struct strip *s)
{
    free (s->now);
    free (s->next);
}

/* One edge of the plate is hot, and a spot in its middle. */
static void strip_heat (struct strip *s)
{
    memset (s->now, 0, ((size_t)s->rows + 2) * (size_t)s->n * sizeof (double));
    for (int r = 0; r < s->rows; r++) {
        double *row = s->now + ((size_t)r + 1) * (size_t)s->n;

        row[0] = 1;
        if (s->first + r == s->n / 2)
            row[s->n / 2] = 100;
    }
}

/* One step; the halo rows hold the neighbours' edges, or the cold rim of the plate. */
static void strip_step (struct strip *s)
{
    double *swap;

    for (int r = 1; r <= s->rows; r++) {
        const double *up = s->now + ((size_t)r - 1) * (size_t)s->n;
        const double *row = up + s->n, *down = row + s->n;
        double *out = s->next + (size_t)r * (size_t)s->n;

        out[0] = row[0];
        out[s->n - 1] = row[s->n - 1];
        for (int c = 1; c < s->n - 1; c++)
            out[c] = 0.25 * (up[c] + down[c] + row[c - 1] + row[c + 1]);
    }
    swap = s->now;
    s->now = s->next;
    s->next = swap;
}

static void swap_halo (struct strip *s, int ranks, int rank)
{
    int up = rank > 0 ? rank - 1 : MPI_PROC_NULL;
    int down = rank + 1 < ranks ? rank + 1 : MPI_PROC_NULL;
    double *first = s->now + s->n, *last = s->now + (size_t)s->rows * (size_t)s->n;

    MPI_Sendrecv (first, s->n, MPI_DOUBLE, up, 0, last + s->n, s->n, MPI_DOUBLE, down, 0,
                  MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv (last, s->n, MPI_DOUBLE, down, 1, s->now, s->n, MPI_DOUBLE, up, 1, MPI_COMM_WORLD,
                  MPI_STATUS_IGNORE);
}

/* Alone, on rank 0. */
static double *serial (int n, int steps)
{
    struct strip s;
    double *plate;

    if (strip_init (&s, n, 1, 0) < 0)
        return NULL;
    strip_heat (&s);
    for (int i = 0; i < steps; i++)
        strip_step (&s);
    plate = malloc ((size_t)n * (size_t)n * sizeof (double));
    if (plate)
        memcpy (plate, s.now + n, (size_t)n * (size_t)n * sizeof (double));
    strip_finish (&s);
    return plate;
}

/* Gathers the plate on rank 0 and compares. 0: equal. */
static int check (const struct strip *s, int ranks, int rank, int steps)
{
    int *counts = calloc ((size_t)ranks, sizeof (int)),
        *offsets = calloc ((size_t)ranks, sizeof (int));
    double *all = NULL, *alone = NULL;
    size_t cells = (size_t)s->n * (size_t)s->n, wrong = 0;

    if (rank == 0) {
        all = malloc (cells * sizeof (double));
        alone = serial (s->n, steps);
    }
    if (!counts || !offsets || (rank == 0 && (!all || !alone))) {
        MPI_Abort (MPI_COMM_WORLD, 2);
        exit (2); /* not reached */
    }
    for (int i = 0, at = 0; i < ranks; i++) {
        counts[i] = (s->n / ranks + (i < s->n % ranks)) * s->n;
        offsets[i] = at;
        at += counts[i];
    }
    MPI_Gatherv (s->now + s->n, s->rows * s->n, MPI_DOUBLE, all, counts, offsets, MPI_DOUBLE, 0,
                 MPI_COMM_WORLD);
    for (size_t i = 0; rank == 0 && i < cells; i++)
        wrong += all[i] != alone[i];
    if (rank == 0)
        printf ("%d ranks, %d x %d, %d steps: %zu cells differ from one rank's\n", ranks, s->n,
                s->n, steps, wrong);
    free (counts);
    free (offsets);
    free (all);
    free (alone);
    return wrong != 0;
}

static const char *variable (const char *name)
{
    const char *value = getenv (name);

    return value && *value ? value : "-";
}

/* What this rank was given, as it sees it itself. */
static void report (int rank)
{
    char line[256], cpus[256] = "-";
    FILE *status = fopen ("/proc/self/status", "r");

    while (status && fgets (line, sizeof (line), status))
        if (sscanf (line, "Cpus_allowed_list: %255s", cpus) == 1)
            break;
    if (status)
        fclose (status);
    printf ("REPORT %s %d %s %s %s %s\n", variable ("ASYNC_WORKFLOW_TASK"), rank,
            variable ("SLURM_LOCALID"), variable ("SLURMD_NODENAME"), cpus,
            variable ("CUDA_VISIBLE_DEVICES"));
    fflush (stdout);
}

static int argument (int argc, char **argv, int i, int otherwise)
{
    return i < argc ? atoi (argv[i]) : otherwise;
}

int main (int argc, char **argv)
{
    int rank, ranks, n, steps, going = 1, rc;
    double seconds, begin;
    struct strip s;

    MPI_Init (&argc, &argv);
    MPI_Comm_rank (MPI_COMM_WORLD, &rank);
    MPI_Comm_size (MPI_COMM_WORLD, &ranks);
    n = argument (argc, argv, 1, 96);
    steps = argument (argc, argv, 2, 200);
    seconds = argument (argc, argv, 3, 0);
    if (n < 3 || n > 20000 || n < ranks || steps < 0 || strip_init (&s, n, ranks, rank) < 0) {
        fprintf (stderr, "halo: SIZE must be 3 to 20000, at least one row a rank\n");
        MPI_Abort (MPI_COMM_WORLD, 2);
    }
    report (rank);
    begin = MPI_Wtime ();
    while (going) {
        strip_heat (&s);
        for (int i = 0; i < steps; i++) {
            swap_halo (&s, ranks, rank);
            strip_step (&s);
        }
        going = MPI_Wtime () - begin < seconds;
        MPI_Bcast (&going, 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
    rc = check (&s, ranks, rank, steps);
    strip_finish (&s);
    MPI_Finalize ();
    return rc;
}
