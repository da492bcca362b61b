/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/task_step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/parents.h"

static int fill_part (struct aw_step_part *part,
                      const struct aw_pool *pool,
                      const struct aw_demand *demand,
                      uint32_t number,
                      const struct aw_idset *cpus,
                      const struct aw_idset *gpus)
{
    const struct aw_node *node = &pool->nodes[number];

    part->number = number;
    part->n_gpus = node->total.gpus;
    part->node = strdup (node->name);
    return part->node ? aw_place_split (node, demand, cpus, gpus, part->ranks) : -1;
}

static int fill_options (struct aw_step_plan *step,
                         const struct aw_workflow *workflow,
                         char *const *options,
                         uint32_t task,
                         const char *run_dir)
{
    size_t n = 0;

    while (options && options[n])
        n++;
    step->srun = calloc (n + 1, sizeof (*step->srun));
    for (size_t i = 0; step->srun && i < n; i++)
        if (!(step->srun[i] = aw_recipe_expand (options[i], workflow, task, run_dir)))
            return -1;
    return step->srun ? 0 : -1;
}

int aw_task_step (struct aw_launch *launch,
                  const struct aw_workflow *workflow,
                  const struct aw_event *start,
                  const struct aw_pool *pool,
                  const char *run_dir,
                  struct aw_error *err)
{
    uint32_t number = aw_graph_task (workflow->graph, start->task).set;
    const struct aw_set *set = &workflow->graph->sets[number];
    struct aw_demand demand = aw_set_demand (set);
    int rc = 0;

    if (!set->step)
        return 0;
    launch->step = aw_step_plan_create (start->n_more + 1, demand.ranks_per_node);
    if (!launch->step)
        return aw_error_set (err, "out of memory");
    for (uint32_t i = 0; rc == 0 && i <= start->n_more; i++) {
        const struct aw_part *more = i ? &start->more[i - 1] : NULL;

        rc = fill_part (&launch->step->parts[i], pool, &demand, more ? more->node : start->node,
                        more ? &more->cpus : &start->cpus, more ? &more->gpus : &start->gpus);
    }
    if (rc == 0)
        rc = fill_options (launch->step, workflow, workflow->recipes[number].srun, start->task,
                           run_dir);
    if (rc < 0)
        return aw_error_set (err, "out of memory");
    /* srun opens them, before any program of ours runs on the node. */
    if (aw_make_parents (launch->out) < 0 || aw_make_parents (launch->err) < 0)
        return aw_error_set (err, "the directory of its stdout or stderr cannot be made: %s",
                             strerror (errno));
    return 0;
}
