/* SPDX-License-Identifier: Apache-2.0 */

/* Energy and forces of the model of go_model.h, one conformation at a time. The pairs take most of
 * the time: their inner loop runs over consecutive memory without a branch, so that the compiler
 * can vectorise it.
 */

#include <string.h>

#include "go_terms.h"
#include "md_cpu.h"

static double bonded_forces (const struct ddmd_go_model *m, const double *x, double *f)
{
    double bonds = 0, angles = 0, dihedrals = 0;

    for (size_t i = 0; i + 1 < m->n; i++)
        bonds += ddmd_bond_term (m, x, i, f + i, m->n);
    for (size_t i = 0; i + 2 < m->n; i++)
        angles += ddmd_angle_term (m, x, i, f + i, m->n);
    for (size_t i = 0; i + 3 < m->n; i++)
        dihedrals += ddmd_dihedral_term (m, x, i, f + i, m->n);
    return bonds + angles + dihedrals;
}

static double pair_forces (const struct ddmd_go_model *m, const double *x, double *f)
{
    size_t n = m->n;
    const double *restrict px = x, *restrict py = x + n, *restrict pz = x + 2 * n;
    double *restrict fx = f, *restrict fy = f + n, *restrict fz = f + 2 * n;
    double energy = 0;

    for (size_t i = 0; i + DDMD_PAIR_MIN < n; i++) {
        const double *restrict sigma2 = m->sigma2 + i * n;
        const double *restrict repulsive = m->repulsive + i * n;
        const double *restrict attractive = m->attractive + i * n;
        double xi = px[i], yi = py[i], zi = pz[i];
        double sx = 0, sy = 0, sz = 0, e = 0;

#pragma omp simd reduction(+ : sx, sy, sz, e)
        for (size_t j = i + DDMD_PAIR_MIN; j < n; j++) {
            double dx = px[j] - xi, dy = py[j] - yi, dz = pz[j] - zi;
            double inverse = 1 / (dx * dx + dy * dy + dz * dz);
            double g;

            e += ddmd_pair_term (sigma2[j], repulsive[j], attractive[j], inverse, &g);
            fx[j] += g * dx;
            fy[j] += g * dy;
            fz[j] += g * dz;
            sx += g * dx;
            sy += g * dy;
            sz += g * dz;
        }
        fx[i] -= sx;
        fy[i] -= sy;
        fz[i] -= sz;
        energy += e;
    }
    return energy;
}

double ddmd_cpu_forces (const struct ddmd_go_model *model, const double *x, double *f)
{
    memset (f, 0, 3 * model->n * sizeof (*f));
    return bonded_forces (model, x, f) + pair_forces (model, x, f);
}

void ddmd_cpu_md_forces (
    const struct ddmd_go_model *model, size_t count, const double *x, double *f, double *energy)
{
    for (size_t k = 0; k < count; k++)
        energy[k] = ddmd_cpu_forces (model, x + k * 3 * model->n, f + k * 3 * model->n);
}
