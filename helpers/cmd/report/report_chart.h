/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the SVG and the trace: what is drawn, not how it is laid out. */
#ifndef AW_CMD_REPORT_REPORT_CHART_H
#define AW_CMD_REPORT_REPORT_CHART_H

#include "cmd/report/report.h"

/* An attempt on one of its nodes. Its lane there, from 0, is the lowest that is free when it
 * starts, so that what runs at the same time never shares one.
 */
struct aw_slice {
    uint32_t attempt; /* index */
    uint32_t lane;
    struct aw_held held;
};

/* All slices: slice I up to the number of attempts is attempt I on its first node, the others are
 * after these. N becomes their number, MAX the largest number of lanes of a node, at least 1.
 * Caller frees; NULL with ENOMEM.
 */
struct aw_slice *aw_chart_slices (const struct aw_report *report, size_t *n, uint32_t *max);

/* An attempt's data being staged, while it holds nothing of its node: these have their own lanes.
 */
enum aw_chart_phase { AW_STAGE_IN, AW_STAGED_IN, AW_STAGE_OUT };
struct aw_chart_move {
    uint32_t attempt; /* index */
    uint32_t lane; /* the same for coming in and waiting */
    enum aw_chart_phase what;
    double from, to;
};

/* All of them: N becomes their number, MAX that of the lanes (0: nothing was staged). Caller frees;
 * NULL with ENOMEM.
 */
struct aw_chart_move *aw_chart_moves (const struct aw_report *report, size_t *n, uint32_t *max);
const char *aw_chart_phase_name (enum aw_chart_phase what); /* "stage in", ... */

/* A band for each node of the pool. A resumed run has its nodes again, and they keep their band. */
struct aw_chart_bands {
    uint32_t n;
    uint32_t *of_node; /* band of each node. Owned */
    uint32_t *first; /* the first node of each band. Owned */
};
int aw_chart_bands_init (struct aw_chart_bands *bands, const struct aw_history *history);
void aw_chart_bands_finish (struct aw_chart_bands *bands);

enum { AW_CHART_GROUPS = 8, AW_CHART_TONES = 3 };

/* Task sets by colour: those with the most busy time have one each, the others share the last. */
struct aw_chart_groups {
    uint32_t n; /* colours in use, at most AW_CHART_GROUPS */
    uint32_t set[AW_CHART_GROUPS]; /* the set of each; AW_NONE: the others */
    uint32_t n_others; /* sets that share it */
    uint8_t *of_set; /* group of each set. Owned */
};
int aw_chart_groups_init (struct aw_chart_groups *groups, const struct aw_report *report);
void aw_chart_groups_finish (struct aw_chart_groups *groups);

/* Amounts over time, by row and group: each bin, between two edges, has the mean over its time. */
struct aw_bins {
    uint32_t rows, groups, n; /* n bins */
    double *edge; /* n + 1 times, rising. Owned */
    double *amount; /* rows x groups x n. Owned */
};
/* N equal bins. -1 with ENOMEM. */
int aw_bins_init (
    struct aw_bins *b, uint32_t rows, uint32_t groups, uint32_t n, double from, double span);
/* A bin between any two moments at which something changes: nothing is smoothed. -1 with ENOMEM. */
int aw_bins_init_exact (struct aw_bins *b,
                        uint32_t rows,
                        uint32_t groups,
                        const struct aw_history *history);
void aw_bins_finish (struct aw_bins *b);
/* AMOUNT held from T0 to T1. */
void aw_bins_add (
    struct aw_bins *b, uint32_t row, uint32_t group, double t0, double t1, double amount);
/* The bins of one row and group. */
double *aw_bins_of (const struct aw_bins *b, uint32_t row, uint32_t group);

/* A rectangle of the picture. */
struct aw_box {
    double x, y, width, height;
};

/* Adds the path data ("M...V...H...Z") of the area between the step functions LOWER and UPPER (N
 * values each, 0 to 1 of the box's height from its lower edge; value I reaches from X[I] to X[I +
 * 1]). Nothing where they are equal throughout.
 */
void aw_chart_area (struct aw_textbuf *out,
                    const struct aw_box *box,
                    const double *x,
                    const double *lower,
                    const double *upper,
                    uint32_t n);

#endif /* AW_CMD_REPORT_REPORT_CHART_H */
