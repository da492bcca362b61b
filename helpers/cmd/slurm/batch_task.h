/* SPDX-License-Identifier: Apache-2.0 */
/* A job of sbatch as a task that is submitted (aw_submit(3)). */
#ifndef AW_CMD_SLURM_BATCH_TASK_H
#define AW_CMD_SLURM_BATCH_TASK_H

#include "cmd/slurm/batch_array.h"
#include "cmd/slurm/batch_options.h"
#include "io/textbuf.h"

/* All borrowed. */
struct aw_batch_task {
    const struct aw_slurm_options *options;
    const struct aw_batch_request *request;
    const struct aw_batch_array *array; /* NULL: it is none */
    size_t element; /* number of the element */
    unsigned long long first; /* id of the array's first element; 0: this is it */
    unsigned long long before; /* id of the task that ends before this one starts; 0: none */
    const struct aw_textbuf *dependencies; /* as aw_batch_depend makes them */
    const char *script; /* path */
    char *const *arguments;
    size_t n_arguments;
};

/* 0, or -1, printed. */
int aw_batch_task_put (const struct aw_batch_task *task, struct aw_textbuf *out);

#endif /* AW_CMD_SLURM_BATCH_TASK_H */
