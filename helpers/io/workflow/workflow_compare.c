/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/workflow_compare.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/values.h"

static bool same_text (const char *a, const char *b)
{
    return a && b ? strcmp (a, b) == 0 : a == b;
}

static bool same_command (char *const *a, char *const *b)
{
    if (!a || !b)
        return a == b;
    for (; *a && *b; a++, b++)
        if (strcmp (*a, *b) != 0)
            return false;
    return !*a && !*b;
}

/* In any order. */
static bool same_environment (const struct aw_recipe *a, const struct aw_recipe *b)
{
    if (a->n_environment != b->n_environment)
        return false;
    for (size_t i = 0; i < a->n_environment; i++) {
        size_t j = 0;

        while (j < b->n_environment
               && !(same_text (a->environment[i].name, b->environment[j].name)
                    && same_text (a->environment[i].value, b->environment[j].value)))
            j++;
        if (j == b->n_environment)
            return false;
    }
    return true;
}

static const char *gpu_type (const struct aw_graph *graph, const struct aw_set *set)
{
    return set->gpu_type ? graph->gpu_types[set->gpu_type - 1] : NULL;
}

static bool same_copies (const struct aw_staging_recipe *a, const struct aw_staging_recipe *b)
{
    if (a->n != b->n || a->shared != b->shared)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same_text (a->copies[i].from, b->copies[i].from)
            || !same_text (a->copies[i].to, b->copies[i].to))
            return false;
    return true;
}

/* Messages that are waited for. */
static bool same_needs (const struct aw_graph *a_graph,
                        const struct aw_set *a,
                        const struct aw_graph *b_graph,
                        const struct aw_set *b)
{
    if (a->n_message_dependencies != b->n_message_dependencies)
        return false;
    for (uint32_t i = 0; i < a->n_message_dependencies; i++) {
        const struct aw_message_dependency *x = &a->message_dependencies[i],
                                           *y = &b->message_dependencies[i];

        if (x->count != y->count || x->every != y->every
            || !same_text (a_graph->topics[x->topic], b_graph->topics[y->topic]))
            return false;
    }
    return true;
}

/* Sets are the same by their names: numbers may have changed. */
static bool same_after (const struct aw_graph *a_graph,
                        const struct aw_set *a,
                        const struct aw_graph *b_graph,
                        const struct aw_set *b)
{
    if (a->n_after != b->n_after)
        return false;
    for (uint32_t i = 0; i < a->n_after; i++) {
        const struct aw_edge *x = &a->after[i];
        uint32_t j = 0;

        while (j < b->n_after
               && !(x->back == b->after[j].back
                    && same_text (aw_graph_brackets (a_graph, x->by),
                                  aw_graph_brackets (b_graph, b->after[j].by))
                    && same_text (a_graph->sets[x->set].name, b_graph->sets[b->after[j].set].name)))
            j++;
        if (j == b->n_after)
            return false;
    }
    return true;
}

/* Has each task of both the same values? */
static bool same_values (const struct aw_values *a, const struct aw_values *b)
{
    uint32_t n = a ? aw_values_n_variables (a) : 0;

    if (!a || !b || n != aw_values_n_variables (b))
        return a == b;
    for (uint32_t v = 0; v < n; v++) {
        if (strcmp (aw_values_name (a, v), aw_values_name (b, v)) != 0)
            return false;
        if (aw_values_is_list (b) && strcmp (aw_values_name (b, v), AW_LIST_LINE) == 0)
            continue; /* a line has moved in its file */
        for (uint32_t i = 0; i < aw_values_count (a) && i < aw_values_count (b); i++)
            if (strcmp (aw_values_text (a, i, v), aw_values_text (b, i, v)) != 0)
                return false;
    }
    return true;
}

static bool same_service (const struct aw_set *a,
                          const struct aw_set *b,
                          const struct aw_recipe *x,
                          const struct aw_recipe *y)
{
    return a->service == b->service && x->service.port == y->service.port
           && strcmp (x->service.topic, y->service.topic) == 0;
}

/* The first key that makes the set run again, or NULL. */
static const char *changed_key (const struct aw_workflow *old,
                                uint32_t old_set,
                                const struct aw_workflow *new,
                                uint32_t new_set)
{
    const struct aw_set *a = &old->graph->sets[old_set], *b = &new->graph->sets[new_set];
    const struct aw_recipe *x = &old->recipes[old_set], *y = &new->recipes[new_set];

    if (old->graph->iterated != new->graph->iterated)
        return "iterations";
    if (a->once != b->once)
        return "once";
    if (!same_service (a, b, x, y))
        return "service";
    if (!same_values (x->values, y->values))
        return "foreach";
    if (!same_command (x->command, y->command))
        return b->worker ? "worker" : "command";
    if (a->worker != b->worker)
        return "worker";
    if (!same_text (x->input, y->input))
        return "input";
    if (!same_text (x->script, y->script))
        return "script";
    if (x->script && strncmp (x->script, "#!", 2) != 0 && !same_command (x->shell, y->shell))
        return "shell";
    if (!same_environment (x, y))
        return "environment";
    if (!same_text (x->directory, y->directory))
        return "directory";
    if (!same_text (x->out, y->out))
        return "stdout";
    if (!same_text (x->err, y->err))
        return "stderr";
    if (!same_copies (&x->stage_in, &y->stage_in))
        return "stage_in";
    if (!same_copies (&x->stage_out, &y->stage_out))
        return "stage_out";
    if (a->cpus != b->cpus)
        return "cpus";
    if (a->gpus != b->gpus || a->gpu_share != b->gpu_share)
        return "gpus";
    if (!same_text (gpu_type (old->graph, a), gpu_type (new->graph, b)))
        return "gpu_type";
    if (a->threads_per_core != b->threads_per_core)
        return "threads_per_core";
    if (a->nodes != b->nodes)
        return "nodes";
    if (a->ranks_per_node != b->ranks_per_node)
        return "ranks_per_node";
    if (!same_command (x->srun, y->srun))
        return "srun";
    if (a->step != b->step)
        return "launch";
    if (x->slurm_commands != y->slurm_commands)
        return "slurm_commands";
    return same_after (old->graph, a, new->graph, b) && same_needs (old->graph, a, new->graph, b)
               ? NULL
               : "after";
}

/* Are some tasks of the set wanted in one version alone, beyond its count? */
static bool other_missing (const struct aw_values *a, const struct aw_values *b)
{
    uint32_t n = a && b ? aw_values_count (a) : 0;

    for (uint32_t i = 0; i < n && i < aw_values_count (b); i++)
        if (aw_values_is_missing (a, i) != aw_values_is_missing (b, i))
            return true;
    return false;
}

/* Has a set other tasks? */
static bool other_tasks (const struct aw_workflow *old,
                         const struct aw_workflow *new,
                         const struct aw_set_change *changes,
                         uint32_t set)
{
    uint32_t was = changes[set].old;

    return was != AW_NONE
           && (old->graph->sets[was].count != new->graph->sets[set].count
               || other_missing (old->recipes[was].values, new->recipes[set].values));
}

/* What became of the tasks of a key since the old version. */
enum {
    KEY_NEW = 1, /* there are more of them */
    KEY_GONE = 2, /* some are not wanted */
    KEY_OTHER = 4, /* some that were wanted are not, or the other way round */
};

/* By group, for the predecessor FROM of an edge by KEY. Caller frees; NULL without memory. */
static uint8_t *changed_groups (const struct aw_values *was,
                                const struct aw_values *is,
                                const struct aw_edge_key *key)
{
    uint8_t *changed = calloc ((size_t)key->n_groups + 1, sizeof (*changed));

    for (uint32_t i = 0; changed && i < key->before.n_tasks; i++) {
        uint8_t *group = &changed[key->before.group[i]];
        bool gone = aw_values_is_missing (is, i);

        *group |= gone ? KEY_GONE : 0;
        if (i >= aw_values_count (was))
            *group |= KEY_NEW;
        else if (gone != aw_values_is_missing (was, i))
            *group |= KEY_OTHER;
    }
    return changed;
}

/* Has a task of SET, which it had before, other predecessors by the key of EDGE? What is no longer
 * wanted does not count. A task that is wanted again ran with those that are wanted again with it.
 */
static bool other_by_key (const struct aw_workflow *old,
                          const struct aw_workflow *new,
                          const struct aw_set_change *changes,
                          uint32_t set,
                          const struct aw_edge *edge)
{
    const struct aw_edge_key *key = aw_graph_key (new->graph, edge->by);
    const struct aw_values *was = old->recipes[changes[set].old].values;
    const struct aw_values *is = new->recipes[set].values;
    uint8_t *changed = changed_groups (old->recipes[changes[edge->set].old].values,
                                       new->recipes[edge->set].values, key);
    bool found = !changed;

    for (uint32_t i = 0; !found && i < key->after.n_tasks && i < aw_values_count (was); i++) {
        uint8_t group = changed[key->after.group[i]];

        if (aw_values_is_missing (was, i))
            group &= KEY_NEW | KEY_GONE;
        else
            group &= KEY_NEW | KEY_OTHER;
        found = group && !aw_values_is_missing (is, i);
    }
    free (changed);
    return found;
}

/* Does S, of the new version, wait for all iterations of FROM, and is their number another? */
static bool other_iterations (const struct aw_workflow *old,
                              const struct aw_workflow *new,
                              const struct aw_set *s,
                              uint32_t from)
{
    return s->once && !new->graph->sets[from].once
           && old->graph->iterations != new->graph->iterations;
}

/* A set that has to run again for one that it waits for. */
static uint32_t find_cause (const struct aw_workflow *old,
                            const struct aw_workflow *new,
                            const struct aw_set_change *changes,
                            uint32_t set)
{
    const struct aw_set *s = &new->graph->sets[set];

    for (uint32_t e = 0; e < s->n_after; e++) {
        uint32_t from = s->after[e].set;

        if (changes[from].again || other_iterations (old, new, s, from)
            || (s->after[e].by == AW_BY_SET && other_tasks (old, new, changes, from))
            || (s->after[e].by >= AW_BY_KEY && other_tasks (old, new, changes, from)
                && other_by_key (old, new, changes, set, &s->after[e])))
            return from;
    }
    return AW_NONE;
}

void aw_workflow_compare (const struct aw_workflow *old,
                          const struct aw_workflow *new,
                          struct aw_set_change *changes)
{
    bool more = true;

    for (uint32_t s = 0; s < new->graph->n_sets; s++) {
        struct aw_set_change *change = &changes[s];

        change->old = aw_graph_find (old->graph, new->graph->sets[s].name);
        change->key = change->old == AW_NONE ? NULL : changed_key (old, change->old, new, s);
        change->again = change->key != NULL;
        change->cause = AW_NONE;
    }
    while (more) { /* at most as often as there are sets in a row */
        more = false;
        for (uint32_t s = 0; s < new->graph->n_sets; s++) {
            struct aw_set_change *change = &changes[s];

            if (change->again || change->old == AW_NONE)
                continue;
            change->cause = find_cause (old, new, changes, s);
            change->again = change->cause != AW_NONE;
            more |= change->again;
        }
    }
}
