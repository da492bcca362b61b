/* SPDX-License-Identifier: Apache-2.0 */
/* Random nodes for tests of placement, as arrays that the tests can look things up in, and as the
 * text that the pool is given.
 */
#ifndef AW_TESTS_MACHINES_H
#define AW_TESTS_MACHINES_H

#include <stdint.h>

#include "core/idset.h"

enum { MACHINE_CPUS = 256, MACHINE_GPUS = 16, MACHINE_NONE = 255 };

struct machine {
    uint32_t end; /* ids of CPUs are below */
    uint8_t owned[MACHINE_CPUS]; /* the job has it */
    uint8_t core[MACHINE_CPUS], numa[MACHINE_CPUS]; /* MACHINE_NONE: the text does not tell */
    uint32_t n_gpus;
    uint8_t is_local[MACHINE_GPUS][MACHINE_CPUS];
    uint8_t type[MACHINE_GPUS]; /* 0: none; 1, 2: "a100", "v100" */
    struct aw_idset cpus, gpus;
    char text[8192];
};

/* Fills *M; the caller frees its sets. */
void machine_random (struct machine *m, uint64_t *seed);
void machine_finish (struct machine *m);

#endif /* AW_TESTS_MACHINES_H */
