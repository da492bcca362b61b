/* SPDX-License-Identifier: Apache-2.0 */
/* How a fake node joins: it connects, proves who it is, and says what it has. */
#ifndef AW_BENCH_FAKE_JOINING_H
#define AW_BENCH_FAKE_JOINING_H

#include "fake-agents.h"

/* Begins with those that have waited to try again, and ends those that wait for an answer too long.
 */
void fake_look_at_waiting (struct fake_process *p);

/* Closes the connection, and waits a while. */
void fake_try_later (struct fake_process *p, struct fake_node *node);

/* Takes the FRAME of a node that does not work yet. */
void fake_join (struct fake_process *p, struct fake_node *node, const struct aw_frame *frame);

#endif /* AW_BENCH_FAKE_JOINING_H */
