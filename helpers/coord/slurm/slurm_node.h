/* SPDX-License-Identifier: Apache-2.0 */
/* A node of a Slurm job. */
#ifndef AW_COORD_SLURM_SLURM_NODE_H
#define AW_COORD_SLURM_SLURM_NODE_H

#include <stdint.h>

#include "coord/slurm/slurm_text.h"
#include "core/idset.h"

/* Some of a node's GPUs, of one type as gres.conf names it. */
struct aw_slurm_gpus {
    char *type;
    uint32_t n;
    struct aw_idset ids; /* their indices, if Slurm reports them */
};

struct aw_slurm_node {
    char *name; /* NodeName */
    struct aw_idset cpus; /* the job's CPU ids on this node, Slurm's abstract ids */
    uint64_t mem; /* bytes; 0: Slurm does not manage memory here */
    uint32_t n_gpus; /* held by the job */
    struct aw_idset gpus; /* their indices if Slurm reports them (n_gpus many), else empty */
    struct aw_slurm_gpus *types; /* those with a type */
    uint32_t n_types, type_room;
    uint32_t threads_per_core; /* as slurm.conf declares them; 0: not known */
};

/* Adds N GPUs of a type, whose name has LEN characters. IDS are their indices, or empty. 0, or -1
 * with errno.
 */
int aw_slurm_node_add_type (struct aw_slurm_node *node,
                            const char *name,
                            size_t len,
                            uint32_t n,
                            const struct aw_idset *ids);

/* Adds the GPUs of VALUE, a GRES list: "gpu:a100:4(IDX:0-3)". If some of them have no index, the
 * node has none. 0, or -1 with errno.
 */
int aw_slurm_node_add_gres (struct aw_slurm_node *node, struct aw_slurm_text value);

/* Forgets the types of the GPUs. */
void aw_slurm_node_drop_types (struct aw_slurm_node *node);

/* Frees what it holds, keeps errno. A zeroed one is fine. */
void aw_slurm_node_finish (struct aw_slurm_node *node);

#endif /* AW_COORD_SLURM_SLURM_NODE_H */
