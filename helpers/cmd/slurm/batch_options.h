/* SPDX-License-Identifier: Apache-2.0 */
/* The options of sbatch, which stand in its scripts too, and of srun. */
#ifndef AW_CMD_SLURM_BATCH_OPTIONS_H
#define AW_CMD_SLURM_BATCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/slurm/options.h"

enum { AW_SBATCH, AW_SRUN }; /* the `command` of options */

/* Options that count. */
enum aw_batch_option {
    AW_BATCH_ARRAY,
    AW_BATCH_CHDIR,
    AW_BATCH_COMMENT,
    AW_BATCH_CPUS,
    AW_BATCH_CPUS_PER_GPU,
    AW_BATCH_DEPENDENCY,
    AW_BATCH_ERROR,
    AW_BATCH_EXPORT,
    AW_BATCH_GPUS,
    AW_BATCH_GPUS_PER_NODE,
    AW_BATCH_GPUS_PER_TASK,
    AW_BATCH_GRES,
    AW_BATCH_INPUT,
    AW_BATCH_NAME,
    AW_BATCH_MEM,
    AW_BATCH_MEM_PER_CPU,
    AW_BATCH_MEM_PER_GPU,
    AW_BATCH_NODES,
    AW_BATCH_NTASKS,
    AW_BATCH_NTASKS_PER_NODE,
    AW_BATCH_NO_REQUEUE,
    AW_BATCH_OPEN_MODE,
    AW_BATCH_OUTPUT,
    AW_BATCH_PARSABLE,
    AW_BATCH_QUIET,
    AW_BATCH_REQUEUE,
    AW_BATCH_SIGNAL,
    AW_BATCH_TIME,
    AW_BATCH_VERSION,
    AW_BATCH_WAIT,
    AW_BATCH_WRAP,
    AW_BATCH_HELP,
    AW_BATCH_USAGE,
    AW_BATCH_TAKEN /* their number */
};

/* Empty options of COMMAND. */
struct aw_slurm_options aw_batch_options (int command);

/* What the options ask of the pool. */
struct aw_batch_request {
    uint32_t ntasks, cpus_per_task, cpus; /* CPUs of all tasks together */
    bool ntasks_given, cpus_given;
    double gpus;
    char gpu_type[64]; /* "": any */
    uint64_t mem; /* MiB; 0: not given */
    double time_limit; /* seconds; 0: none */
};

/* Reads numbers, sizes and times. 0, or -1, printed. */
int aw_batch_request (const struct aw_slurm_options *options, struct aw_batch_request *request);

#endif /* AW_CMD_SLURM_BATCH_OPTIONS_H */
