/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks of fake nodes: they start one after the other on each node, and end by the clock. One
 * that is assigned starts where one of its place has ended.
 */
#ifndef AW_BENCH_FAKE_TASKS_H
#define AW_BENCH_FAKE_TASKS_H

#include "fake-agents.h"

/* The tick after time T. */
uint64_t fake_tick_of (double t);

/* A START or an ASSIGN, LINE of SIZE bytes, has come to NODE, at T. */
void fake_start (
    struct fake_process *p, struct fake_node *node, const char *line, size_t size, double t);
void fake_assign (struct fake_process *p, struct fake_node *node, const char *line, size_t size);

/* The same for an UNASSIGN. */
void fake_unassign (struct fake_process *p, struct fake_node *node, const struct aw_event *ev);

/* A LINE about messages has come to NODE: an answer to what its tasks have sent. */
void fake_take_message (struct fake_process *p,
                        struct fake_node *node,
                        const char *line,
                        size_t size);

/* Ends the tasks of the tick after the last one that is done. */
void fake_end_tasks (struct fake_process *p);

#endif /* AW_BENCH_FAKE_TASKS_H */
