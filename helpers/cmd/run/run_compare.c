/* SPDX-License-Identifier: Apache-2.0 */
/* What a changed workflow, or other values, mean for the tasks of a run that continues. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/run/run_change.h"
#include "cmd/run/run_resume.h"
#include "io/workflow/values.h"
#include "io/workflow/workflow_compare.h"
#include "util/units.h"

/* How many tasks of a set have completed. */
static uint32_t completed (const struct aw_history *history, uint32_t set)
{
    const struct aw_graph *graph = history->graph;
    uint32_t n = 0;

    for (uint32_t task = 0; task < graph->n_tasks; task++)
        n += aw_graph_task (graph, task).set == set
             && aw_history_state (history, task) == AW_HISTORY_COMPLETED;
    return n;
}

/* How many tasks from FROM on have values that are not missing. */
static uint32_t wanted (const struct aw_values *values, uint32_t from)
{
    uint32_t n = 0;

    for (uint32_t i = from; i < aw_values_count (values); i++)
        n += !aw_values_is_missing (values, i);
    return n;
}

/* Prints that a set has ADDED and GONE lines of a task list. */
static void print_lines (const char *name, uint32_t added, uint32_t gone)
{
    if (added > 0)
        fprintf (stderr, "async-workflow: tasks.%s: %u new line%s\n", name, added,
                 added == 1 ? "" : "s");
    if (gone > 0)
        fprintf (stderr, "async-workflow: tasks.%s: %u line%s no longer in the list\n", name, gone,
                 gone == 1 ? " is" : "s are");
}

/* Prints what other values, or another count, mean for the set NAME. */
static void print_tasks (const char *name,
                         const struct aw_set *old_set,
                         const struct aw_values *old,
                         const struct aw_set *new_set,
                         const struct aw_values *new)
{
    uint32_t added, gone;

    if (!old || !new) {
        if (old_set->count != new_set->count)
            fprintf (stderr, "async-workflow: tasks.%s: now %u task%s instead of %u\n", name,
                     new_set->count, aw_plural (new_set->count), old_set->count);
        return;
    }
    added = aw_values_count (new) - aw_values_count (old);
    gone = aw_values_count (new) - wanted (new, 0);
    if (aw_values_count (new) < aw_values_count (old))
        return; /* other variables: all is new */
    if (aw_values_is_list (new)) {
        print_lines (name, added, gone);
        return;
    }
    if (added > 0)
        fprintf (stderr, "async-workflow: tasks.%s: %u task%s of new values\n", name, added,
                 added == 1 ? "" : "s");
    if (gone > 0)
        fprintf (stderr, "async-workflow: tasks.%s: %u task%s not wanted: %s values have gone\n",
                 name, gone, gone == 1 ? " is" : "s are", gone == 1 ? "its" : "their");
}

/* Prints what a change means for a set. */
static void print_change (const struct aw_workflow *old,
                          const struct aw_workflow *new,
                          const struct aw_set_change *change,
                          uint32_t set,
                          uint32_t n_done)
{
    const struct aw_set *s = &new->graph->sets[set];
    char why[160];

    if (change->old == AW_NONE) {
        fprintf (stderr, "async-workflow: tasks.%s: new\n", s->name);
        return;
    }
    print_tasks (s->name, &old->graph->sets[change->old], old->recipes[change->old].values, s,
                 new->recipes[set].values);
    if (!change->again || n_done == 0)
        return;
    if (change->key)
        snprintf (why, sizeof (why), "\"%s\" has changed", change->key);
    else
        snprintf (why, sizeof (why), "depends on %s", new->graph->sets[change->cause].name);
    fprintf (stderr, "async-workflow: tasks.%s: %s: %u finished task%s run%s again\n", s->name, why,
             n_done, n_done == 1 ? "" : "s", n_done == 1 ? "s" : "");
}

int aw_run_resume_compare (struct aw_run_resume *r,
                           const struct aw_workflow *old,
                           const struct aw_history *history,
                           bool print,
                           struct aw_error *err)
{
    const struct aw_graph *graph = r->workflow->graph;
    struct aw_set_change *changes = calloc (graph->n_sets + (size_t)1, sizeof (*changes));

    if (!changes)
        return aw_error_set (err, "out of memory");
    aw_workflow_compare (old, r->workflow, changes);
    for (uint32_t s = 0; s < graph->n_sets; s++) {
        if (print)
            print_change (old, r->workflow, &changes[s], s,
                          changes[s].again ? completed (history, s) : 0);
        if (changes[s].again && aw_idset_add (&r->rerun, s, s) < 0) {
            free (changes);
            return aw_error_set (err, "too many task sets");
        }
    }
    for (uint32_t s = 0; print && s < old->graph->n_sets; s++)
        if (aw_graph_find (graph, old->graph->sets[s].name) == AW_NONE)
            fprintf (stderr, "async-workflow: tasks.%s: removed\n", old->graph->sets[s].name);
    free (changes);
    return aw_run_change_digest (r->workflow, r->digest, err);
}
