/* SPDX-License-Identifier: Apache-2.0 */
/* Texts about agents that have not connected yet. */
#ifndef AW_COORD_AGENTS_MISSING_AGENTS_H
#define AW_COORD_AGENTS_MISSING_AGENTS_H

#include <stddef.h>
#include <stdint.h>

#include "io/wire/listener.h"
#include "coord/slurm/slurm_job.h"
#include "util/error.h"
#include "util/names.h"

/* What is known of them. All is borrowed. */
struct aw_missing_agents {
    const struct aw_names *names; /* of those that have sent their hello */
    const struct aw_slurm_job *job; /* NULL: the names of the nodes are not known */
    const struct aw_listener *listener; /* NULL: none */
    const struct aw_error *line; /* the last of the agents' step; NULL: not known */
};

/* Fills BUF of SIZE, at least 32 bytes, with "; missing: n1, n3", cut where it grows too long; with
 * "" where the names of the nodes are not known.
 */
void aw_missing_agents_list (const struct aw_missing_agents *missing, char *buf, size_t size);

/* Fills BUF of SIZE with the reason, as far as it is known: "; last line of their step: ...". */
void aw_missing_agents_explain (const struct aw_missing_agents *missing, char *buf, size_t size);

#endif /* AW_COORD_AGENTS_MISSING_AGENTS_H */
