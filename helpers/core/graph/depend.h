/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies: which tasks may run now that these have ended. Set instances count their unfinished
 * predecessors; single tasks do so only in sets with "set[i]" edges. In sequential mode each
 * instance waits for one thing more: the gate of its stage.
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
    AW_DEPEND_DONE,
    AW_DEPEND_FAILED,
    AW_DEPEND_SKIPPED,
    AW_DEPEND_STATES /* their number */
};

struct aw_successor {
    uint32_t set;
    uint32_t back;
    bool each;
    uint32_t next; /* of the same predecessor; AW_NONE: that is all */
};

struct aw_instance {
    uint32_t pending; /* predecessor instances that are not whole, and the gate */
    uint32_t left; /* tasks without an end */
    bool broken; /* one of its tasks failed or was skipped: successors of the whole set never run */
};

struct aw_depend {
    const struct aw_graph *graph; /* borrowed */
    struct aw_successor *successors; /* lists, one a predecessor, by number of the successor */
    uint32_t *first_successor; /* by set; AW_NONE: it has none */
    uint32_t *last_successor; /* private, likewise */
    uint32_t n_successors, successor_room; /* private */
    struct aw_instance *instances;
    uint8_t *state; /* enum aw_depend_state, one a task */
    uint32_t *waits; /* one a task: unfinished predecessors of its own index; NULL: no such edges */
    uint32_t (*counts)[AW_DEPEND_STATES]; /* one a set */
    bool sequential;
    uint32_t gate_iteration, gate_rank; /* the open stage */
    uint32_t gate_left; /* its tasks without an end */
    uint64_t *messages; /* by topic of the graph: how many have come */
    uint64_t *next_message; /* by topic: the count that lets something start; UINT64_MAX: none */
    uint8_t *released; /* one a task: dropped, and what waits for it goes on; NULL: none has been */
    struct aw_ranges work; /* skipped tasks whose successors are still to be looked at */
    struct aw_graph_size room; /* private */
};

/* Where the functions below say what follows; ids may run over several instances. */
struct aw_released {
    struct aw_ranges ready;
    struct aw_ranges skipped;
};

/* All tasks waiting. 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_depend_init (struct aw_depend *depend, const struct aw_graph *graph, bool sequential);
void aw_depend_finish (struct aw_depend *depend);
int aw_depend_clone (struct aw_depend *depend, const struct aw_depend *from);

/* The graph has grown since it was of size OLD: room for what is new. 0, or -1 with ENOMEM and
 * nothing changed that would matter to the graph as it was. */
int aw_depend_room (struct aw_depend *depend, const struct aw_graph_size *old);

/* The same, with room made: what the new sets wait for and is done already they
 * do not wait for; where it failed they are skipped. Releases what waits for nothing. */
int aw_depend_grow (struct aw_depend *depend,
                    const struct aw_graph_size *old,
                    double t,
                    struct aw_released *out);

/* Releases what waits for nothing. Once. T is the time put into OUT. 0, or -1 with ENOMEM, as all
 * below. */
int aw_depend_begin (struct aw_depend *depend, double t, struct aw_released *out);

/* TASK ended well, or ill for good: then all that depends on it is skipped. */
int aw_depend_done (struct aw_depend *depend, uint32_t task, double t, struct aw_released *out);
int aw_depend_fail (struct aw_depend *depend, uint32_t task, double t, struct aw_released *out);

/* TASK failed for good and ends the whole run: what depends on it goes on waiting. */
void aw_depend_fail_alone (struct aw_depend *depend, uint32_t task);

/* Changes a task's state between ready and running (either way). */
void aw_depend_set_state (struct aw_depend *depend, uint32_t task, enum aw_depend_state state);

/* So many messages have come on TOPIC (of the graph). A smaller number than before changes nothing.
 */
int aw_depend_message (
    struct aw_depend *depend, uint32_t topic, uint64_t count, double t, struct aw_released *out);

/* No message will come any more: what waits for nothing else is skipped. A task for which messages
 * are there in part, one EVERY so many, is not needed, and what waits for its set goes on without;
 * a set that wanted a number which has not come has failed, and so have its successors (*FAILED).
 */
int aw_depend_starve (struct aw_depend *depend, double t, struct aw_released *out, bool *failed);

/* TASK, waiting or ready, will not run: it is skipped; or running, and has ended: nothing is told
 * of it in OUT then. RELEASE: what waits for it goes on as if it had succeeded; else that is
 * skipped too. */
int aw_depend_drop (
    struct aw_depend *depend, uint32_t task, bool release, double t, struct aw_released *out);

#endif /* AW_CORE_GRAPH_DEPEND_H */
