/* SPDX-License-Identifier: Apache-2.0 */
/* Task lists: a workflow file that is no JSON has a shell command in each line. It is read as the
 * workflow that it stands for:
 *
 *   #AW cpus=2            { "async-workflow": 1, "name": "commands", "tasks": {
 *   sort a >a.sorted        "line": { "foreach": { "list": "commands.txt", "part": 1 }, "cpus": 2,
 *   sort b >b.sorted                  "command": [SHELL, "-c", "{command}", ...], ... } } }
 *
 * Lines between changes of keys are a part of the list, and a task set. Private to the workflow's
 * reader.
 */
#ifndef AW_IO_WORKFLOW_TASK_LIST_H
#define AW_IO_WORKFLOW_TASK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/problems.h"
#include "io/textbuf.h"
#include "io/workflow/reader.h"
#include "io/workflow/values.h"

struct aw_task_list;

/* Could a file called LABEL be a list? Else its name is that of JSON. */
bool aw_task_list_has_name (const char *label);

/* Could the file LABEL, SIZE bytes at TEXT, be a list? Else it is to be read as JSON. */
bool aw_task_list_is (const char *label, const char *text, size_t size);

/* Reads the list: what is wrong goes to the reader's problems. TEXT is borrowed. NULL: it is no
 * list, or memory is short, reported. destroy takes NULL.
 */
struct aw_task_list *aw_task_list_read (struct aw_reader *reader, const char *text, size_t size);
void aw_task_list_destroy (struct aw_task_list *list);

/* Appends the workflow of that NAME that the list, which is at PATH, stands for. OUT may fail. */
void aw_task_list_put (const struct aw_task_list *list,
                       const char *path,
                       const char *name,
                       struct aw_textbuf *out);

/* Appends the lines of part PART, counted from 1, to VALUES, which has no variables yet. False
 * where it has reported a problem. */
bool aw_task_list_values (const struct aw_task_list *list,
                          struct aw_reader *reader,
                          uint64_t part,
                          struct aw_values *values);

/* Problems from number FIRST on that are at keys which the list sets get the line as their place,
 * as "commands.txt: line 3: cpus: ...". */
void aw_task_list_place (const struct aw_task_list *list, struct aw_reader *reader, size_t first);

#endif /* AW_IO_WORKFLOW_TASK_LIST_H */
