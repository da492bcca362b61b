/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are written, or simulated, to be reported. */
#ifndef AW_TESTS_REPORT_RUN_H
#define AW_TESTS_REPORT_RUN_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/report/report_chart.h"
#include "io/journal/journal.h"

/* A run directory under construction. */
struct report_run {
    char parent[32];
    char *dir;
    struct aw_workflow *workflow;
    struct aw_journal *journal;
    uint32_t seed;
    uint32_t nodes[200000]; /* by task: where it runs, since when */
    double starts[200000];
    unsigned fail_every; /* every so many attempts fail; 0: none */
    unsigned n_finished;
};

/* Of cmocka: state is a report_run. */
int report_run_set_up (void **state);
int report_run_tear_down (void **state);

/* Takes WORKFLOW (JSON) and begins a run of it: the directory with an open journal. */
void report_run_begin (struct report_run *f, const char *workflow);

/* An event of the run. */
void report_run_append (struct report_run *f, const struct aw_event *ev);

/* Its journal is complete. */
void report_run_end (struct report_run *f);

/* The whole run, simulated on N nodes. NAME: of each, or NULL for names of the model. */
void report_run_simulate (
    struct report_run *f, uint32_t n, uint32_t cpus, uint32_t gpus, const char *name);

/* For the caller to finish. */
void report_run_load (const struct report_run *f, struct aw_report *report);

/* What FORMAT makes of the report, as a string for the caller to free. */
char *report_run_text (const struct aw_report *report,
                       void (*format) (const struct aw_report *, struct aw_textbuf *));

void report_run_write_file (const char *dir, const char *name, const char *text, size_t len);

/* Two branches of three sets, without durations but for the first. */
extern const char report_run_small[];

/* The picture of the report is well-formed, within its bounds, and its areas are the busy time. */
size_t report_run_check_svg (const struct aw_report *report, bool each);

/* Events in short form: a node of 4 CPUs at T (or 0), a start and an end. */
void report_run_add_node_at (struct report_run *f, double t);
void report_run_add_node (struct report_run *f);
void report_run_start (struct report_run *f, uint32_t task, uint32_t attempt, double t);
void report_run_finish (struct report_run *f,
                        uint32_t task,
                        uint32_t attempt,
                        double t,
                        enum aw_status status,
                        int code,
                        int signal);

#endif /* AW_TESTS_REPORT_RUN_H */
