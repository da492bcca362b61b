/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/slurm_node.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

int aw_slurm_node_add_type (struct aw_slurm_node *node,
                            const char *name,
                            size_t len,
                            uint32_t n,
                            const struct aw_idset *ids)
{
    struct aw_slurm_gpus *type;

    if (aw_array_reserve (&node->types, &node->type_room, node->n_types + 1) < 0)
        return -1;
    type = &node->types[node->n_types];
    memset (type, 0, sizeof (*type));
    type->n = n;
    type->type = strndup (name, len);
    if (!type->type)
        return -1;
    node->n_types++;
    return aw_idset_copy (&type->ids, ids);
}

/* One of a GRES list: "gpu:4(IDX:0-3)", "gpu:a100:4(IDX:0-3)", "gpu:2(CNT:2)", "gpu:a100:1". Adds
 * up, as a node may have several types. Others (mps, shard, nic) are shares of a GPU or none.
 */
static int parse_gpu (struct aw_slurm_node *node, const char *at, size_t len)
{
    const char *paren = memchr (at, '(', len);
    size_t name_len = paren ? (size_t)(paren - at) : len;
    const char *count = at + name_len;
    struct aw_idset ids;
    char list[256];
    int rc = 0;

    if (name_len < 3 || strncmp (at, "gpu", 3) != 0 || (name_len > 3 && at[3] != ':'))
        return 0;
    while (count > at && isdigit ((unsigned char)count[-1]))
        count--;
    if (count == at + name_len || count[-1] != ':')
        return 0;
    aw_idset_init (&ids);
    if (paren && sscanf (paren, "(IDX:%255[0-9,-])", list) == 1 && aw_idset_parse (&ids, list) == 0)
        rc = aw_idset_add_all (&node->gpus, &ids);
    node->n_gpus += (uint32_t)strtoul (count, NULL, 10);
    if (rc == 0 && count - at > 5) /* "gpu:a100:4" */
        rc = aw_slurm_node_add_type (node, at + 4, (size_t)(count - at - 5),
                                     (uint32_t)strtoul (count, NULL, 10), &ids);
    aw_idset_finish (&ids);
    return rc;
}

/* Commas separate, but not those in parentheses. */
int aw_slurm_node_add_gres (struct aw_slurm_node *node, struct aw_slurm_text value)
{
    size_t begin = 0;
    int depth = 0;

    for (size_t i = 0; value.at && i <= value.len; i++) {
        char c = i < value.len ? value.at[i] : ',';

        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if ((c == ',' && depth <= 0) || i == value.len) {
            if (parse_gpu (node, value.at + begin, i - begin) < 0)
                return -1;
            begin = i + 1;
        }
    }
    if (aw_idset_count (&node->gpus) != node->n_gpus)
        aw_idset_finish (&node->gpus);
    return 0;
}

void aw_slurm_node_drop_types (struct aw_slurm_node *node)
{
    for (uint32_t i = 0; i < node->n_types; i++) {
        free (node->types[i].type);
        aw_idset_finish (&node->types[i].ids);
    }
    free (node->types);
    node->types = NULL;
    node->n_types = node->type_room = 0;
}

void aw_slurm_node_finish (struct aw_slurm_node *node)
{
    int saved = errno;

    free (node->name);
    aw_idset_finish (&node->cpus);
    aw_idset_finish (&node->gpus);
    aw_slurm_node_drop_types (node);
    memset (node, 0, sizeof (*node));
    errno = saved;
}
