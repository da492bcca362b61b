/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of task sets: what scheduler, model and simulator know of a workflow. How a task is
 * launched is not part of it. A task set has `count` tasks that are alike, and runs in each of
 * `iterations`, or once: before all iterations or after them. The instance of a set in one
 * iteration is a "set instance"; a task is one of its `count` members.
 *
 * Numbering: the n_iterated sets that run `iterations` times come first in `sets`. Those of the
 * first file that run once follow, up to n_base; then sets that are added while the workflow runs,
 * which run once too. An instance of the first ones has number iteration * n_iterated + set;
 * instances of the others follow. Tasks are numbered instance by instance, index by index, from 0:
 * so the ids of one instance are contiguous, and added sets renumber nothing.
 */
#ifndef AW_CORE_GRAPH_GRAPH_H
#define AW_CORE_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/graph/edge_key.h"
#include "core/retry.h"
#include "util/error.h"
#include "util/names.h"

#define AW_MAX_TASKS 10000000u /* tasks of one workflow, all iterations together */
#define AW_NONE UINT32_MAX

enum {
    AW_GRAPH_BLOCK = 64,
    AW_MAX_SPREAD = 10, /* of a set's durations */
};

enum aw_on_failure {
    AW_ON_FAILURE_STOP, /* no more tasks start; running ones may end */
    AW_ON_FAILURE_SKIP, /* skip the tasks that depend on it, run the others */
    AW_ON_FAILURE_CONTINUE, /* successors start as if it had succeeded */
};

/* When the input of a task is copied to its node, or its results from there. */
enum aw_staging_mode {
    AW_STAGING_NONE,
    AW_STAGING_ASYNC, /* while others hold CPUs and GPUs */
    AW_STAGING_SYNC, /* while the task itself holds them */
};

/* When a set runs. */
enum aw_phase {
    AW_PHASE_BEFORE, /* once, before the iterations: no iterated set comes before it */
    AW_PHASE_ITERATED,
    AW_PHASE_AFTER, /* once: it waits for an iterated set, and so for all its iterations */
    AW_PHASE_ADDED, /* once: it was added to the workflow while it ran */
};

/* Messages that a set waits for: COUNT on a topic for its instance in the first iteration, and
 * COUNT more for each further iteration. EVERY: each COUNT messages let one more task start, in the
 * order of iterations and indexes.
 */
struct aw_message_dependency {
    uint32_t topic; /* index in graph->topics */
    uint32_t count; /* at least 1 */
    bool every;
};

/* Which tasks of the predecessor a task waits for. */
enum {
    AW_BY_SET, /* "set": for all */
    AW_BY_INDEX, /* "set[i]": for the one of its own index; both counts are equal */
    AW_BY_KEY, /* "set[sample]": for those with its key. By the first key of the graph; the others
                  follow: see aw_graph_key */
};

/* An edge to a predecessor. */
struct aw_edge {
    uint32_t set; /* index of the predecessor in graph->sets */
    uint32_t back; /* how many iterations back: 0 for "set", 1 for "set@-1" */
    uint32_t by; /* AW_BY_SET, AW_BY_INDEX, or AW_BY_KEY and more */
    bool any; /* by set, to a set of one task: it waits for the end, be it a failure */
};

struct aw_set {
    char *name; /* owned */
    uint32_t count; /* tasks in an iteration, at least 1 */
    bool service; /* its one task does not end by itself. Sets after it start while it is ready; its
                     duration is the time from its start until then */
    bool served; /* it comes after a service; set by finalize */
    bool once; /* not repeated by iterations: such sets come after the others in graph->sets */
    enum aw_phase phase; /* set by finalize */
    uint32_t cpus; /* Slurm CPUs a rank, at least 1; a task of the pool is one rank */
    uint32_t gpus; /* whole GPUs a rank */
    uint32_t gpu_share; /* thousandths of one GPU a rank, 1 to 999; else, and with whole GPUs, 0 */
    uint32_t gpu_type; /* see aw_graph_gpu_type; 0: any */
    uint32_t threads_per_core; /* CPUs of a core that a task uses; 0: all that it has */
    uint32_t nodes; /* nodes of one task, at least 1 */
    uint32_t ranks_per_node; /* processes of a task on each of its nodes, at least 1 */
    enum aw_staging_mode stage_in;
    enum aw_staging_mode stage_out;
    bool step; /* launched as a Slurm step of its own, not by the agents */
    bool worker; /* its tasks are calls to processes that stay (agent/workers.h) */
    double startup; /* expected seconds until such a process can take its first call; 0: not known
                     */
    bool stage_shared; /* all tasks of an instance read the same data: one copy a node is enough */
    double stage_in_seconds; /* expected for one copy of a task's input; 0: not known */
    double stage_out_seconds;
    uint64_t mem; /* bytes a rank; 0: not counted */
    double duration; /* expected seconds a task; NAN: not known */
    double spread; /* standard deviation of a task's seconds over their mean; NAN: not known */
    double time_limit; /* seconds; INFINITY: none */
    struct aw_retry retry; /* further attempts after a failed first one */
    struct aw_codes success; /* exit codes that mean success; none: 0 alone */
    enum aw_on_failure on_failure;
    int checkpoint_signal; /* sent to a task before it is ended for time; 0: none */
    double checkpoint_seconds; /* how long before */
    struct aw_edge *after; /* owned */
    uint32_t n_after;
    uint32_t after_room; /* private */
    struct aw_message_dependency *message_dependencies; /* owned */
    uint32_t n_message_dependencies;
    uint32_t message_dependency_room; /* private */
    bool submitted; /* a task that another task has submitted: its failure is not the run's, and a
                       resumed run does not run it again once it has ended */
    char *label; /* the name of all that was submitted with one name; NULL: the set's name. Owned */
    uint32_t group; /* the first set with that label; the set itself where it has none */
    uint32_t members; /* sets whose group this is */
    bool streams; /* see core/graph/streams.h; set by finalize */
    bool waited_singly; /* somebody waits for single ones of its tasks: another set, by index or by
                           key, the end of the iterations, or the task that has submitted it; set by
                           finalize */
    uint32_t rank; /* its stage in iteration 0 (see aw_graph_stage), by the longest path to it
                      within an iteration, or within its phase; set by finalize */
    uint32_t first; /* id of its first task in iteration 0; set by finalize */
};

/* Does the output of its tasks go to the log store, in a run of which STORE says whether that of
 * most tasks does? Steps always have files, and calls of workers never have. */
static inline bool aw_set_is_stored (const struct aw_set *set, bool store)
{
    return set->worker || (store && !set->step);
}

struct aw_graph {
    struct aw_set *sets; /* owned, in the file's order: iterated ones, once sets, added ones */
    uint32_t n_sets;
    uint32_t n_iterated; /* sets that iterations repeat: the first ones; set by finalize */
    uint32_t n_base; /* sets that were not added later, likewise */
    uint32_t iterations; /* at least 1 */
    uint32_t until; /* the set that can end the iterations before the last; AW_NONE: none */
    int until_code; /* with this exit code of a task, later iterations than its own are not needed
                     */
    uint32_t until_topic; /* with a message on this topic, iterations that have not begun are not
                             needed; AW_NONE: none */
    bool iterated; /* the workflow has iterations: task names carry them */
    bool workers; /* some set has workers */
    char **gpu_types; /* owned; names, the first of type number 1 */
    uint32_t n_gpu_types;
    char **topics; /* owned; names of topics that sets depend on */
    uint32_t n_topics;
    struct aw_edge_key *keys; /* owned; one for each edge by key */
    uint32_t n_keys;
    /* The rest is set by finalize. */
    uint32_t *order; /* sets by phase, then in a topological order (edges with back 0), ties by the
                        file's order; see aw_graph_ordered */
    uint32_t order_room; /* private */
    uint32_t n_services; /* sets that are services */
    uint32_t n_before; /* sets of AW_PHASE_BEFORE */
    uint32_t n_ranks; /* stages in an iteration */
    uint32_t first_rank; /* stages before the iterations */
    uint32_t n_stages; /* in all */
    uint32_t tasks_per_iteration;
    uint32_t n_tasks;
    uint32_t *blocks; /* private: the set of every AW_GRAPH_BLOCK'th task of an iteration, to find
                         sets fast */
    struct aw_names names; /* private: of sets */
    uint32_t set_room, gpu_type_room, topic_room, key_room; /* private */
};

/* An empty graph of one iteration. NULL with ENOMEM. destroy frees all, takes NULL, keeps errno. */
struct aw_graph *aw_graph_create (void);
void aw_graph_destroy (struct aw_graph *graph);

/* Appends a set with 1 task of 1 CPU, no GPU, unknown duration, no limit, no retries, on_failure
 * stop. Copies NAME. Returns it (borrowed, valid until the next add_set), or NULL with ENOMEM or
 * EEXIST.
 */
struct aw_set *aw_graph_add_set (struct aw_graph *graph, const char *name);

/* The number, from 1, of the GPU type NAME (Slurm's type of a GRES, such as "a100"). A new one is
 * added. Copies NAME. 0 with ENOMEM.
 */
uint32_t aw_graph_gpu_type (struct aw_graph *graph, const char *name);

/* Adds an edge SET after EDGE (copied). Returns 0, or -1 with ENOMEM or EINVAL (no such SET). */
int aw_graph_add_edge (struct aw_graph *graph, uint32_t set, struct aw_edge edge);

/* The same by KEY, which becomes the graph's and is zeroed; EDGE's "by" does not matter. If it
 * fails, KEY stays the caller's.
 */
int aw_graph_add_keyed_edge (struct aw_graph *graph,
                             uint32_t set,
                             struct aw_edge edge,
                             struct aw_edge_key *key);

/* SET waits for messages on TOPIC (copied), COUNT at least 1. Returns 0, or -1 with ENOMEM or
 * EINVAL.
 */
int aw_graph_add_message_dependency (
    struct aw_graph *graph, uint32_t set, const char *topic, uint32_t count, bool every);

/* A message on TOPIC (copied) ends the iterations. 0, or -1 with ENOMEM. */
int aw_graph_set_until_topic (struct aw_graph *graph, const char *topic);

/* Index of the topic of that name, if some set depends on its messages, or AW_NONE. */
uint32_t aw_graph_find_topic (const struct aw_graph *graph, const char *name);

/* Index of the set of that name, or AW_NONE. */
uint32_t aw_graph_find (const struct aw_graph *graph, const char *name);

/* Checks and numbers: edges in range, by index between equal counts, by key between sets of its
 * counts, no cycle among edges with back 0, no once set between iterated ones, no more than
 * AW_MAX_TASKS tasks; fills order, phase, rank, first and the totals. Returns 0, or -1 with text
 * ("cycle: a -> b -> a"). Call again after changes.
 */
int aw_graph_finalize (struct aw_graph *graph, struct aw_error *err);

/* SET counts as one with those that were submitted with LABEL (copied) before. HEAD: the first of
 * them, or SET. 0, or -1 with ENOMEM. */
int aw_graph_submitted (struct aw_graph *graph, uint32_t set, const char *label, uint32_t head);

/* How large it is. */
struct aw_graph_size {
    uint32_t n_sets, n_tasks, n_instances, n_topics, n_gpu_types, n_keys;
};
struct aw_graph_size aw_graph_size (const struct aw_graph *graph);

/* Sets were added to a finalized graph since it had size OLD: checks and numbers them. Their edges
 * have back 0; an edge by set to a set with iterations is to all of them, one by index or key is
 * refused. 0, or -1 with text: then shrink
 * it to OLD, or destroy it.
 */
int aw_graph_grow (struct aw_graph *graph, const struct aw_graph_size *old, struct aw_error *err);

/* The graph becomes what it was when it had size OLD, after finalize or grow: removes the sets,
 * topics, GPU types and keys added since.
 */
void aw_graph_shrink (struct aw_graph *graph, const struct aw_graph_size *old);

/* Called for a cycle. SET: the first of its sets in the file. TEXT, valid during the call: the
 * cycle in the order of time, "a -> b -> a"; a long one is abridged.
 */
typedef void aw_graph_cycle_fn (uint32_t set, const char *text, void *arg);

/* Calls FOUND for cycles that have no set in common, at least for one if there is any, among the
 * sets from FROM on (0: all; sets before are known to have none). Works before finalize. Returns
 * their number, or -1 with ENOMEM.
 */
int aw_graph_cycles (const struct aw_graph *graph,
                     uint32_t from,
                     aw_graph_cycle_fn *found,
                     void *arg);

/* Private, for finalize and grow: fills rank, phase and order of the sets from FROM on. Their edges
 * with back 0 lead to sets before FROM or among these. 0, or -1 with text.
 */
int aw_graph_order (struct aw_graph *graph, uint32_t from, struct aw_error *err);

/* The same of `waited_singly`: sets from FROM on, and those before them that they wait for. */
void aw_graph_mark_waited_singly (struct aw_graph *graph, uint32_t from);

/* Private, likewise: 0, or -1 with text where EDGE of SET cannot be. */
int aw_graph_check_edge (const struct aw_graph *graph,
                         uint32_t set,
                         const struct aw_edge *edge,
                         struct aw_error *err);

/* The key of an edge by key. */
static inline const struct aw_edge_key *aw_graph_key (const struct aw_graph *graph, uint32_t by)
{
    return &graph->keys[by - AW_BY_KEY];
}

/* The text in the brackets of an edge by index ("i") or by key ("sample"); NULL: it is by set.
 * Borrowed.
 */
const char *aw_graph_brackets (const struct aw_graph *graph, uint32_t by);

/* A task's place. */
struct aw_task {
    uint32_t iteration;
    uint32_t set;
    uint32_t index;
};

/* Do names of SET's tasks have the iteration? */
static inline bool aw_graph_names_iteration (const struct aw_graph *graph, uint32_t set)
{
    return graph->iterated && set < graph->n_iterated;
}

/* Iterations of SET. */
static inline uint32_t aw_graph_iterations (const struct aw_graph *graph, uint32_t set)
{
    return set < graph->n_iterated ? graph->iterations : 1;
}

/* Number of the instance of SET in ITERATION (0 for one that runs once). */
static inline uint32_t aw_graph_instance (const struct aw_graph *graph,
                                          uint32_t iteration,
                                          uint32_t set)
{
    if (set < graph->n_iterated)
        return iteration * graph->n_iterated + set;
    return graph->iterations * graph->n_iterated + (set - graph->n_iterated);
}

/* Sets that count as one are shown as one: is SET the first of them? */
static inline bool aw_graph_is_shown (const struct aw_graph *graph, uint32_t set)
{
    return graph->sets[set].group == set;
}
/* Tasks of SET, with those that count as one with it, in all iterations. */
static inline uint64_t aw_graph_group_tasks (const struct aw_graph *graph, uint32_t set)
{
    const struct aw_set *s = &graph->sets[set];

    return (uint64_t)s->count * s->members * aw_graph_iterations (graph, set);
}

/* The name of a set, or of all that count as one with it. Borrowed. */
static inline const char *aw_graph_label (const struct aw_graph *graph, uint32_t set)
{
    return graph->sets[set].label ? graph->sets[set].label : graph->sets[set].name;
}

static inline uint32_t aw_graph_n_instances (const struct aw_graph *graph)
{
    return aw_graph_instance (graph, 0, graph->n_sets);
}

/* Those of the first file: their numbers come first. */
static inline uint32_t aw_graph_n_base_instances (const struct aw_graph *graph)
{
    return aw_graph_instance (graph, 0, graph->n_base);
}

/* The reverse: the set of an instance, or the place of its first task. */
static inline uint32_t aw_graph_instance_set (const struct aw_graph *graph, uint32_t instance)
{
    uint32_t n = graph->iterations * graph->n_iterated;

    return instance < n ? instance % graph->n_iterated : graph->n_iterated + (instance - n);
}

static inline struct aw_task aw_graph_instance_place (const struct aw_graph *graph,
                                                      uint32_t instance)
{
    struct aw_task at = { .set = aw_graph_instance_set (graph, instance) };

    at.iteration = at.set < graph->n_iterated ? instance / graph->n_iterated : 0;
    return at;
}

/* The place of the K'th instance in an order in which each comes after all that it waits for. */
static inline struct aw_task aw_graph_ordered (const struct aw_graph *graph, uint32_t k)
{
    uint32_t n = graph->iterations * graph->n_iterated, within = k - graph->n_before;

    if (k < graph->n_before)
        return (struct aw_task){ .set = graph->order[k] };
    if (within >= n)
        return (struct aw_task){ .set = graph->order[k - (n - graph->n_iterated)] };
    return (struct aw_task){ .iteration = within / graph->n_iterated,
                             .set = graph->order[graph->n_before + within % graph->n_iterated] };
}

/* In sequential mode, the stage in which SET, not an added one, runs in ITERATION: from 0 to
 * n_stages - 1. */
static inline uint32_t aw_graph_stage (const struct aw_graph *graph,
                                       uint32_t iteration,
                                       uint32_t set)
{
    return iteration * graph->n_ranks + graph->sets[set].rank;
}

/* Id of the first task of SET in ITERATION. */
static inline uint32_t aw_graph_first_task (const struct aw_graph *graph,
                                            uint32_t iteration,
                                            uint32_t set)
{
    return iteration * graph->tasks_per_iteration + graph->sets[set].first;
}

struct aw_task aw_graph_task (const struct aw_graph *graph, uint32_t id);
uint32_t aw_graph_task_id (const struct aw_graph *graph, struct aw_task task);

/* "simulate@2[17]", without "@2" where the workflow has no iterations. As snprintf. */
int aw_graph_task_name (const struct aw_graph *graph, uint32_t id, char *buf, size_t size);

/* The tasks that "simulate", "simulate@2", "simulate[17]" or "simulate@2[17]" names: of SET, in
 * ITERATION or AW_NONE for all, of INDEX or AW_NONE for all. 0, or -1 where there are none. */
int aw_graph_tasks_parse (const struct aw_graph *graph, const char *name, struct aw_task *tasks);

/* The reverse. Returns the id, or AW_NONE where there is no such task. */
uint32_t aw_graph_task_parse (const struct aw_graph *graph, const char *name);

#endif /* AW_CORE_GRAPH_GRAPH_H */
