/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies: which tasks become ready when others end. Set instances count their unfinished
 * predecessors; single tasks do so only in sets with "set[i]" and "set[key]" edges. Of an edge by
 * key, each group of the predecessor's tasks counts its unfinished ones, and the tasks of the
 * successor wait for the group: pairs of tasks are never looked at. In sequential mode each
 * instance also waits for the gate of its stage.
 */
#ifndef AW_CORE_GRAPH_DEPEND_H
#define AW_CORE_GRAPH_DEPEND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "core/ranges.h"

enum aw_depend_state {
    AW_DEPEND_WAITING, /* for predecessors */
    AW_DEPEND_READY,
    AW_DEPEND_RUNNING,
    AW_DEPEND_DONE, /* completed */
    AW_DEPEND_IGNORED, /* failed, and tasks that depend on it start all the same */
    AW_DEPEND_FAILED,
    AW_DEPEND_SKIPPED,
    AW_DEPEND_STATES /* their number */
};

struct aw_successor {
    uint32_t set;
    uint32_t back;
    uint32_t by; /* as in struct aw_edge, and so is the next */
    bool any;
    uint32_t next; /* of the same predecessor; AW_NONE: that is all */
};

struct aw_instance {
    uint32_t pending; /* predecessor instances with unfinished tasks, and the gate */
    uint32_t left; /* unfinished tasks */
    bool broken; /* one of its tasks failed or was skipped: successors of the whole set are skipped
                  */
};

struct aw_depend {
    const struct aw_graph *graph; /* borrowed */
    struct aw_successor *successors; /* lists, one a predecessor, by number of the successor */
    uint32_t *first_successor; /* by set; AW_NONE: it has none */
    uint32_t *last_successor; /* private, likewise */
    uint32_t n_successors, successor_room; /* private */
    struct aw_instance *instances;
    uint8_t *state; /* enum aw_depend_state, one a task */
    uint32_t *waits; /* one a task: unfinished predecessors of its own index, and unfinished groups
                        of predecessors with its key; NULL: no such edges */
    uint32_t **unfinished; /* by key of the graph: the unfinished tasks of each group, iteration by
                              iteration; AW_NONE: one has failed. NULL: its groups have one task
                              each. All NULL: no keys */
    uint32_t (*counts)[AW_DEPEND_STATES]; /* one a set */
    bool sequential;
    uint32_t gate; /* the open stage: see aw_graph_stage */
    uint32_t gate_left; /* its unfinished tasks */
    uint64_t *messages; /* by topic of the graph: how many have come */
    uint64_t *next_message; /* by topic: the count with which a task can start; UINT64_MAX: none */
    uint32_t *active; /* by instance of sets after a service: tasks ready or running; NULL: no
                         services */
    uint8_t *released; /* one a task: dropped, and its successors run; NULL: none is */
    struct aw_ranges work; /* skipped tasks whose successors are still to be skipped */
    struct aw_graph_size room; /* private */
};

/* Sets after a service do not wait for it here: the scheduler starts it when they are ready, and
 * them while it is. Its own task is never released: aw_depend_is_met says when it may start. It is
 * not counted by stages.
 */

/* What follows from a call of the functions below; a range may span several instances. */
struct aw_released {
    struct aw_ranges ready;
    struct aw_ranges skipped;
};

/* All tasks waiting. 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_depend_init (struct aw_depend *depend, const struct aw_graph *graph, bool sequential);
void aw_depend_finish (struct aw_depend *depend);
int aw_depend_clone (struct aw_depend *depend, const struct aw_depend *from);

/* The graph has grown since it had size OLD: makes room for the new sets. 0, or -1 with ENOMEM and
 * no change for the old ones.
 */
int aw_depend_room (struct aw_depend *depend, const struct aw_graph_size *old);

/* Then takes the new sets into account. They do not wait for tasks that have ended, and are skipped
 * if those failed. Releases tasks that wait for nothing.
 */
int aw_depend_grow (struct aw_depend *depend,
                    const struct aw_graph_size *old,
                    double t,
                    struct aw_released *out);

/* Releases tasks that wait for nothing. Call it once. T is the time of the ranges in OUT. 0, or -1
 * with ENOMEM, as all below.
 */
int aw_depend_begin (struct aw_depend *depend, double t, struct aw_released *out);

/* TASK completed; or it failed for good, and that is ignored: tasks that depend on it start. TASK
 * failed for good: all tasks that depend on it are skipped. */
int aw_depend_done (struct aw_depend *depend, uint32_t task, double t, struct aw_released *out);
int aw_depend_ignore (struct aw_depend *depend, uint32_t task, double t, struct aw_released *out);
int aw_depend_fail (struct aw_depend *depend, uint32_t task, double t, struct aw_released *out);

/* TASK failed for good and stops the run: tasks that depend on it stay waiting. */
void aw_depend_fail_alone (struct aw_depend *depend, uint32_t task);

/* Changes a task's state between ready and running (either way). */
void aw_depend_set_state (struct aw_depend *depend, uint32_t task, enum aw_depend_state state);

/* TASK, ready, of SET, runs. */
void aw_depend_run (struct aw_depend *depend, uint32_t set, uint32_t task);

/* TASK, a service that is done, may be needed again: it waits. */
void aw_depend_reopen (struct aw_depend *depend, uint32_t task);

/* May TASK, a waiting service, start: have its predecessors ended? */
bool aw_depend_is_met (const struct aw_depend *depend, uint32_t task);

/* COUNT messages have come on TOPIC (of the graph). A smaller COUNT than before changes nothing. */
int aw_depend_message (
    struct aw_depend *depend, uint32_t topic, uint64_t count, double t, struct aw_released *out);

/* No more messages will come: tasks that wait for messages alone are skipped. A task that waits for
 * its share of messages (EVERY) is not needed, and successors of its set run without it. A set that
 * waits for a number of messages has failed, and so have its successors (*FAILED).
 */
int aw_depend_starve (struct aw_depend *depend, double t, struct aw_released *out, bool *failed);

/* TASK, waiting or ready, will not run: it is skipped. If TASK ran, it has ended, and OUT does not
 * have it. RELEASE: its successors run as if it had succeeded; else they are skipped too.
 */
int aw_depend_drop (
    struct aw_depend *depend, uint32_t task, bool release, double t, struct aw_released *out);

#endif /* AW_CORE_GRAPH_DEPEND_H */
