/* SPDX-License-Identifier: Apache-2.0 */
/* The report on a run: loaded once from its directory, printed in several formats. `report` and
 * `status` use it, and `run` ends with it.
 */
#ifndef AW_CMD_REPORT_REPORT_H
#define AW_CMD_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/failure.h"
#include "core/history/history.h"
#include "io/journal/journal.h"
#include "io/problems.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"

struct aw_report {
    char *dir; /* as given; all here is owned */
    char *absolute; /* the same directory as tasks knew it; NULL: out of reach */
    struct aw_workflow *workflow;
    struct aw_journal_header header;
    struct aw_history history;
    struct aw_summary summary;
    struct aw_set_summary *sets; /* one a set of the graph */
    uint32_t *shown; /* the sets to show, in their order: of those that count as one the first */
    uint32_t n_shown;
    uint32_t *chain; /* aw_history_chain */
    size_t n_chain;
    bool store; /* its tasks' output goes to the log store */
    bool torn; /* the journal's last line is not whole: it is being written, or was cut off */
    bool live; /* the coordinator runs */
    struct aw_journal_follow *follow; /* for aw_report_refresh, as the next */
    double last; /* t of the last event */
    double predicted; /* makespan by the model, seconds; NAN: none */
};

/* The state of the run. */
enum aw_outcome {
    AW_OUTCOME_COMPLETED, /* every task is done, or failed with on_failure "continue" */
    AW_OUTCOME_FAILED, /* tasks failed; others may have been skipped because of them */
    AW_OUTCOME_STOPPED, /* before the end */
    AW_OUTCOME_RUNNING,
    AW_OUTCOME_INTERRUPTED, /* the journal has no end, and no coordinator writes it */
};
enum aw_outcome aw_report_outcome (const struct aw_report *report);
const char *aw_outcome_name (enum aw_outcome outcome); /* "completed", ... */

/* Ready tasks that nodes have in advance. 0 unless the run is running: without a coordinator, no
 * node has any. */
uint32_t aw_report_assigned (const struct aw_report *report);

/* Called with each event after REPORT's history has taken it; the graph and the header are there.
 * 0, or -1 with text. */
typedef int aw_report_event_fn (void *arg,
                                const struct aw_report *report,
                                const struct aw_event *ev,
                                struct aw_error *err);

/* Loads the run directory DIR; FN with ARG (NULL: none) sees its events. What is wrong goes to
 * PROBLEMS. 0, or -1 with REPORT empty.
 */
int aw_report_load_by (struct aw_report *report,
                       const char *dir,
                       aw_report_event_fn *fn,
                       void *arg,
                       struct aw_problems *problems);

/* Takes what has come since into the history, the time and the state of the run; the summary, the
 * sets and the chain are computed again at its end alone. 0, or -1 with text: load it again.
 */
int aw_report_refresh (struct aw_report *report,
                       aw_report_event_fn *fn,
                       void *arg,
                       struct aw_error *err);

/* Computes the summary, the sets and the chain again. 0, or -1 with text. */
int aw_report_summarize (struct aw_report *report, struct aw_error *err);

/* The same as aw_report_load_by without FN. */
int aw_report_load (struct aw_report *report, const char *dir, struct aw_problems *problems);
void aw_report_finish (struct aw_report *report);

/* "3m25s"; "-" for NAN. Returns BUF or a constant. */
const char *aw_report_seconds (char buf[32], double value);

/* The label of SET, with " (service)" where it is one. Returns NAME. */
enum { AW_SET_NAME_SIZE = 80 };
const char *aw_report_set_name (const struct aw_graph *graph,
                                uint32_t set,
                                char name[AW_SET_NAME_SIZE]);

/* Appends the outcome in one sentence that begins with the workflow's name, harmless for a
 * terminal, without a newline. */
void aw_report_verdict (const struct aw_report *report, struct aw_textbuf *out);

/* The last plan that was made during the run, and in N how many there were. NULL: none. */
const struct aw_history_plan *aw_report_new_plan (const struct aw_report *report, uint32_t *n);

/* Calls PUT with ARG for each figure of the run: what it is, and its value for people. */
typedef void aw_figure_fn (void *arg, const char *key, const char *text);
void aw_report_figures (const struct aw_report *report, aw_figure_fn *put, void *arg);

/* The streams of a task. */
enum aw_stream { AW_STREAM_STDOUT, AW_STREAM_STDERR, AW_STREAMS };

/* Does STREAM of TASK go to the log store, and not to a file? */
bool aw_report_is_stored (const struct aw_report *report, uint32_t task, enum aw_stream stream);

/* Where STREAM of an attempt of TASK goes, if it is a file: as at its launch, relative paths begin
 * in the task's directory, and that in the one where the run was started. Needs no history. Caller
 * frees; NULL with ENOMEM.
 */
char *aw_report_stream_path (const struct aw_report *report,
                             uint32_t task,
                             uint32_t attempt,
                             enum aw_stream stream);

/* The last lines of a failed attempt's stderr. */
struct aw_tail {
    char *path; /* of the file; NULL: unknown, or none. All here is owned */
    char *command; /* that prints all of it, where there is a log store; or NULL */
    char *text; /* lines of at most 400 bytes, each ending in a newline, harmless for a terminal;
                   NULL: nothing */
    bool cut; /* more lines precede them */
};
enum { AW_TAIL_LINES = 10 }; /* as many as reports for a terminal show */
/* At most LINES of them. */
void aw_tail_load (const struct aw_report *report,
                   const struct aw_attempt *attempt,
                   int lines,
                   struct aw_tail *tail);
/* The same of N attempts of different tasks, which is faster than one after the other. */
void aw_tails_load (const struct aw_report *report,
                    const uint32_t *attempts,
                    size_t n,
                    int lines,
                    struct aw_tail *tails);
void aw_tail_finish (struct aw_tail *tail);

/* Attempts of tasks that failed for good, in the order of their ends' starts: indexes, at most MAX
 * of them; returns how many there are. */
size_t aw_report_failures (const struct aw_report *report, uint32_t *attempts, size_t max);

/* One function a format; they append to OUT, whose `failed` is set if there is no memory. */
void aw_report_text (const struct aw_report *report, struct aw_textbuf *out);
void aw_report_json (const struct aw_report *report, struct aw_textbuf *out);
void aw_report_html (const struct aw_report *report, struct aw_textbuf *out);
void aw_report_svg (const struct aw_report *report, struct aw_textbuf *out);
void aw_report_trace (const struct aw_report *report, struct aw_textbuf *out);
void aw_report_prometheus (const struct aw_report *report, struct aw_textbuf *out);
void aw_report_wfformat (const struct aw_report *report, struct aw_textbuf *out);

/* Can the run be an instance of WfFormat? 0, or -1 with text. */
int aw_report_wfformat_check (const struct aw_report *report, struct aw_error *err);

/* All of TEXT to FD. 0, or -1 with errno. */
int aw_report_write (const struct aw_textbuf *text, int fd);

/* Writes TEXT to standard output and empties it; it may have failed. 0, or -1 with a problem. */
int aw_report_write_out (struct aw_textbuf *text, struct aw_problems *problems);

/* What `run` does at its end: loads DIR and prints the text to FD. 0, or -1 with text. */
int aw_report_print (const char *dir, int fd, struct aw_error *err);

#endif /* AW_CMD_REPORT_REPORT_H */
