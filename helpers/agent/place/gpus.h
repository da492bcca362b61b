/* SPDX-License-Identifier: Apache-2.0 */
/* The node's GPUs: how the ids of the pool are called in the variables that GPU runtimes read. */
#ifndef AW_AGENT_PLACE_GPUS_H
#define AW_AGENT_PLACE_GPUS_H

#include "core/idset.h"
#include "io/textbuf.h"
#include "util/error.h"

struct aw_gpus;

/* The ids of what LIST ("0,1", "GPU-8f2c,GPU-11aa") names: the numbers themselves where all are
 * different numbers, else 0, 1, and so on. Replaces SET; NULL or "" is none. 0, or -1 with ENOMEM.
 */
int aw_gpus_ids (const char *list, struct aw_idset *set);

/* Learns from ENV what each id of GPUS is called in each variable. NULL with text. destroy takes
 * NULL.
 */
struct aw_gpus *aw_gpus_create (char *const *env,
                                const struct aw_idset *gpus,
                                struct aw_error *err);
void aw_gpus_destroy (struct aw_gpus *gpus);

/* What the first list that names it calls GPU ID ("GPU-8f2c", "MIG-11aa", "3"). NULL: no list does.
 * Borrowed.
 */
const char *aw_gpus_entry (const struct aw_gpus *gpus, uint32_t id);

/* The number of GPU ID among those of the machine: Slurm's own, where it numbers a job's anew; -1:
 * not known.
 */
long aw_gpus_index (const struct aw_gpus *gpus, uint32_t id);

/* Whose GPUs they are as far as the variables tell. */
enum aw_gpu_vendor { AW_GPU_ANY, AW_GPU_NVIDIA, AW_GPU_AMD, AW_GPU_INTEL };
enum aw_gpu_vendor aw_gpus_vendor (const struct aw_gpus *gpus);

/* Appends the variables that show a task MINE and nothing else, "NAME=value" each with its NUL. */
void aw_gpus_variables (const struct aw_gpus *gpus,
                        const struct aw_idset *mine,
                        struct aw_textbuf *text);

#endif /* AW_AGENT_PLACE_GPUS_H */
