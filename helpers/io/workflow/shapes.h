/* SPDX-License-Identifier: Apache-2.0 */
/* A file of node shapes: what an allocation consists of where its nodes are not all alike.
 *
 *   [ { "nodes": 16, "cpus": 168, "gpus": 6, "mem": "512G" }, { "nodes": 2, "cpus": 64 } ]
 *
 * "cpus" must be there; "nodes" is 1, "gpus" 0 and "mem" not counted where they are left out.
 */
#ifndef AW_IO_WORKFLOW_SHAPES_H
#define AW_IO_WORKFLOW_SHAPES_H

#include <stddef.h>
#include <stdint.h>

#include "core/resources/pool.h"
#include "io/problems.h"

struct aw_shape_entry {
    uint32_t nodes;
    struct aw_demand node; /* what each has; mem 0: not counted */
};

/* Reads and checks the file at PATH. Returns the entries, N of them and at least one, for the
 * caller to free, or NULL with at least one error in PROBLEMS.
 */
struct aw_shape_entry *aw_shapes_load (const char *path, size_t *n, struct aw_problems *problems);

#endif /* AW_IO_WORKFLOW_SHAPES_H */
