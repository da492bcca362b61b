/* SPDX-License-Identifier: Apache-2.0 */
/* Which jobs a command is about: by ids, and by filters that all must hold. */
#ifndef AW_CMD_SLURM_SELECTION_H
#define AW_CMD_SLURM_SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/slurm/job_list.h"

/* "ID", or elements FIRST to LAST of array ID. */
struct aw_wanted {
    uint64_t id;
    bool elements;
    uint32_t first, last;
};

struct aw_selection {
    struct aw_wanted *ids;
    size_t n_ids, room;
    size_t n_others; /* ids of jobs that are not submitted tasks: they are not in `ids` */
    /* Lists with commas, borrowed; NULL: any. */
    const char *users, *names, *states;
};

void aw_selection_finish (struct aw_selection *selection);

/* Adds the ids in TEXT, with commas or blanks between them: ID, ID_3, ID_[1-3,7]; the step behind a
 * "." is dropped. 0, or -1, printed.
 */
int aw_selection_add_ids (struct aw_selection *selection, const char *text);

/* Checks the states. 0, or -1, printed. */
int aw_selection_check_states (const struct aw_selection *selection);

/* Has SELECTION this job, of those that were loaded for it? */
bool aw_selection_has (const struct aw_selection *selection, const struct aw_job *job);

/* Loads the jobs that SELECTION may have: none, where its users are others; all, where it has no
 * ids. 0, or -1, printed. */
int aw_selection_load (const struct aw_selection *selection,
                       struct aw_connection *aw,
                       int flags,
                       struct aw_job_list *list);

#endif /* AW_CMD_SLURM_SELECTION_H */
