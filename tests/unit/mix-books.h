/* SPDX-License-Identifier: Apache-2.0 */
/* The books that t-mix keeps of its own: what runs where, and whether it may. */
#ifndef AW_TESTS_MIX_BOOKS_H
#define AW_TESTS_MIX_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/history/history.h"
#include "core/sched/sched.h"
#include "machines.h"
#include "mix-graph.h"

enum { NODES = 6, MEM = 1000, RUNS = 3000, STEPS = 20000 };

enum stand { GIVEN, COMES, THERE, COMPUTES, LEAVES }; /* assigned; then of an attempt's data */

struct attempt {
    uint32_t task, attempt, node, n_parts;
    enum stand stand;
    bool killed;
    struct aw_part parts[MIX_PARTS]; /* sets owned */
};

struct node {
    struct machine m;
    uint32_t users[MACHINE_CPUS], used[MACHINE_GPUS];
    uint64_t mem;
    bool lost, drained;
};

/* Whose a submitted task is. */
struct owner {
    uint32_t task, attempt;
    enum { NOBODY, OWNED, WELL } kind; /* WELL: the attempt has ended well */
};

struct world {
    uint64_t seed, first_seed;
    struct aw_graph *graph;
    struct aw_history history;
    struct aw_sched_config config;
    struct aw_sched *sched, *told, *copy, *again; /* the latter three follow */
    struct node nodes[NODES];
    uint32_t n_nodes;
    struct attempt *attempts;
    uint32_t n_attempts;
    uint32_t n_given; /* of these */
    uint32_t n_continued; /* attempts that nodes have started, in all runs */
    uint8_t *completed, *given_up, *skipped, *cancelled, *failed; /* by task; failed: for good */
    struct owner *owners; /* by task */
    uint64_t messages[MIX_TOPICS];
    uint32_t room; /* for tasks */
    double t;
    bool told_stop, told_limit;
    int code;
    uint32_t n_deaths;
};

/* Less than N, at random. */
uint32_t books_below (struct world *w, uint32_t n);

/* Fails the test, with the seed that repeats it, unless THAT holds. */
#define CHECK(w, that)                                                                            \
    do {                                                                                          \
        if (!(that))                                                                              \
            fail_msg ("seed %llu, t %g: not so: %s", (unsigned long long)(w)->first_seed, (w)->t, \
                      #that);                                                                     \
    } while (0)

/* The set of TASK. */
const struct aw_set *books_set (const struct world *w, uint32_t task);

/* The attempt of TASK that has begun and not ended; NULL: there is none. */
struct attempt *books_find (struct world *w, uint32_t task);

/* A has ended: what it held is free. */
void books_drop (struct world *w, struct attempt *a);

/* The books, as EV happens. */
void books_keep (struct world *w, const struct aw_event *ev);

/* Does the scheduler agree with the books, now that nothing is left to decide? And at its end? */
void books_check (struct world *w);
void books_check_end (struct world *w);

#endif /* AW_TESTS_MIX_BOOKS_H */
