/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks as people see and name them: with the values of their variables. */
#ifndef AW_IO_WORKFLOW_TASK_LABEL_H
#define AW_IO_WORKFLOW_TASK_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "io/problems.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"

/* "align@2[17] (sample=a, chromosome=X)": the task's name and its values, "?" for control
 * characters in them, cut to SIZE. Returns BUF. Neither terminal nor XML may get it unescaped. */
enum { AW_TASK_LABEL = 256 };
const char *aw_task_label (const struct aw_workflow *workflow,
                           uint32_t task,
                           char *buf,
                           size_t size);

/* Appends the task's values as a JSON object; nothing where its set has no variables. BEFORE comes
 * first. */
void aw_task_put_values (const struct aw_workflow *workflow,
                         uint32_t task,
                         const char *before,
                         struct aw_textbuf *out);

/* COUNT tasks from TASK on. */
typedef void aw_task_select_fn (void *arg, uint32_t task, uint32_t count);

/* Calls FOUND for the tasks that TEXT names: as aw_graph_tasks_parse, the id of a submitted
 * task or the name of several, or "align[sample=a]" and "align@2[sample=a,chromosome=X]", those
 * with these values. Contiguous ones come together, in the order of their numbers. 0, or -1 where
 * there are none: then FOUND was not called. */
int aw_tasks_select (const struct aw_workflow *workflow,
                     const char *text,
                     aw_task_select_fn *found,
                     void *arg);

/* After aw_tasks_select has found nothing: if TEXT names a set whose tasks have values, adds a
 * problem that shows those of its first task, and returns true. */
bool aw_tasks_report_values (const struct aw_workflow *workflow,
                             const char *text,
                             struct aw_problems *problems);

#endif /* AW_IO_WORKFLOW_TASK_LABEL_H */
