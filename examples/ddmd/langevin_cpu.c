/* SPDX-License-Identifier: Apache-2.0 */

/* Langevin dynamics by BAOAB: half a kick, half a drift, the exact solution of friction and noise,
 * half a drift, half a kick. B. Leimkuhler, C. Matthews, "Rational construction of stochastic
 * numerical methods for molecular sampling", Appl. Math. Res. Express 2013, 34-56. Without friction
 * the middle step vanishes and what is left is velocity Verlet.
 */

#include <math.h>

#include "md_cpu.h"
#include "philox.h"

/* What stays the same over the steps of one call. */
struct coefficients {
    double kick; /* dt / 2 (mass 1) */
    double keep; /* exp (-friction dt) */
    double noise; /* sqrt (T (1 - keep^2)) */
};

static struct coefficients coefficients_of (const struct ddmd_langevin *langevin)
{
    struct coefficients c = {
        .kick = langevin->dt / 2,
        .keep = exp (-langevin->friction * langevin->dt),
    };

    c.noise = sqrt (langevin->temperature * (1 - c.keep * c.keep));
    return c;
}

/* Returns the potential energy after the step; 'f' holds the forces at x on entry and on return. */
static double step_once (const struct ddmd_go_model *model,
                         const struct coefficients *c,
                         uint64_t key,
                         uint64_t step,
                         double *x,
                         double *v,
                         double *f)
{
    size_t n3 = 3 * model->n;
    double noise[3 * DDMD_RESIDUES_MAX];
    double energy;

    if (c->noise > 0)
        ddmd_philox_normal (key, step, DDMD_PHILOX_NOISE, noise, n3);
    for (size_t i = 0; i < n3; i++) {
        v[i] += c->kick * f[i];
        x[i] += c->kick * v[i];
        v[i] = c->noise > 0 ? c->keep * v[i] + c->noise * noise[i] : c->keep * v[i];
        x[i] += c->kick * v[i];
    }
    energy = ddmd_cpu_forces (model, x, f);
    for (size_t i = 0; i < n3; i++)
        v[i] += c->kick * f[i];
    return energy;
}

int ddmd_cpu_md_run (const struct ddmd_go_model *model,
                     const struct ddmd_langevin *langevin,
                     size_t count,
                     const uint64_t *key,
                     uint64_t first_step,
                     uint64_t steps,
                     double *x,
                     double *v,
                     double *energy)
{
    struct coefficients c = coefficients_of (langevin);
    double f[3 * DDMD_RESIDUES_MAX];

    for (size_t k = 0; k < count; k++) {
        double *xk = x + k * 3 * model->n;
        double *vk = v + k * 3 * model->n;

        energy[k] = ddmd_cpu_forces (model, xk, f);
        for (uint64_t s = 0; s < steps; s++)
            energy[k] = step_once (model, &c, key[k], first_step + s, xk, vk, f);
        if (!isfinite (energy[k]))
            return -1;
    }
    return 0;
}
