/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a task list in memory. Private to the reader of lists. */
#ifndef AW_IO_WORKFLOW_LIST_LINES_H
#define AW_IO_WORKFLOW_LIST_LINES_H

#include "io/workflow/task_list.h"

enum { AW_LIST_KEYS = 19 };

/* What "#AW" has set for the lines below. */
struct aw_list_settings {
    char *values[AW_LIST_KEYS]; /* owned; NULL: not set */
    uint32_t lines[AW_LIST_KEYS]; /* where it was set */
    uint32_t line; /* that is read now */
};

/* Lines with the same settings: a task set. */
struct aw_list_part {
    char *values[AW_LIST_KEYS]; /* owned; NULL: not set */
    uint32_t lines[AW_LIST_KEYS];
    uint32_t segment; /* how many barriers are above, but those without a line between them */
    size_t first, n; /* its lines in the list */
};

struct aw_list_line {
    const char *text; /* borrowed from the list's text */
    uint32_t number; /* in the file, from 1 */
};

struct aw_task_list {
    char *text; /* owned; its newlines are NULs */
    struct aw_list_line *lines; /* that are commands; owned, as the next */
    size_t n_lines, line_room;
    struct aw_list_part *parts;
    uint32_t n_parts, part_room;
    struct aw_list_settings now;
    uint32_t segment;
};

/* Sets KEY to a copy of VALUE; NULL: to its default. False: no memory, reported. */
bool aw_list_set (struct aw_reader *reader,
                  struct aw_list_settings *now,
                  int key,
                  const char *value);

/* What follows waits for all above. */
void aw_list_barrier (struct aw_task_list *list);

/* Adds a command, TEXT borrowed, to the last part, or to a new one where settings have changed. */
bool aw_list_add (struct aw_reader *reader,
                  struct aw_task_list *list,
                  const char *text,
                  uint32_t number);

/* Appends the name of the task set of part I, counted from 0: "line", "line-2". */
void aw_list_part_name (uint32_t i, struct aw_textbuf *out);

#endif /* AW_IO_WORKFLOW_LIST_LINES_H */
