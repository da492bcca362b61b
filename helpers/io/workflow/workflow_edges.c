/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/workflow_edges.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/after.h"
#include "util/packet.h"

enum { AW_MAX_MESSAGES = 1000000000 }; /* that a start can wait for */

struct edges {
    struct aw_reader *reader;
    const struct aw_task_spec *specs; /* of the sets from first on */
    struct aw_graph *graph;
    uint32_t first;
};

/* An edge and the element of "after" that asks for it. */
struct read_edge {
    struct aw_edge edge;
    size_t element;
};

/* By predecessor; equal ones in the file's order. */
static int compare (const void *a, const void *b)
{
    const struct read_edge *x = a, *y = b;

    if (x->edge.set != y->edge.set)
        return x->edge.set < y->edge.set ? -1 : 1;
    if (x->edge.back != y->edge.back)
        return x->edge.back < y->edge.back ? -1 : 1;
    return x->element < y->element ? -1 : x->element > y->element;
}

static int compare_elements (const void *a, const void *b)
{
    const struct read_edge *x = a, *y = b;

    return x->element < y->element ? -1 : x->element > y->element;
}

/* Of all sets, for suggestions. Caller frees; NULL: out of memory. */
static const char **names_of (const struct aw_graph *graph)
{
    const char **names = calloc ((size_t)graph->n_sets + 1, sizeof (*names));

    for (uint32_t i = 0; names && i < graph->n_sets; i++)
        names[i] = graph->sets[i].name;
    return names;
}

void aw_workflow_unknown_set (struct aw_reader *reader,
                              const struct aw_graph *graph,
                              const char *name)
{
    const char **names = names_of (graph);

    if (names)
        aw_reader_unknown (reader, "task set", name, names, graph->n_sets,
                           "write the name of a set in \"tasks\"");
    else
        aw_reader_no_memory (reader);
    free (names);
}

/* The set that the text begins with, or AW_NONE, reported. */
static uint32_t find_set (struct edges *e, const char *text, size_t length)
{
    char name[AW_WORKFLOW_MAX_NAME + 1];
    uint32_t set = AW_NONE;

    if (length < sizeof (name)) {
        memcpy (name, text, length);
        name[length] = '\0';
        set = aw_graph_find (e->graph, name);
    }
    else {
        memcpy (name, text, sizeof (name) - 1);
        name[sizeof (name) - 1] = '\0';
    }
    if (set == AW_NONE)
        aw_workflow_unknown_set (e->reader, e->graph, name);
    return set;
}

/* Is the set's count what its file says? */
static bool count_is_known (const struct edges *e, uint32_t set)
{
    return set < e->first || e->specs[set - e->first].count_is_known;
}

/* Added task sets run once. */
static void check_added_edge (struct edges *e, const struct aw_edge *edge)
{
    const struct aw_set *from = &e->graph->sets[edge->set];

    if (edge->back)
        aw_reader_error (e->reader,
                         "an added workflow has no previous iteration: write \"%.64s\", which "
                         "waits for all of it",
                         from->name);
    else if (edge->by == AW_BY_INDEX && aw_graph_iterations (e->graph, edge->set) > 1)
        aw_reader_error (
            e->reader, "[i]: %.64s has %u iterations: write \"%.64s\", which waits for all of them",
            from->name, aw_graph_iterations (e->graph, edge->set), from->name);
}

static void check_edge (struct edges *e, uint32_t set, const struct aw_edge *edge)
{
    const struct aw_set *to = &e->graph->sets[set], *from = &e->graph->sets[edge->set];

    if (edge->by == AW_BY_INDEX && to->count != from->count && count_is_known (e, set)
        && count_is_known (e, edge->set))
        aw_reader_error (e->reader, "[i] needs sets of one size: %.64s has %u tasks, %.64s has %u",
                         from->name, from->count, to->name, to->count);
    if (e->first > 0)
        check_added_edge (e, edge);
    else if (edge->back && !e->graph->iterated)
        aw_reader_warn (e->reader, "waits for nothing: the workflow has no \"iterations\"");
    else if (edge->back >= e->graph->iterations && edge->back > 1)
        aw_reader_warn (e->reader, "waits for nothing: there are %u iterations",
                        e->graph->iterations);
}

static bool read_edge (struct edges *e,
                       uint32_t set,
                       struct json_object *value,
                       struct aw_edge *edge)
{
    struct aw_after after;
    struct aw_error err;
    const char *text;

    if (!aw_reader_text (e->reader, value, &text))
        return false;
    if (aw_after_parse (text, &after, &err) < 0)
        return aw_reader_error (e->reader, "\"%.80s\": %s", text, err.text);
    edge->set = find_set (e, text, after.name_length);
    edge->by = after.each ? AW_BY_INDEX : AW_BY_SET;
    edge->back = after.back;
    if (edge->set == AW_NONE)
        return false;
    check_edge (e, set, edge);
    return true;
}

/* {"message": TOPIC, "count": N} or {"message": TOPIC, "every": N}. */
static void read_need (struct edges *e, uint32_t set, struct json_object *object)
{
    static const char *const keys[] = { "message", "count", "every" };
    const struct aw_set *s = &e->graph->sets[set];
    struct aw_reader *reader = e->reader;
    struct json_object *message = NULL, *count = NULL, *every = NULL;
    const char *topic;
    uint64_t n = 1;
    bool good;
    size_t mark;

    json_object_object_foreach (object, key, value)
    {
        if (!strcmp (key, "message"))
            message = value;
        else if (!strcmp (key, "count"))
            count = value;
        else if (!strcmp (key, "every"))
            every = value;
        else
            aw_reader_unknown (reader, "key", key, keys, 3, "known keys: message, count, every");
    }
    if (!message || (count && every)) {
        aw_reader_error (reader, !message ? "\"message\", the topic, is missing"
                                          : "\"count\" or \"every\", not both: remove one");
        return;
    }
    mark = aw_reader_enter (reader, "message");
    good = aw_reader_text (reader, message, &topic);
    if (good && !aw_topic_is_good (topic, strlen (topic)))
        good = aw_reader_error (reader,
                                "the name of a topic has at most %d letters, digits, \"_\", \"-\" "
                                "and \".\", and begins with a letter, a digit or \"_\"",
                                AW_TOPIC_MAX);
    aw_reader_leave (reader, mark);
    if (count || every) {
        mark = aw_reader_enter (reader, count ? "count" : "every");
        good = aw_reader_integer (reader, count ? count : every, 1, AW_MAX_MESSAGES, &n) && good;
        aw_reader_leave (reader, mark);
    }
    for (uint32_t i = 0; good && i < s->n_message_dependencies; i++)
        if (strcmp (e->graph->topics[s->message_dependencies[i].topic], topic) == 0)
            good = aw_reader_error (
                reader, "the set waits twice for messages on \"%s\": remove one", topic);
    if (good
        && aw_graph_add_message_dependency (e->graph, set, topic, (uint32_t)n, every != NULL) < 0)
        aw_reader_no_memory (reader);
}

/* Leaves each edge once, in the file's order. */
static size_t remove_repeated (struct aw_reader *reader, struct read_edge *edges, size_t n)
{
    size_t kept = 0;

    qsort (edges, n, sizeof (*edges), compare);
    for (size_t i = 0; i < n; i++) {
        const struct read_edge *last = kept ? &edges[kept - 1] : NULL;

        if (last && last->edge.set == edges[i].edge.set && last->edge.back == edges[i].edge.back) {
            size_t mark = aw_reader_enter_index (reader, edges[i].element);

            if (last->edge.by == edges[i].edge.by)
                aw_reader_error (reader, "the same as [%zu]: remove one", last->element);
            else
                aw_reader_error (
                    reader,
                    "the same set as in [%zu], once with [i] and once as a whole: remove one",
                    last->element);
            aw_reader_leave (reader, mark);
        }
        else {
            edges[kept++] = edges[i];
        }
    }
    qsort (edges, kept, sizeof (*edges), compare_elements);
    return kept;
}

static void read_after (struct edges *e, uint32_t set, struct json_object *array)
{
    size_t n = json_object_array_length (array), n_edges = 0;
    struct read_edge *edges = calloc (n + 1, sizeof (*edges));

    if (!edges) {
        aw_reader_no_memory (e->reader);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t mark = aw_reader_enter_index (e->reader, i);

        edges[n_edges].element = i;
        if (json_object_is_type (json_object_array_get_idx (array, i), json_type_object))
            read_need (e, set, json_object_array_get_idx (array, i));
        else if (read_edge (e, set, json_object_array_get_idx (array, i), &edges[n_edges].edge))
            n_edges++;
        aw_reader_leave (e->reader, mark);
    }
    n_edges = remove_repeated (e->reader, edges, n_edges);
    for (size_t i = 0; i < n_edges; i++)
        if (aw_graph_add_edge (e->graph, set, edges[i].edge) < 0) {
            aw_reader_no_memory (e->reader);
            break;
        }
    free (edges);
}

void aw_workflow_read_edges (struct aw_reader *reader,
                             const struct aw_task_spec *specs,
                             struct aw_graph *graph,
                             uint32_t first)
{
    struct edges e = { .reader = reader, .specs = specs, .graph = graph, .first = first };

    for (uint32_t i = first; i < graph->n_sets; i++) {
        size_t mark;

        if (!specs[i - first].after)
            continue;
        mark = aw_reader_enter (reader, "tasks");
        aw_reader_enter (reader, graph->sets[i].name);
        aw_reader_enter (reader, "after");
        read_after (&e, i, specs[i - first].after);
        aw_reader_leave (reader, mark);
    }
}
