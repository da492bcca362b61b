/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/workflow_edges.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/after.h"
#include "io/workflow/keyed_edge.h"
#include "util/packet.h"
#include "util/units.h"

enum { AW_MAX_MESSAGES = 1000000000 }; /* that a start can wait for */

struct edges {
    struct aw_reader *reader;
    const struct aw_task_spec *specs; /* of the sets from first on */
    const struct aw_workflow *workflow;
    struct aw_graph *graph; /* the workflow's */
    uint32_t first;
};

/* An edge and the element of "after" that asks for it. */
struct read_edge {
    struct aw_edge edge; /* its key comes last */
    const char *brackets; /* NULL: it is by set. Borrowed from the tree */
    size_t brackets_length;
    size_t element;
};

/* By set first. */
static int compare_brackets (const struct read_edge *x, const struct read_edge *y)
{
    if (!x->brackets || !y->brackets || x->brackets_length != y->brackets_length)
        return (x->brackets_length > y->brackets_length)
               - (x->brackets_length < y->brackets_length);
    return memcmp (x->brackets, y->brackets, x->brackets_length);
}

/* By predecessor and brackets; equal ones in the file's order. */
static int compare (const void *a, const void *b)
{
    const struct read_edge *x = a, *y = b;
    int brackets = compare_brackets (x, y);

    if (x->edge.set != y->edge.set)
        return x->edge.set < y->edge.set ? -1 : 1;
    if (x->edge.back != y->edge.back)
        return x->edge.back < y->edge.back ? -1 : 1;
    if (brackets != 0)
        return brackets;
    return x->element < y->element ? -1 : x->element > y->element;
}

static int compare_elements (const void *a, const void *b)
{
    const struct read_edge *x = a, *y = b;

    return x->element < y->element ? -1 : x->element > y->element;
}

/* How many bytes of the text in the brackets are shown. */
static int shown (const struct read_edge *edge)
{
    return edge->brackets_length < 80 ? (int)edge->brackets_length : 80;
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
static void check_added_edge (struct edges *e, const struct read_edge *read)
{
    const struct aw_edge *edge = &read->edge;
    const struct aw_set *from = &e->graph->sets[edge->set];

    if (edge->back)
        aw_reader_error (e->reader,
                         "an added workflow has no previous iteration: write \"%.64s\", which "
                         "waits for all of it",
                         from->name);
    else if (read->brackets && aw_graph_iterations (e->graph, edge->set) > 1)
        aw_reader_error (e->reader,
                         "[%.*s]: %.64s has %u iterations: write \"%.64s\", which waits for all of "
                         "them",
                         shown (read), read->brackets, from->name,
                         aw_graph_iterations (e->graph, edge->set), from->name);
}

/* A set that runs once waits for all iterations of others, and they wait for it. */
static void check_once_edge (struct edges *e, uint32_t set, const struct read_edge *read)
{
    const struct aw_set *to = &e->graph->sets[set], *from = &e->graph->sets[read->edge.set];

    if (read->edge.back && (to->once || from->once))
        aw_reader_error (e->reader, "%.64s runs once, not in each iteration: write \"%.64s\"",
                         from->once ? from->name : to->name, from->name);
    if (read->brackets && to->once != from->once)
        aw_reader_error (e->reader,
                         "[%.*s]: %.64s runs once, %.64s in each iteration: write \"%.64s\", which "
                         "waits for all of it",
                         shown (read), read->brackets, (to->once ? to : from)->name,
                         (to->once ? from : to)->name, from->name);
}

/* A service is used by its set's name, in the same iteration or in all of them. */
static void check_service_edge (struct edges *e, uint32_t set, const struct read_edge *read)
{
    const struct aw_set *to = &e->graph->sets[set], *from = &e->graph->sets[read->edge.set];

    if (!from->service)
        return;
    if (read->edge.back || read->brackets)
        aw_reader_error (e->reader, "%.64s is a service: write \"%.64s\"", from->name, from->name);
    else if ((to->once || e->first > 0) && !from->once && e->graph->iterations > 1)
        aw_reader_error (e->reader,
                         "%.64s is a service of each iteration, and %.64s runs once: give the "
                         "service \"once\": true",
                         from->name, to->name);
}

static void check_edge (struct edges *e, uint32_t set, const struct read_edge *read)
{
    const struct aw_edge *edge = &read->edge;
    const struct aw_set *to = &e->graph->sets[set], *from = &e->graph->sets[edge->set];

    if (edge->by == AW_BY_INDEX && to->count != from->count && count_is_known (e, set)
        && count_is_known (e, edge->set))
        aw_reader_error (e->reader, "[i] needs sets of one size: %.64s has %u task%s, %.64s has %u",
                         from->name, from->count, aw_plural (from->count), to->name, to->count);
    if (e->first > 0)
        check_added_edge (e, read);
    else if (to->once || from->once)
        check_once_edge (e, set, read);
    else if (edge->back && !e->graph->iterated)
        aw_reader_warn (e->reader, "waits for nothing: the workflow has no \"iterations\"");
    else if (edge->back >= e->graph->iterations && edge->back > 1)
        aw_reader_warn (e->reader, "waits for nothing: there %s %u iteration%s",
                        e->graph->iterations == 1 ? "is" : "are", e->graph->iterations,
                        aw_plural (e->graph->iterations));
    check_service_edge (e, set, read);
}

static bool read_edge (struct edges *e,
                       uint32_t set,
                       struct json_object *value,
                       struct read_edge *edge)
{
    struct aw_after after;
    struct aw_error err;
    const char *text;

    if (!aw_reader_text (e->reader, value, &text))
        return false;
    if (aw_after_parse (text, &after, &err) < 0)
        return aw_reader_error (e->reader, "\"%.80s\": %s", text, err.text);
    edge->edge.set = find_set (e, text, after.name_length);
    edge->edge.by = after.each ? AW_BY_INDEX : AW_BY_SET;
    edge->edge.back = after.back;
    edge->brackets = after.brackets;
    edge->brackets_length = after.brackets_length;
    if (edge->edge.set == AW_NONE)
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

/* Does EDGE add nothing to OTHER, which comes first in the order of compare? That is reported. */
static bool is_repeated (struct aw_reader *reader,
                         const struct read_edge *other,
                         const struct read_edge *edge)
{
    bool first = edge->element < other->element;
    bool same = compare_brackets (edge, other) == 0;
    size_t mark;

    if (edge->edge.set != other->edge.set || edge->edge.back != other->edge.back
        || (!same && other->brackets))
        return false;
    mark = aw_reader_enter_index (reader, first ? other->element : edge->element);
    if (same)
        aw_reader_error (reader, "the same as [%zu]: remove one", other->element);
    else
        aw_reader_error (
            reader, "the same set as in [%zu], once with [%.*s] and once as a whole: remove one",
            first ? edge->element : other->element, shown (edge), edge->brackets);
    aw_reader_leave (reader, mark);
    return true;
}

/* Leaves each edge once, in the file's order. */
static size_t remove_repeated (struct aw_reader *reader, struct read_edge *edges, size_t n)
{
    size_t kept = 0;

    qsort (edges, n, sizeof (*edges), compare);
    for (size_t i = 0; i < n; i++)
        if (!kept || !is_repeated (reader, &edges[kept - 1], &edges[i]))
            edges[kept++] = edges[i];
    qsort (edges, kept, sizeof (*edges), compare_elements);
    return kept;
}

static const struct aw_values *values_of (const struct edges *e, uint32_t set)
{
    return set < e->first ? e->workflow->recipes[set].values
                          : e->specs[set - e->first].recipe.values;
}

/* An edge by key: "set[sample]". Where variables could not be read that is reported already. */
static void add_keyed_edge (struct edges *e, uint32_t set, const struct read_edge *edge)
{
    uint32_t from = edge->edge.set;
    struct aw_edge_end before = { e->graph->sets[from].name, values_of (e, from) };
    struct aw_edge_end after = { e->graph->sets[set].name, values_of (e, set) };
    char *brackets = strndup (edge->brackets, edge->brackets_length);
    struct aw_edge_key key = { 0 };
    bool read = false;

    if (brackets && count_is_known (e, from) && count_is_known (e, set))
        read = aw_keyed_edge_read (e->reader, brackets, &before, &after, &key);
    if (!brackets || (read && aw_graph_add_keyed_edge (e->graph, set, edge->edge, &key) < 0))
        aw_reader_no_memory (e->reader);
    aw_edge_key_finish (&key);
    free (brackets);
}

static void add_edge (struct edges *e, uint32_t set, const struct read_edge *edge)
{
    if (edge->brackets && edge->edge.by != AW_BY_INDEX) {
        size_t mark = aw_reader_enter_index (e->reader, edge->element);

        add_keyed_edge (e, set, edge);
        aw_reader_leave (e->reader, mark);
    }
    else if (aw_graph_add_edge (e->graph, set, edge->edge) < 0) {
        aw_reader_no_memory (e->reader);
    }
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
        else if (read_edge (e, set, json_object_array_get_idx (array, i), &edges[n_edges]))
            n_edges++;
        aw_reader_leave (e->reader, mark);
    }
    n_edges = remove_repeated (e->reader, edges, n_edges);
    for (size_t i = 0; i < n_edges && !e->reader->no_memory; i++)
        add_edge (e, set, &edges[i]);
    free (edges);
}

void aw_workflow_read_edges (struct aw_reader *reader,
                             const struct aw_task_spec *specs,
                             const struct aw_workflow *workflow,
                             uint32_t first)
{
    struct aw_graph *graph = workflow->graph;
    struct edges e = { reader, specs, workflow, graph, first };

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
