/* SPDX-License-Identifier: Apache-2.0 */
/* explain D [TASK]: why a task waits, failed or was skipped, and what limits the run. Each function
 * appends plain text to OUT, whose `failed` is set if there is no memory.
 */
#ifndef AW_CMD_EXPLAIN_EXPLAIN_H
#define AW_CMD_EXPLAIN_EXPLAIN_H

#include "cmd/explain/replay.h"
#include "cmd/report/report.h"
#include "core/sched/why.h"
#include "model/ahead.h"

/* Seconds that a simulation may take before it is left out. */
#define AW_EXPLAIN_BUDGET 2.0

struct aw_explain {
    struct aw_report report;
    struct aw_replay replay;
    struct aw_ahead ahead; /* of a run that has not ended */
    bool open; /* the run has not ended, and its scheduler can be asked */
    struct aw_error closed; /* otherwise: why it cannot be asked; "": the run has ended */
    struct aw_textbuf *out;
};

/* The report and the replay of EX are there: makes it ready to be asked, if its run has not ended.
 * 0, or -1 for lack of memory.
 */
int aw_explain_ask (struct aw_explain *ex);

/* explain_words.c */

enum { AW_NAME_SIZE = 160 };

/* The task's name, "align[3]". Returns BUF. */
const char *aw_explain_name (const struct aw_explain *ex, uint32_t task, char buf[AW_NAME_SIZE]);

/* "in 12.3 s", or "now" for what is past; "at a time that is not known". Returns BUF. */
const char *aw_explain_when (const struct aw_explain *ex, double t, char *buf, size_t size);

/* Adds one line, without its newline: how TASK is doing. */
void aw_explain_line (struct aw_explain *ex, uint32_t task);

/* Index, in the history, of the node that has TASK in advance; AW_NONE: none has, as in a run
 * without a coordinator. */
uint32_t aw_explain_node (const struct aw_explain *ex, uint32_t task);

/* Why TASK has not started: as aw_sched_why, but what a node has in advance is known from the
 * journal. */
void aw_explain_why (const struct aw_explain *ex, uint32_t task, struct aw_reason *reason);

/* Adds the text of a reason for TASK, without a full stop: "2 GPUs are missing on n1". */
void aw_explain_reason (struct aw_explain *ex, uint32_t task, const struct aw_reason *reason);

/* explain_before.c */

/* Adds a line for TASK, which has not ended, and for each task of the chain that leads to it: the
 * open predecessor that is expected to end last, and so on.
 */
void aw_explain_chain (struct aw_explain *ex, uint32_t task);

/* Adds the lines of what TASK waits for, and the chain behind it. */
void aw_explain_predecessors (struct aw_explain *ex, uint32_t task);

/* A predecessor of TASK that failed or was skipped, a failed one first; AW_NONE: there is none. */
uint32_t aw_explain_broken (struct aw_explain *ex, uint32_t task);

/* Is TASK in a range that was cancelled? It may have been skipped before. */
bool aw_explain_is_cancelled (const struct aw_explain *ex, uint32_t task);

/* How many tasks were skipped because of TASK, directly or through others. */
uint32_t aw_explain_count_skipped (struct aw_explain *ex, uint32_t task);

/* explain_task.c: all about one task. */
void aw_explain_task (struct aw_explain *ex, uint32_t task);

/* explain_set.c: the tasks that a word such as "align" or "align@2" selects. */
void aw_explain_set (struct aw_explain *ex, const char *word, const struct aw_task *tasks);

/* explain_run.c: what limits the run now. */
void aw_explain_run (struct aw_explain *ex);

/* explain_gain.c: where the time of an ended run went; what would have shortened it, which is
 * simulated and takes seconds for a large run.
 */
void aw_explain_time (struct aw_explain *ex);
void aw_explain_gain (struct aw_explain *ex);

#endif /* AW_CMD_EXPLAIN_EXPLAIN_H */
