/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-figures.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

double fake_now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

void fake_bins_add (struct fake_bins *bins, double seconds)
{
    double bin = seconds * 1e4;

    bins->n[bin < 0 ? 0 : bin >= FAKE_BINS - 1 ? FAKE_BINS - 1 : (int)bin]++;
}

/* The number after KEY in /proc/PID/FILE; without KEY the first one. 0: it cannot be read. */
static double from_proc (pid_t pid, const char *file, const char *key)
{
    char path[64], text[4096] = "";
    const char *at = text;
    double value = 0;
    FILE *in;

    snprintf (path, sizeof (path), "/proc/%d/%s", (int)pid, file);
    in = fopen (path, "r");
    if (!in)
        return 0;
    text[fread (text, 1, sizeof (text) - 1, in)] = '\0';
    fclose (in);
    if (key)
        at = strstr (text, key);
    if (at)
        sscanf (at + (key ? strlen (key) : 0), "%lf", &value);
    return value;
}

static double cpu_of (pid_t pid)
{
    return from_proc (pid, "schedstat", NULL) * 1e-9;
}

static void mark (struct fake_figures *f, int i, uint64_t n_ended)
{
    struct stat st;

    f->marks[i].cpu = cpu_of (f->coordinator);
    f->marks[i].n_ended = n_ended;
    f->marks[i].journal = stat (f->journal, &st) == 0 ? (uint64_t)st.st_size : 0;
    f->marks[i].t = fake_now ();
}

void fake_figures_watch (struct fake_figures *f)
{
    const double shares[FAKE_MARKS] = { 0, 0.4, 0.8, 1 }; /* the start comes back as waves */
    uint64_t n_started = 0, n_ended = 0;

    for (int p = 0; p < FAKE_PROCESSES; p++) {
        n_started += f->parts[p].n_started;
        n_ended += f->parts[p].n_ended;
    }
    for (int i = 0; i < FAKE_MARKS; i++)
        if (f->marks[i].t == 0 && n_started > 0
            && (double)n_ended >= shares[i] * (double)f->n_tasks)
            mark (f, i, n_ended);
}

bool fake_figures_steady (const struct fake_figures *f)
{
    return f->marks[1].t > 0 && f->marks[2].t == 0;
}

/* The time below which SHARE of all values in the parts' bins at OFFSET lie, in milliseconds. */
static double quantile (const struct fake_figures *f, size_t offset, double share)
{
    uint64_t total = 0, below = 0;

    for (int pass = 0; pass < 2; pass++)
        for (int b = 0; b < FAKE_BINS; b++) {
            for (int p = 0; p < FAKE_PROCESSES; p++) {
                const struct fake_bins *bins =
                    (const struct fake_bins *)((const char *)&f->parts[p] + offset);
                *(pass ? &below : &total) += bins->n[b];
            }
            if (pass && (double)below >= share * (double)total)
                return total ? (b + 1) * 0.1 : 0;
        }
    return 0;
}

static void write_quantiles (FILE *out, const struct fake_figures *f, const char *name, size_t at)
{
    fprintf (out, "%s_median_ms %.1f\n%s_p95_ms %.1f\n%s_p99_ms %.1f\n%s_most_ms %.1f\n", name,
             quantile (f, at, 0.5), name, quantile (f, at, 0.95), name, quantile (f, at, 0.99),
             name, quantile (f, at, 1));
}

int fake_figures_write (const struct fake_figures *f, const char *path)
{
    const struct fake_mark *low = &f->marks[1], *high = &f->marks[2];
    double first = 0, last = 0, hello = 0, n = (double)(high->n_ended - low->n_ended);
    uint64_t joined = 0, connects = 0, ended = 0, continued = 0, bytes = 0;
    FILE *out = fopen (path, "w");

    if (!out)
        return -1;
    for (int p = 0; p < FAKE_PROCESSES; p++) {
        const struct fake_part *part = &f->parts[p];

        joined += part->n_joined;
        connects += part->n_connects;
        ended += part->n_ended;
        continued += part->n_continued;
        bytes += part->bytes_in;
        if (part->first_start > 0 && (first == 0 || part->first_start < first))
            first = part->first_start;
        last = part->last_end > last ? part->last_end : last;
        hello = part->last_hello > hello ? part->last_hello : hello;
    }
    fprintf (out, "joined %" PRIu64 "\nconnects %" PRIu64 "\nended %" PRIu64 "\n", joined, connects,
             ended);
    fprintf (out, "continued_share %.4f\n", ended ? (double)continued / (double)ended : 0);
    fprintf (out, "join_s %.3f\nfirst_start_s %.3f\njoin_cpu_s %.3f\n", hello - f->began,
             first - f->began, f->marks[0].cpu);
    fprintf (out, "span_s %.3f\nstarts_per_s %.0f\nutilisation %.4f\n", last - first,
             (double)ended / (last - first),
             (double)ended * f->seconds / ((double)(f->n_nodes * f->n_slots) * (last - first)));
    fprintf (out, "steady_starts_per_s %.0f\nsteady_utilisation %.4f\n", n / (high->t - low->t),
             n * f->seconds / ((double)(f->n_nodes * f->n_slots) * (high->t - low->t)));
    fprintf (out, "cpu_us_per_task %.2f\nsteady_cpu_us_per_task %.2f\n",
             1e6 * (f->marks[3].cpu - f->marks[0].cpu) / (double)ended,
             1e6 * (high->cpu - low->cpu) / n);
    fprintf (out, "steady_core_share %.3f\n", (high->cpu - low->cpu) / (high->t - low->t));
    fprintf (out, "journal_bytes %" PRIu64 "\njournal_bytes_per_s %.0f\n", f->marks[3].journal,
             (double)(high->journal - low->journal) / (high->t - low->t));
    fprintf (out, "bytes_per_start %.0f\n", ended ? (double)bytes / (double)ended : 0);
    fprintf (out, "peak_mb %.1f\n", from_proc (f->coordinator, "status", "VmHWM:") / 1024);
    write_quantiles (out, f, "gap", offsetof (struct fake_part, gaps));
    write_quantiles (out, f, "message", offsetof (struct fake_part, acknowledged));
    return fclose (out);
}
