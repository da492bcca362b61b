/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that wait for tasks that were submitted. Each wait is in the list of the first of its tasks
 * that has not ended, and in the list of its connection: an end costs as much as there are waits
 * for that task, and a connection that closes as much as it has waits.
 */
#ifndef AW_COORD_MESSAGES_AWAITS_H
#define AW_COORD_MESSAGES_AWAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/table.h"

/* Where the answer goes. */
struct aw_asker {
    uint32_t node, conn, number;
};

struct aw_awaits_user {
    bool (*has_ended) (void *arg, uint32_t task);
    /* All N tasks that ASKER waits for have ended. */
    void (*over) (void *arg, const struct aw_asker *asker, const uint32_t *tasks, uint32_t n);
    void *arg;
};

struct aw_awaits {
    struct aw_awaits_user user;
    struct aw_table first[2]; /* private: by task and by connection, the first wait of the list */
};

void aw_awaits_init (struct aw_awaits *awaits, const struct aw_awaits_user *user);
void aw_awaits_finish (struct aw_awaits *awaits); /* takes a zeroed value */

/* ASKER waits for N TASKS (copied); over may be called at once. 0, or -1 with ENOMEM. */
int aw_awaits_add (struct aw_awaits *awaits,
                   const struct aw_asker *asker,
                   const uint32_t *tasks,
                   uint32_t n);

/* TASK may have ended; any task may have. */
void aw_awaits_ended (struct aw_awaits *awaits, uint32_t task);
void aw_awaits_look (struct aw_awaits *awaits);

/* Removes the wait of ASKER; all of its connection, where the number is 0; all of its node, where
 * the connection is 0, too. Numbers and connections begin with 1.
 */
void aw_awaits_remove (struct aw_awaits *awaits, const struct aw_asker *asker);

#endif /* AW_COORD_MESSAGES_AWAITS_H */
