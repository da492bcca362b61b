/* SPDX-License-Identifier: Apache-2.0 */
/* The summary at the end of a run that has not done all: what remains, why, and how to continue. */
#ifndef AW_COORD_END_SUMMARY_H
#define AW_COORD_END_SUMMARY_H

#include "core/sched/sched.h"
#include "io/textbuf.h"

/* Appends lines, each ending in a newline, on the tasks that SCHED, at its end with exit status
 * CODE, has not done; nothing if all are done. LEFT: seconds to the end of the job, INFINITY if it
 * has none. RUN_DIR is the directory to resume; NULL: there is none. If memory runs out,
 * TEXT->failed is set.
 */
void aw_end_summary (struct aw_textbuf *text,
                     const struct aw_sched *sched,
                     int code,
                     double left,
                     const char *run_dir);

#endif /* AW_COORD_END_SUMMARY_H */
