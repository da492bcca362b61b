/* SPDX-License-Identifier: Apache-2.0 */
/* Building a graph, finding sets by name, and the numbering of tasks. */
#include "core/graph/graph.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

struct aw_graph *aw_graph_create (void)
{
    struct aw_graph *graph = calloc (1, sizeof (*graph));

    if (graph)
        *graph = (struct aw_graph){ .iterations = 1, .until = AW_NONE, .until_topic = AW_NONE };
    return graph;
}

void aw_graph_destroy (struct aw_graph *graph)
{
    int saved = errno;

    if (graph) {
        for (uint32_t i = 0; i < graph->n_sets; i++) {
            free (graph->sets[i].name);
            free (graph->sets[i].label);
            free (graph->sets[i].after);
            free (graph->sets[i].message_dependencies);
        }
        for (uint32_t i = 0; i < graph->n_keys; i++)
            aw_edge_key_finish (&graph->keys[i]);
        free (graph->keys);
        for (uint32_t i = 0; i < graph->n_gpu_types; i++)
            free (graph->gpu_types[i]);
        free (graph->gpu_types);
        for (uint32_t i = 0; i < graph->n_topics; i++)
            free (graph->topics[i]);
        free (graph->topics);
        free (graph->sets);
        aw_names_finish (&graph->names);
        free (graph->order);
        free (graph->blocks);
        free (graph);
    }
    errno = saved;
}

static uint32_t find_name (const struct aw_graph *graph, const char *name, size_t size)
{
    return memchr (name, '\0', size) ? AW_NONE : aw_names_get (&graph->names, name, size);
}

uint32_t aw_graph_find (const struct aw_graph *graph, const char *name)
{
    return find_name (graph, name, strlen (name));
}

struct aw_set *aw_graph_add_set (struct aw_graph *graph, const char *name)
{
    struct aw_set *set;

    if (aw_graph_find (graph, name) != AW_NONE) {
        errno = EEXIST;
        return NULL;
    }
    if (graph->n_sets >= AW_MAX_TASKS) {
        errno = ENOMEM;
        return NULL;
    }
    if (aw_array_reserve (&graph->sets, &graph->set_room, graph->n_sets + 1) < 0)
        return NULL;
    set = &graph->sets[graph->n_sets];
    *set = (struct aw_set){ .name = strdup (name),
                            .count = 1,
                            .cpus = 1,
                            .nodes = 1,
                            .ranks_per_node = 1,
                            .duration = NAN,
                            .spread = NAN,
                            .time_limit = INFINITY,
                            .on_failure = AW_ON_FAILURE_STOP,
                            .group = graph->n_sets,
                            .members = 1 };
    if (!set->name || aw_names_set (&graph->names, name, graph->n_sets) < 0) {
        free (set->name);
        return NULL;
    }
    graph->n_sets++;
    return set;
}

void aw_graph_shrink (struct aw_graph *graph, const struct aw_graph_size *old)
{
    while (graph->n_sets > old->n_sets) {
        struct aw_set *set = &graph->sets[graph->n_sets - 1];

        aw_names_remove (&graph->names, set->name);
        graph->n_sets--;
        if (set->group < graph->n_sets)
            graph->sets[set->group].members--;
        free (set->name);
        free (set->label);
        free (set->after);
        free (set->message_dependencies);
    }
    while (graph->n_topics > old->n_topics)
        free (graph->topics[--graph->n_topics]);
    while (graph->n_gpu_types > old->n_gpu_types)
        free (graph->gpu_types[--graph->n_gpu_types]);
    while (graph->n_keys > old->n_keys)
        aw_edge_key_finish (&graph->keys[--graph->n_keys]);
    graph->n_tasks = old->n_tasks;
}

int aw_graph_submitted (struct aw_graph *graph, uint32_t set, const char *label, uint32_t head)
{
    struct aw_set *s = &graph->sets[set];

    s->label = strdup (label);
    if (!s->label)
        return -1;
    s->submitted = true;
    s->on_failure = AW_ON_FAILURE_SKIP;
    s->group = head;
    s->members = head == set;
    graph->sets[head].members += head != set;
    return 0;
}

uint32_t aw_graph_gpu_type (struct aw_graph *graph, const char *name)
{
    char *copy;

    for (uint32_t i = 0; i < graph->n_gpu_types; i++)
        if (strcmp (graph->gpu_types[i], name) == 0)
            return i + 1;
    if (aw_array_reserve (&graph->gpu_types, &graph->gpu_type_room, graph->n_gpu_types + 1) < 0
        || !(copy = strdup (name)))
        return 0;
    graph->gpu_types[graph->n_gpu_types] = copy;
    return ++graph->n_gpu_types;
}

int aw_graph_add_edge (struct aw_graph *graph, uint32_t set, struct aw_edge edge)
{
    struct aw_set *s;

    if (set >= graph->n_sets) {
        errno = EINVAL;
        return -1;
    }
    s = &graph->sets[set];
    if (aw_array_reserve (&s->after, &s->after_room, s->n_after + 1) < 0)
        return -1;
    s->after[s->n_after++] = edge;
    return 0;
}

int aw_graph_add_keyed_edge (struct aw_graph *graph,
                             uint32_t set,
                             struct aw_edge edge,
                             struct aw_edge_key *key)
{
    edge.by = AW_BY_KEY + graph->n_keys;
    if (aw_array_reserve (&graph->keys, &graph->key_room, graph->n_keys + 1) < 0
        || aw_graph_add_edge (graph, set, edge) < 0)
        return -1;
    graph->keys[graph->n_keys++] = *key;
    memset (key, 0, sizeof (*key));
    return 0;
}

const char *aw_graph_brackets (const struct aw_graph *graph, uint32_t by)
{
    if (by == AW_BY_SET)
        return NULL;
    return by == AW_BY_INDEX ? "i" : aw_graph_key (graph, by)->name;
}

uint32_t aw_graph_find_topic (const struct aw_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->n_topics; i++)
        if (strcmp (graph->topics[i], name) == 0)
            return i;
    return AW_NONE;
}

static uint32_t add_topic (struct aw_graph *graph, const char *name)
{
    uint32_t topic = aw_graph_find_topic (graph, name);
    char *copy;

    if (topic != AW_NONE)
        return topic;
    if (aw_array_reserve (&graph->topics, &graph->topic_room, graph->n_topics + 1) < 0
        || !(copy = strdup (name)))
        return AW_NONE;
    graph->topics[graph->n_topics] = copy;
    return graph->n_topics++;
}

int aw_graph_set_until_topic (struct aw_graph *graph, const char *topic)
{
    graph->until_topic = add_topic (graph, topic);
    return graph->until_topic == AW_NONE ? -1 : 0;
}

int aw_graph_add_message_dependency (
    struct aw_graph *graph, uint32_t set, const char *topic, uint32_t count, bool every)
{
    struct aw_set *s = set < graph->n_sets ? &graph->sets[set] : NULL;
    struct aw_message_dependency on = { .count = count, .every = every };

    if (!s || !topic || count == 0) {
        errno = EINVAL;
        return -1;
    }
    on.topic = add_topic (graph, topic);
    if (on.topic == AW_NONE
        || aw_array_reserve (&s->message_dependencies, &s->message_dependency_room,
                             s->n_message_dependencies + 1)
               < 0)
        return -1;
    s->message_dependencies[s->n_message_dependencies++] = on;
    return 0;
}

struct aw_task aw_graph_task (const struct aw_graph *graph, uint32_t id)
{
    uint32_t low = graph->n_iterated, high = graph->n_sets, iteration = 0, within = id;

    if (id < graph->iterations * graph->tasks_per_iteration) {
        const uint32_t *block;

        if (id >= graph->tasks_per_iteration) { /* a division is slow */
            iteration = id / graph->tasks_per_iteration;
            within = id - iteration * graph->tasks_per_iteration;
        }
        block = &graph->blocks[within / AW_GRAPH_BLOCK];
        low = block[0];
        high = block[1] + 1;
    }
    while (high - low > 1) { /* sets[low].first <= within < sets[high].first */
        uint32_t middle = low + (high - low) / 2;

        if (graph->sets[middle].first <= within)
            low = middle;
        else
            high = middle;
    }
    return (struct aw_task){ .iteration = iteration,
                             .set = low,
                             .index = within - graph->sets[low].first };
}

uint32_t aw_graph_task_id (const struct aw_graph *graph, struct aw_task task)
{
    return aw_graph_first_task (graph, task.iteration, task.set) + task.index;
}

/* The digits of NUMBER, which end before P; their first. */
static char *put_before (char *p, uint32_t number)
{
    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    return p;
}

int aw_graph_task_name (const struct aw_graph *graph, uint32_t id, char *buf, size_t size)
{
    struct aw_task task = aw_graph_task (graph, id);
    const char *name = graph->sets[task.set].name;
    size_t n = strlen (name), rest;
    char end[32], *p = end + sizeof (end) - 1;

    *p = '\0'; /* from its end: each start and each line of a list asks for a name */
    *--p = ']';
    p = put_before (p, task.index);
    *--p = '[';
    if (aw_graph_names_iteration (graph, task.set)) {
        p = put_before (p, task.iteration);
        *--p = '@';
    }
    rest = (size_t)(end + sizeof (end) - p);
    if (n + rest <= size) {
        memcpy (buf, name, n + 1);
        memcpy (buf + n, p, rest);
    }
    else
        snprintf (buf, size, "%s%s", name, p);
    return (int)(n + rest - 1);
}

/* Reads a number without sign or leading zeros, and moves *TEXT to its end. */
static int parse_number (const char **text, uint32_t *number)
{
    const char *p = *text;
    uint32_t n = 0;

    if (*p == '0' && p[1] >= '0' && p[1] <= '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = 10 * n + (uint32_t)(*p - '0');
        if (n > AW_MAX_TASKS)
            return -1;
    }
    if (p == *text)
        return -1;
    *text = p;
    *number = n;
    return 0;
}

int aw_graph_tasks_parse (const struct aw_graph *graph, const char *name, struct aw_task *tasks)
{
    size_t length = strcspn (name, "@[");
    const char *p = name + length;

    *tasks = (struct aw_task){ AW_NONE, find_name (graph, name, length), AW_NONE };
    if (tasks->set == AW_NONE)
        return -1;
    if (*p == '@') {
        p++;
        if (!aw_graph_names_iteration (graph, tasks->set)
            || parse_number (&p, &tasks->iteration) < 0 || tasks->iteration >= graph->iterations)
            return -1;
    }
    if (*p == '[') {
        p++;
        if (parse_number (&p, &tasks->index) < 0 || tasks->index >= graph->sets[tasks->set].count
            || *p++ != ']')
            return -1;
    }
    return *p ? -1 : 0;
}

uint32_t aw_graph_task_parse (const struct aw_graph *graph, const char *name)
{
    struct aw_task task = { .iteration = 0 };
    size_t length = strcspn (name, "@[");
    const char *p = name + length;

    task.set = find_name (graph, name, length);
    if (task.set == AW_NONE)
        return AW_NONE;
    if (aw_graph_names_iteration (graph, task.set)
        && (*p++ != '@' || parse_number (&p, &task.iteration) < 0))
        return AW_NONE;
    if (*p++ != '[' || parse_number (&p, &task.index) < 0 || strcmp (p, "]") != 0)
        return AW_NONE;
    if (task.iteration >= graph->iterations || task.index >= graph->sets[task.set].count)
        return AW_NONE;
    return aw_graph_task_id (graph, task);
}
