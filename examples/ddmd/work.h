/* SPDX-License-Identifier: Apache-2.0 */

/* A program's work: done once, or by a worker of a workflow once for each call. */

#ifndef DDMD_WORK_H
#define DDMD_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "options.h"
#include "vae.h"

/* Both return 0, or -1 with the reason in 'err'. */
struct ddmd_work {
    int (*load) (struct aw_error *err); /* what a worker keeps for its next call; NULL: nothing */
    int (*compute) (struct aw_error *err);
};

/* Do it for '*iteration', or, if 'worker', for each call until the last: the index of a call is its
 * iteration. After each a line on stdout says from when to when it computed, in seconds of the wall
 * clock. What the program's main returns.
 */
int ddmd_work_run (const struct ddmd_program *program,
                   const struct ddmd_work *work,
                   bool worker,
                   uint64_t *iteration);

/* A network that stays in memory between calls; {0} is none. */
struct ddmd_network {
    struct ddmd_vae *vae; /* owned; NULL: none */
    uint32_t iteration; /* of the file that has it; UINT32_MAX: no file has */
};

/* Make it the newest network in 'directory' of the iterations before 'end'. It is read unless it is
 * there already. 1; 0 if there is none, -1 with the reason in 'err'; then 'network' may be empty.
 */
int ddmd_network_load (struct ddmd_network *network,
                       const struct ddmd_backend *backend,
                       const char *directory,
                       uint32_t end,
                       size_t batch,
                       struct aw_error *err);

/* 'vae', or NULL, takes its place; no file has it. */
void ddmd_network_set (struct ddmd_network *network, struct ddmd_vae *vae);

#endif /* !DDMD_WORK_H */
