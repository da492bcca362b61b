/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import: an instance of WfFormat, read. */
#ifndef AW_CMD_IMPORT_IMPORT_H
#define AW_CMD_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "io/problems.h"
#include "util/strings.h"

struct aw_import_task {
    char *id; /* in the instance. All here is owned */
    char *set; /* the name of its task set: of characters that such names may have, and unique */
    double seconds; /* NAN: the instance does not say */
    uint32_t cpus; /* at least 1 */
    struct aw_strings command; /* empty: the instance has none */
    uint32_t *after; /* indexes of the tasks that it waits for, rising, each once */
    uint32_t n_after, after_room;
};

struct aw_import {
    char *name; /* of the workflow */
    struct aw_import_task *tasks;
    uint32_t n_tasks, task_room;
};

/* Reads the instance in the file at PATH. 0, or -1 with problems. finish in either case. */
int aw_import_read (struct aw_import *import, const char *path, struct aw_problems *problems);
void aw_import_finish (struct aw_import *import);

#endif /* AW_CMD_IMPORT_IMPORT_H */
