/* SPDX-License-Identifier: Apache-2.0 */
/* A task set as the file has it, and the defaults, which have the same keys. Private to the
 * workflow's reader, but for the names of the keys, which the tests compare with schema and manual.
 */
#ifndef AW_IO_WORKFLOW_WORKFLOW_TASK_H
#define AW_IO_WORKFLOW_WORKFLOW_TASK_H

#include "core/graph/graph.h"
#include "io/workflow/reader.h"
#include "io/workflow/workflow.h"

enum { AW_MAX_THREADS = 64 }; /* CPUs of a core; real ones have up to 8 */

enum aw_key_use {
    AW_KEY_ANYWHERE,
    AW_KEY_TASKS, /* in a task set alone, not in "defaults" */
};

/* The names of all keys of a task set, N of them, and whether each can stand in "defaults". */
const char *aw_task_key (size_t i, enum aw_key_use *use);
size_t aw_task_keys (void);

enum aw_launch_kind { AW_LAUNCH_ANY, AW_LAUNCH_POOL, AW_LAUNCH_STEP };

/* What was read: a set without its name and edges, and a recipe. */
struct aw_task_spec {
    struct aw_set set;
    struct aw_recipe recipe;
    const char *gpu_type; /* borrowed from the tree; NULL: any */
    bool count_is_known; /* no problem with it */
    uint32_t ranks, nodes, ranks_per_node; /* as given; 0: not */
    enum aw_launch_kind launch; /* as given */
    struct json_object *after; /* borrowed; NULL: nothing */
};

/* All as it is where the file says nothing. */
void aw_task_spec_init (struct aw_task_spec *spec);
void aw_task_spec_finish (struct aw_task_spec *spec);

/* Reads "defaults". */
void aw_task_spec_read_defaults (struct aw_reader *reader,
                                 struct json_object *object,
                                 struct aw_task_spec *spec);

/* Reads the task set NAME on top of DEFAULTS. */
void aw_task_spec_read (struct aw_reader *reader,
                        const char *name,
                        struct json_object *object,
                        const struct aw_task_spec *defaults,
                        struct aw_task_spec *spec);

/* Frees what a recipe holds. */
void aw_recipe_finish (struct aw_recipe *recipe);

#endif /* AW_IO_WORKFLOW_WORKFLOW_TASK_H */
