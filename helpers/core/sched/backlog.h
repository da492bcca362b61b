/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes have in advance: assigned attempts, which start there as others end. Only tasks of one
 * instance are assigned at a time. A place is what a running attempt of that set
 * holds: the next one starts in it. The node whose places have the fewest assigned attempts comes
 * first.
 */
#ifndef AW_CORE_SCHED_BACKLOG_H
#define AW_CORE_SCHED_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

struct aw_backlog_node {
    uint32_t places; /* in which assigned attempts can start */
    uint32_t assigned; /* attempts that have not started, and are not taken back */
    bool closed; /* it takes no more tasks */
    uint32_t at; /* private: in the heap */
};

/* {0} is empty, of set 0. */
struct aw_backlog {
    struct aw_backlog_node *nodes; /* by number; owned */
    uint32_t n_nodes;
    uint32_t room; /* private */
    uint32_t *heap; /* private: nodes, the one that gets the next attempt in front */
    uint32_t set, shape; /* of whose tasks places are counted: of equal duration and demand */
    uint32_t n; /* assigned attempts on all nodes */
    uint32_t n_stranded; /* nodes that have some, and no places */
    uint32_t
        filling; /* private: 1 + the node that got the last one, unless one has left it since */
    uint32_t first; /* private: nodes below it have none */
    /* For the owner: */
    uint32_t n_returning; /* attempts that are taken back, and have not come */
    uint32_t instance; /* of all that nodes have */
    double t; /* when its task became ready */
    double pause; /* until then nothing is assigned */
    uint32_t before; /* 1 + an instance that came before another one, while it waited; 0: none */
    uint32_t clear; /* 1 + an instance of which no waiting one comes before; 0: not known */
};

/* Frees all; a zeroed value is allowed. */
void aw_backlog_finish (struct aw_backlog *backlog);

/* Makes BACKLOG, uninitialised before, a copy of FROM. 0, or -1 with ENOMEM and BACKLOG empty. */
int aw_backlog_clone (struct aw_backlog *backlog, const struct aw_backlog *from);

/* Adds nodes without places up to N. 0, or -1 with ENOMEM. */
int aw_backlog_add_nodes (struct aw_backlog *backlog, uint32_t n);

/* Forgets all places, to count those of SET and SHAPE. */
void aw_backlog_count_again (struct aw_backlog *backlog, uint32_t set, uint32_t shape);

/* NODE has BY more places, or assigned attempts; fewer if it is negative. */
void aw_backlog_places (struct aw_backlog *backlog, uint32_t node, int by);
void aw_backlog_assigned (struct aw_backlog *backlog, uint32_t node, int by);

/* NODE takes no more tasks. */
void aw_backlog_close (struct aw_backlog *backlog, uint32_t node);

/* The node that would have the fewest for each place with one more, and not more than MOST; of
 * equal ones the first. Nodes that have over half of that get none, and one that gets some is
 * filled: so they travel together. AW_NONE: all have enough.
 */
uint32_t aw_backlog_next (const struct aw_backlog *backlog, double most);

/* The first node that has some; AW_NONE: none has. Quick where all are taken back. */
uint32_t aw_backlog_first (struct aw_backlog *backlog);

/* The node that has the most for each place; of equal ones the first. AW_NONE: none has any. Looks
 * at all nodes. */
uint32_t aw_backlog_fullest (const struct aw_backlog *backlog);

#endif /* AW_CORE_SCHED_BACKLOG_H */
