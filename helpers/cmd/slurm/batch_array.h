/* SPDX-License-Identifier: Apache-2.0 */
/* --array: "0-9", "1,3,5", "0-15:4", "0-9%2". */
#ifndef AW_CMD_SLURM_BATCH_ARRAY_H
#define AW_CMD_SLURM_BATCH_ARRAY_H

#include <stddef.h>
#include <stdint.h>

struct aw_batch_array {
    uint32_t *indexes; /* owned; sorted, each once */
    size_t n, room;
    uint32_t step; /* of a single range; else 1 */
    uint32_t at_once; /* 0: any number */
};

/* 0, or -1, printed. finish takes a zeroed value, and what a failed read leaves. */
int aw_batch_array_read (struct aw_batch_array *array, const char *text);
void aw_batch_array_finish (struct aw_batch_array *array);

#endif /* AW_CMD_SLURM_BATCH_ARRAY_H */
