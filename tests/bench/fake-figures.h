/* SPDX-License-Identifier: Apache-2.0 */
/* What the fake agents of the benchmark "scale" measure: counts and times in memory that their
 * processes share, and samples of the coordinator from /proc.
 */
#ifndef AW_BENCH_FAKE_FIGURES_H
#define AW_BENCH_FAKE_FIGURES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    FAKE_PROCESSES = 8, /* at most */
    FAKE_BINS = 100000, /* of 0.1 ms; the last has all that is longer */
    FAKE_MARKS = 4, /* first start, 20 % and 80 % of the tasks ended, all ended */
};

struct fake_bins {
    uint32_t n[FAKE_BINS];
};

/* Of one process. Each writes only its own. */
struct fake_part {
    volatile uint64_t n_joined, n_connects, n_started, n_ended, n_continued, bytes_in;
    volatile double first_hello, last_hello, first_start, last_end;
    /* From a slot's end until the next task there has been started, in the middle part. */
    struct fake_bins gaps;
    struct fake_bins acknowledged; /* from a message to its acknowledgement */
};

/* The coordinator and the run at one moment. */
struct fake_mark {
    double t; /* monotonic; 0: not reached */
    double cpu; /* seconds of the coordinator's main thread */
    uint64_t n_ended;
    uint64_t journal; /* bytes */
};

struct fake_figures {
    double began;
    uint64_t n_nodes, n_slots, n_tasks; /* in all; slots of a node */
    double seconds; /* of a task */
    pid_t coordinator;
    char journal[512]; /* its path; "": not known */
    struct fake_mark marks[FAKE_MARKS];
    double joined_cpu; /* seconds of the coordinator until the first start */
    struct fake_part parts[FAKE_PROCESSES];
};

double fake_now (void); /* seconds, monotonic */

/* Adds SECONDS to BINS. */
void fake_bins_add (struct fake_bins *bins, double seconds);

/* Takes the marks that the run has reached. Called every millisecond by one process alone. */
void fake_figures_watch (struct fake_figures *f);

/* Is the run in its middle part, from 40 % to 80 % of the tasks? */
bool fake_figures_steady (const struct fake_figures *f);

/* Writes the figures as lines "NAME VALUE" to PATH. 0, or -1 with errno. */
int fake_figures_write (const struct fake_figures *f, const char *path);

#endif /* AW_BENCH_FAKE_FIGURES_H */
