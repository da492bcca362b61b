/* SPDX-License-Identifier: Apache-2.0 */
#include "core/graph/edge_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void groups_finish (struct aw_groups *groups)
{
    free (groups->group);
    free (groups->member);
    free (groups->start);
}

/* Counts the tasks of each group in START, one place further on. Does each group have some? */
static int count_tasks (const uint32_t *group, uint32_t n, uint32_t *start, uint32_t n_groups)
{
    for (uint32_t i = 0; i < n; i++) {
        if (group[i] >= n_groups)
            return -1;
        start[group[i] + 1]++;
    }
    for (uint32_t g = 0; g < n_groups; g++)
        if (start[g + 1] == 0)
            return -1;
    return 0;
}

/* A counting sort. START ends as it is to be: each group's end moves to the next one's begin. */
static void sort_tasks (struct aw_groups *groups, uint32_t n_groups)
{
    uint32_t *start = groups->start;

    for (uint32_t g = 0; g < n_groups; g++)
        start[g + 1] += start[g];
    for (uint32_t i = 0; i < groups->n_tasks; i++)
        groups->member[start[groups->group[i]]++] = i;
    memmove (start + 1, start, n_groups * sizeof (*start));
    start[0] = 0;
}

static int groups_init (struct aw_groups *groups,
                        const uint32_t *group,
                        uint32_t n,
                        uint32_t n_groups)
{
    groups->n_tasks = n;
    groups->group = malloc (((size_t)n + 1) * sizeof (*groups->group));
    groups->member = malloc (((size_t)n + 1) * sizeof (*groups->member));
    groups->start = calloc ((size_t)n_groups + 1, sizeof (*groups->start));
    if (!groups->group || !groups->member || !groups->start) {
        errno = ENOMEM;
        return -1;
    }
    memcpy (groups->group, group, n * sizeof (*group));
    if (count_tasks (group, n, groups->start, n_groups) < 0) {
        errno = EINVAL;
        return -1;
    }
    sort_tasks (groups, n_groups);
    return 0;
}

int aw_edge_key_init (struct aw_edge_key *key,
                      const char *name,
                      uint32_t n_groups,
                      const uint32_t *before,
                      uint32_t n_before,
                      const uint32_t *after,
                      uint32_t n_after)
{
    *key = (struct aw_edge_key){ .name = strdup (name), .n_groups = n_groups };
    if (!key->name || groups_init (&key->before, before, n_before, n_groups) < 0
        || groups_init (&key->after, after, n_after, n_groups) < 0) {
        aw_edge_key_finish (key);
        return -1;
    }
    return 0;
}

void aw_edge_key_finish (struct aw_edge_key *key)
{
    int saved = errno;

    free (key->name);
    groups_finish (&key->before);
    groups_finish (&key->after);
    memset (key, 0, sizeof (*key));
    errno = saved;
}
