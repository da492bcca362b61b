/* SPDX-License-Identifier: Apache-2.0 */

/* The CPU's kernels of the dynamics; see backend.h for what they promise. */

#ifndef DDMD_MD_CPU_H
#define DDMD_MD_CPU_H

#include "backend.h"

/* Forces 'f' of one conformation; returns its energy. */
double ddmd_cpu_forces (const struct ddmd_go_model *model, const double *x, double *f);

void ddmd_cpu_md_forces (
    const struct ddmd_go_model *model, size_t count, const double *x, double *f, double *energy);

int ddmd_cpu_md_run (const struct ddmd_go_model *model,
                     const struct ddmd_langevin *langevin,
                     size_t count,
                     const uint64_t *key,
                     uint64_t first_step,
                     uint64_t steps,
                     double *x,
                     double *v,
                     double *energy);

#endif /* !DDMD_MD_CPU_H */
