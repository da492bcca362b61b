/* SPDX-License-Identifier: Apache-2.0 */
/* What is compared: the figures of runs, and of their sets, as tables that all formats share. */
#include "cmd/report/report_compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

/* The set of REPORT that is shown as NAME; AW_NONE: it has none. */
static uint32_t find_set (const struct aw_report *report, const char *name)
{
    const struct aw_graph *graph = report->workflow->graph;
    uint32_t set = aw_graph_find (graph, name);

    for (uint32_t i = graph->n_base; set == AW_NONE && i < report->n_shown; i++)
        if (strcmp (aw_graph_label (graph, report->shown[i]), name) == 0)
            set = report->shown[i];
    return set;
}

/* Adds the names of REPORT's sets that are new. 0, or -1 without memory. */
static int add_sets (struct aw_compared *comparison, const struct aw_report *report)
{
    const struct aw_graph *graph = report->workflow->graph;

    for (uint32_t i = 0; i < report->n_shown; i++) {
        const char *name = aw_graph_label (graph, report->shown[i]);
        bool known = false;

        for (uint32_t run = 0; run < comparison->n && !known; run++)
            known = find_set (&comparison->reports[run], name) != AW_NONE;
        if (known)
            continue;
        if (aw_array_reserve (&comparison->sets, &comparison->set_room,
                              comparison->n_sets + (size_t)1)
                < 0
            || !(comparison->sets[comparison->n_sets] = strdup (name)))
            return -1;
        comparison->n_sets++;
    }
    return 0;
}

int aw_compare_load (struct aw_compared *comparison,
                     char *const *dirs,
                     uint32_t n,
                     struct aw_problems *problems)
{
    memset (comparison, 0, sizeof (*comparison));
    comparison->reports = calloc (n + (size_t)1, sizeof (*comparison->reports));
    for (uint32_t i = 0; comparison->reports && i < n; i++) {
        struct aw_report *report = &comparison->reports[i];

        if (aw_report_load (report, dirs[i], problems) < 0)
            return -1;
        if (add_sets (comparison, report) < 0) {
            aw_report_finish (report);
            break;
        }
        comparison->n++;
    }
    if (comparison->n == n)
        return 0;
    aw_problems_add (problems, false, "--compare: out of memory");
    return -1;
}

void aw_compare_finish (struct aw_compared *comparison)
{
    for (uint32_t i = 0; i < comparison->n; i++)
        aw_report_finish (&comparison->reports[i]);
    for (uint32_t i = 0; i < comparison->n_sets; i++)
        free (comparison->sets[i]);
    free (comparison->reports);
    free (comparison->sets);
    memset (comparison, 0, sizeof (*comparison));
}

const struct aw_set_summary *aw_compare_set (const struct aw_compared *comparison,
                                             uint32_t run,
                                             const char *name)
{
    const struct aw_report *report = &comparison->reports[run];
    uint32_t set = find_set (report, name);

    return set == AW_NONE ? NULL : &report->sets[set];
}

static const char *state_of (const struct aw_report *report)
{
    return aw_outcome_name (aw_report_outcome (report));
}

static const char *mode_of (const struct aw_report *report)
{
    return report->header.mode;
}

static const char *policy_of (const struct aw_report *report)
{
    return report->header.policy;
}

/* A function of rows that is a member of the summary. */
#define SUMMARY(member)                                                            \
    static double member##_of (const struct aw_compared *comparison, uint32_t run) \
    {                                                                              \
        return (double)comparison->reports[run].summary.member;                    \
    }
SUMMARY (n_nodes)
SUMMARY (cpus)
SUMMARY (gpus)
SUMMARY (makespan)
SUMMARY (cpu_share)
SUMMARY (gpu_share)
SUMMARY (cpu_used_share)
SUMMARY (gap_mean)
SUMMARY (completed)
SUMMARY (failed)
SUMMARY (retried)

static double predicted_of (const struct aw_compared *comparison, uint32_t run)
{
    return comparison->reports[run].predicted;
}

static double interrupted_of (const struct aw_compared *comparison, uint32_t run)
{
    const struct aw_history *history = &comparison->reports[run].history;
    double sum = 0;

    for (uint32_t i = 0; i < history->n_gaps; i++)
        sum += history->gaps[i].to - history->gaps[i].from;
    return sum > 0 ? sum : NAN;
}

/* I of the model: how much shorter than the first run; only of runs that have completed. */
static double improvement_of (const struct aw_compared *comparison, uint32_t run)
{
    const struct aw_report *first = &comparison->reports[0], *report = &comparison->reports[run];

    if (run == 0 || !(first->summary.makespan > 0)
        || aw_report_outcome (first) != AW_OUTCOME_COMPLETED
        || aw_report_outcome (report) != AW_OUTCOME_COMPLETED)
        return NAN;
    return 1 - report->summary.makespan / first->summary.makespan;
}

const struct aw_compare_row aw_compare_rows[] = {
    { "state", "outcome", state_of, NULL, 0, false },
    { "mode", "mode", mode_of, NULL, 0, false },
    { "policy", "order", policy_of, NULL, 0, false },
    { "nodes", "nodes", NULL, n_nodes_of, AW_COMPARE_COUNT, false },
    { "cpus", "CPUs", NULL, cpus_of, AW_COMPARE_COUNT, false },
    { "gpus", "GPUs", NULL, gpus_of, AW_COMPARE_COUNT, false },
    { "makespan", "makespan", NULL, makespan_of, AW_COMPARE_SECONDS, true },
    { "improvement", "I", NULL, improvement_of, AW_COMPARE_RATIO, false },
    { "predicted", "predicted", NULL, predicted_of, AW_COMPARE_SECONDS, false },
    { "interrupted", "interrupted", NULL, interrupted_of, AW_COMPARE_SECONDS, false },
    { "cpu_share", "CPUs busy", NULL, cpu_share_of, AW_COMPARE_SHARE, false },
    { "gpu_share", "GPUs busy", NULL, gpu_share_of, AW_COMPARE_SHARE, false },
    { "cpu_used_share", "CPU time used", NULL, cpu_used_share_of, AW_COMPARE_SHARE, false },
    { "wait_mean", "start delay", NULL, gap_mean_of, AW_COMPARE_SECONDS, false },
    { "completed", "tasks done", NULL, completed_of, AW_COMPARE_COUNT, false },
    { "failed", "failed", NULL, failed_of, AW_COMPARE_COUNT, false },
    { "retried", "retried", NULL, retried_of, AW_COMPARE_COUNT, false },
};
const uint32_t aw_compare_n_rows = sizeof (aw_compare_rows) / sizeof (aw_compare_rows[0]);

static double mean_of (const struct aw_set_summary *sum)
{
    return sum->mean;
}

static double max_of (const struct aw_set_summary *sum)
{
    return sum->max;
}

static double wait_of (const struct aw_set_summary *sum)
{
    return sum->wait_mean;
}

const struct aw_compare_column aw_compare_columns[] = {
    { "mean duration", mean_of },
    { "longest", max_of },
    { "mean wait", wait_of },
};
const uint32_t aw_compare_n_columns = sizeof (aw_compare_columns) / sizeof (aw_compare_columns[0]);

/* "9.88 s", and "9.88 s (-3.1 %)" or "98 s (10.2 x)" where FIRST is known and not next to nothing.
 */
static const char *seconds (char buf[AW_COMPARE_TEXT], double value, double first)
{
    double factor = first >= 0.01 ? value / first : NAN;
    char time[32];

    if (isnan (value))
        buf[0] = '\0';
    else if (isnan (factor))
        snprintf (buf, AW_COMPARE_TEXT, "%s", aw_report_seconds (time, value));
    else if (factor < 10)
        snprintf (buf, AW_COMPARE_TEXT, "%s (%+.1f %%)", aw_report_seconds (time, value),
                  100 * (factor - 1));
    else
        snprintf (buf, AW_COMPARE_TEXT, "%s (%.1f x)", aw_report_seconds (time, value), factor);
    return buf;
}

const char *aw_compare_cell (const struct aw_compared *comparison,
                             const struct aw_compare_row *row,
                             uint32_t run,
                             char buf[AW_COMPARE_TEXT])
{
    double value = row->number ? row->number (comparison, run) : NAN;
    const char *text = row->text ? row->text (&comparison->reports[run]) : NULL;

    buf[0] = '\0';
    if (text)
        snprintf (buf, AW_COMPARE_TEXT, "%s", text);
    if (isnan (value))
        return buf;
    switch (row->unit) {
    case AW_COMPARE_COUNT:
        snprintf (buf, AW_COMPARE_TEXT, "%.0f", value);
        break;
    case AW_COMPARE_SECONDS:
        seconds (buf, value, row->relative && run > 0 ? row->number (comparison, 0) : NAN);
        break;
    case AW_COMPARE_SHARE:
        snprintf (buf, AW_COMPARE_TEXT, "%.1f %%", 100 * value);
        break;
    case AW_COMPARE_RATIO:
        snprintf (buf, AW_COMPARE_TEXT, "%.3f", value);
        break;
    }
    return buf;
}

const char *aw_compare_set_cell (const struct aw_compared *comparison,
                                 const struct aw_compare_column *column,
                                 uint32_t run,
                                 const char *name,
                                 char buf[AW_COMPARE_TEXT])
{
    const struct aw_set_summary *first = aw_compare_set (comparison, 0, name);
    const struct aw_set_summary *sum = aw_compare_set (comparison, run, name);

    return seconds (buf, sum ? column->number (sum) : NAN,
                    first && first != sum ? column->number (first) : NAN);
}

bool aw_compare_has (const struct aw_compared *comparison, const struct aw_compare_row *row)
{
    char buf[AW_COMPARE_TEXT];

    for (uint32_t run = 0; run < comparison->n; run++) {
        const char *cell = aw_compare_cell (comparison, row, run, buf);

        if (*cell && strcmp (cell, "0") != 0)
            return true;
    }
    return false;
}
