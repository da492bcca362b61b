/* SPDX-License-Identifier: Apache-2.0 */
/* The summary at the end of a run that has not done all: what remains, why, and how to continue. */
#ifndef AW_COORD_END_SUMMARY_H
#define AW_COORD_END_SUMMARY_H

#include "core/sched/sched.h"
#include "io/textbuf.h"

/* Appends lines, each ending in a newline, on what SCHED, at its end with exit status CODE, leaves
 * undone; nothing where all is done. LEFT: seconds to the end of the job, INFINITY where it has
 * none. RUN_DIR is what to resume. Memory that runs out shows in TEXT->failed.
 */
void aw_end_summary (struct aw_textbuf *text,
                     const struct aw_sched *sched,
                     int code,
                     double left,
                     const char *run_dir);

#endif /* AW_COORD_END_SUMMARY_H */
