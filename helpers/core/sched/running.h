/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts that run now, found by task, and on each node in the order in which they are
 * expected to end. An attempt over several nodes has a part on each of them: a slot of its own. All
 * parts are made, linked and freed together.
 */
#ifndef AW_CORE_SCHED_RUNNING_H
#define AW_CORE_SCHED_RUNNING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/resources/pool.h"

struct aw_running {
    uint32_t task, set, attempt, node;
    struct aw_idset cpus, gpus;
    struct aw_demand demand;
    double start; /* of one that is assigned: when its task became ready */
    double end; /* expected; INFINITY: not known */
    bool staging; /* its data is being staged in, or is there: it has no CPUs and GPUs yet */
    bool staged; /* ... is there */
    bool assigned; /* staging, and no data is awaited: its node will start it, see sched_assign.c */
    bool released; /* it has given back its CPUs and GPUs */
    bool killed; /* a KILL was returned for it; of the first part */
    bool idle; /* another task may have its place, once it has ended; of the first part. See
                  aw_running_set_idle */
    bool fresh; /* a call for which a worker has to be started; of the first part */
    bool serving; /* it is a service that is ready; of the first part, as the next one */
    uint32_t port; /* ... where it listens; 0: not known */
    bool used; /* private, as all below */
    uint32_t lead; /* slot of the attempt's first part */
    uint32_t more; /* slot of its part on the next of its nodes; AW_NO_SLOT: none */
    uint32_t prev, next; /* on its node, by end */
};

struct aw_running_table {
    struct aw_running *slots; /* addresses change with add */
    uint32_t n_slots; /* used ones are below this */
    uint32_t n_used; /* attempts, not parts */
    uint32_t n_idle; /* of these, idle ones */
    uint32_t room;
    uint32_t free_slot; /* first of a list through `next` */
    uint32_t *slot_of; /* by task */
    uint32_t n_tasks;
    uint32_t *first, *last; /* by node */
    uint32_t *endless; /* private: by node, the first that has no end */
    uint64_t n_changes; /* of attempts on any node */
    uint32_t *log; /* nodes of the last AW_RUNNING_LOG changes: change n at n % AW_RUNNING_LOG */
    uint32_t n_nodes, node_room;
};

#define AW_NO_SLOT UINT32_MAX

enum { AW_RUNNING_LOG = 4096 };

/* 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_running_init (struct aw_running_table *table, uint32_t n_tasks);
void aw_running_finish (struct aw_running_table *table);
int aw_running_clone (struct aw_running_table *table, const struct aw_running_table *from);

/* Makes room for N_TASKS tasks. 0, or -1 with ENOMEM. */
int aw_running_grow (struct aw_running_table *table, uint32_t n_tasks);

/* Makes room for nodes 0..N-1. 0, or -1 with ENOMEM. */
int aw_running_add_nodes (struct aw_running_table *table, uint32_t n);

/* The node has changed, and not by an attempt that begins or ends there. */
void aw_running_touch (struct aw_running_table *table, uint32_t node);

/* A new attempt of N parts, not linked yet: its first part; aw_running_more gives the others. The
 * id sets keep their memory from earlier use. NULL with ENOMEM.
 */
struct aw_running *aw_running_new (struct aw_running_table *table, uint32_t n);

/* The part after RUN of the same attempt; NULL: that was the last. */
struct aw_running *aw_running_more (const struct aw_running_table *table,
                                    const struct aw_running *run);

/* The first part of RUN's attempt. */
struct aw_running *aw_running_lead (const struct aw_running_table *table,
                                    const struct aw_running *run);

/* Links an attempt, given by its first part, into the lists of its nodes. Of the other parts the
 * caller has filled in node and ids. Free unlinks and frees the attempt.
 */
void aw_running_link (struct aw_running_table *table, struct aw_running *run);
void aw_running_free (struct aw_running_table *table, struct aw_running *run);

/* Marks an attempt, given by its first part, as idle or not. One that begins is not. */
void aw_running_set_idle (struct aw_running_table *table, struct aw_running *run, bool idle);

/* Sets the expected end of an attempt, given by its first part. */
void aw_running_set_end (struct aw_running_table *table, struct aw_running *run, double end);

/* The first part of TASK's attempt, or NULL. */
struct aw_running *aw_running_find (const struct aw_running_table *table, uint32_t task);

/* Walks over all attempts by slot: the next first part from *CURSOR (0 to begin) on, or NULL. */
struct aw_running *aw_running_each (const struct aw_running_table *table, uint32_t *cursor);

/* Walk over a node's parts in the order of the ends, or back: NULL at the end. */
struct aw_running *aw_running_first (const struct aw_running_table *table, uint32_t node);
struct aw_running *aw_running_next (const struct aw_running_table *table,
                                    const struct aw_running *run);
struct aw_running *aw_running_last (const struct aw_running_table *table, uint32_t node);
struct aw_running *aw_running_previous (const struct aw_running_table *table,
                                        const struct aw_running *run);

#endif /* AW_CORE_SCHED_RUNNING_H */
