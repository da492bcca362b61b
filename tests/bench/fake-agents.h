/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of fake-agents share: a process that plays many nodes. fake-joining.c has what
 * comes before a node works, fake-tasks.c what it does with tasks, fake-agents.c its connections.
 */
#ifndef AW_BENCH_FAKE_AGENTS_H
#define AW_BENCH_FAKE_AGENTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-figures.h"
#include "io/textbuf.h"
#include "io/wire/auth.h"
#include "io/wire/frame.h"

enum {
    FAKE_TICK_MS = 1, /* ends are sent together */
    FAKE_LATE = 64, /* ticks; more than late reports wait */
    FAKE_WHEEL = 1 << 15, /* ticks; a task is shorter than all of them */
};

enum fake_state { AWAY, CONNECTING, CHALLENGED, PROVED, WORKING, OVER };

struct fake_node {
    uint32_t number; /* from 1 */
    int fd;
    enum fake_state state;
    double since; /* when it began to connect; AWAY: when it tries again */
    double pause; /* seconds before the next try */
    double spawner_free; /* its one spawner is busy until then */
    double *ended; /* by slot: when its last task ended; 0: none has */
    char nonce[AW_NONCE_SIZE], own_nonce[AW_NONCE_SIZE], place[AW_PLACE_SIZE];
    char *in;
    size_t in_size, in_room;
    struct aw_textbuf out;
    bool dirty; /* it has something to send */
    bool quits;
    uint64_t late; /* the tick in which its late reports leave; 0: it has none */
    struct fake_node *next_late; /* in a list of such nodes */
    bool listed; /* it is in one, perhaps that of an earlier tick */
    uint32_t n_running;
    struct fake_task *assigned, **last_assigned; /* in the order in which they came */
    uint32_t n_assigned, filled_to; /* as in agent/attempt.h */
};

struct fake_task {
    struct fake_node *node;
    struct fake_task *next;
    uint32_t id, attempt, place, slot;
    double start, seconds;
};

struct fake_process {
    struct fake_figures *figures;
    struct fake_part *part;
    struct sockaddr_in address;
    const char *job;
    double seconds, spread, spawn;
    uint32_t n_slots;
    struct fake_node *nodes;
    uint32_t n_nodes, n_over;
    int epoll;
    struct fake_task *wheel[FAKE_WHEEL]; /* those that run, by the tick in which they end */
    struct fake_task *spare;
    uint64_t tick; /* done so far */
    struct fake_node **dirty;
    uint32_t n_dirty;
    struct fake_node *late[FAKE_LATE]; /* by tick */
    struct aw_frame_reader *reader;
    double probed; /* when the message under way was sent; 0: none is */
    struct fake_node *prober;
    uint32_t probe;
};

/* Ends the program: WHAT has failed, with errno. */
__attribute__ ((noreturn)) void fake_die (const char *what);

/* NODE has something to send. */
void fake_touch (struct fake_process *p, struct fake_node *node);
void fake_put_frame (struct fake_process *p, struct fake_node *node, const struct aw_frame *frame);

/* The same for one that may wait for others (AW_LATE_MS). */
void fake_put_late (struct fake_process *p, struct fake_node *node, const struct aw_frame *frame);

#endif /* AW_BENCH_FAKE_AGENTS_H */
