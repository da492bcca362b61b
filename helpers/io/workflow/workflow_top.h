/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a workflow file's top level, but for its name and tasks. Private to the workflow's
 * reader, but for the names of the keys.
 */
#ifndef AW_IO_WORKFLOW_WORKFLOW_TOP_H
#define AW_IO_WORKFLOW_WORKFLOW_TOP_H

#include "io/workflow/reader.h"
#include "io/workflow/workflow_task.h"

enum { AW_WORKFLOW_VERSION = 1 };

struct aw_top {
    uint32_t iterations;
    bool iterated; /* "iterations" is given */
    struct json_object *until; /* what ends them, read when all sets are known; NULL: nothing.
                                  Borrowed */
    enum aw_logs logs;
    struct aw_task_spec defaults;
};

/* All keys of the top level. */
extern const char *const aw_top_keys[];
enum { AW_TOP_KEYS = 8 };

void aw_top_init (struct aw_top *top);
void aw_top_finish (struct aw_top *top);

/* Reads what ends the iterations into the GRAPH, whose sets are known. */
void aw_top_read_until (struct aw_reader *reader, const struct aw_top *top, struct aw_graph *graph);

/* Reads parameters (into the reader), iterations and defaults, and finds unknown keys. False where
 * the file is of another version, so that looking further would tell nothing.
 */
bool aw_top_read (struct aw_reader *reader, struct json_object *root, struct aw_top *top);

#endif /* AW_IO_WORKFLOW_WORKFLOW_TOP_H */
