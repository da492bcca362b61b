/* SPDX-License-Identifier: Apache-2.0 */
/* The node's GPUs: the names of the pool's GPU ids in the variables that GPU runtimes read. */
#ifndef AW_AGENT_PLACE_GPUS_H
#define AW_AGENT_PLACE_GPUS_H

#include "core/idset.h"
#include "io/textbuf.h"
#include "util/error.h"

struct aw_gpus;

/* Sets SET to the ids for the GPUs in LIST ("0,1", "GPU-8f2c,GPU-11aa"): the entries if they are
 * distinct numbers, else 0, 1, and so on. LIST may be NULL or "". 0, or -1 with ENOMEM.
 */
int aw_gpus_ids (const char *list, struct aw_idset *set);

/* Reads from ENV the name of each id of GPUS in each variable. NULL with text. destroy takes NULL.
 */
struct aw_gpus *aw_gpus_create (char *const *env,
                                const struct aw_idset *gpus,
                                struct aw_error *err);
void aw_gpus_destroy (struct aw_gpus *gpus);

/* The name of GPU ID ("GPU-8f2c", "MIG-11aa", "3") in the first variable that has one; NULL: none
 * has. Borrowed.
 */
const char *aw_gpus_entry (const struct aw_gpus *gpus, uint32_t id);

/* The index of GPU ID among the GPUs of the machine. Slurm may number the GPUs of a job from 0;
 * this is the index that it has outside the job. -1: not known.
 */
long aw_gpus_index (const struct aw_gpus *gpus, uint32_t id);

/* The vendor of the GPUs, by the variables; ANY: not known. */
enum aw_gpu_vendor { AW_GPU_ANY, AW_GPU_NVIDIA, AW_GPU_AMD, AW_GPU_INTEL };
enum aw_gpu_vendor aw_gpus_vendor (const struct aw_gpus *gpus);

/* Appends the variables that make only the GPUs in MINE visible, as "NAME=value" with NUL. */
void aw_gpus_variables (const struct aw_gpus *gpus,
                        const struct aw_idset *mine,
                        struct aw_textbuf *text);

#endif /* AW_AGENT_PLACE_GPUS_H */
