/* SPDX-License-Identifier: Apache-2.0 */

/* Energy and forces of the model of go_model.h, one conformation at a time. The pairs take most of
 * the time: their inner loop runs over consecutive memory without a branch, so that the compiler
 * can vectorise it. The gradient of the dihedral is that of A. Blondel, M. Karplus, J. Comput.
 * Chem. 17 (1996) 1132-1141.
 */

#include <string.h>

#include "md_cpu.h"
#include "vector.h"

/* Below this, sin^2 of an angle counts as this: a straight angle has no direction to push in, and
 * its neighbours would get a force beyond all bounds.
 */
#define SIN2_MIN 1e-8

static void add_force (double *f, size_t n, size_t i, double scale, const double d[3])
{
    for (size_t c = 0; c < 3; c++)
        f[c * n + i] += scale * d[c];
}

static double bond_forces (const struct ddmd_go_model *m, const double *x, double *f)
{
    double energy = 0;

    for (size_t i = 0; i + 1 < m->n; i++) {
        double d[3];
        double r, stretch;

        ddmd_vector_between (x, m->n, i, i + 1, d);
        r = ddmd_vector_length (d);
        stretch = r - m->bond[i];
        energy += DDMD_K_BOND * stretch * stretch;
        add_force (f, m->n, i, 2 * DDMD_K_BOND * stretch / r, d);
        add_force (f, m->n, i + 1, -2 * DDMD_K_BOND * stretch / r, d);
    }
    return energy;
}

static double angle_forces (const struct ddmd_go_model *m, const double *x, double *f)
{
    double energy = 0;

    for (size_t i = 0; i + 2 < m->n; i++) {
        double a[3], b[3], da[3], db[3];
        double la, lb, cosine, sine, bend, scale;

        ddmd_vector_between (x, m->n, i + 1, i, a);
        ddmd_vector_between (x, m->n, i + 1, i + 2, b);
        la = ddmd_vector_length (a);
        lb = ddmd_vector_length (b);
        cosine = fmin (1, fmax (-1, ddmd_vector_dot (a, b) / (la * lb)));
        sine = sqrt (fmax (SIN2_MIN, 1 - cosine * cosine));
        bend = acos (cosine) - m->angle[i];
        energy += DDMD_K_ANGLE * bend * bend;
        /* d theta / d a = (cos a/|a| - b/|b|) / (|a| sin), and so for b */
        scale = -2 * DDMD_K_ANGLE * bend / sine;
        for (size_t c = 0; c < 3; c++) {
            da[c] = (cosine * a[c] / la - b[c] / lb) / la;
            db[c] = (cosine * b[c] / lb - a[c] / la) / lb;
        }
        add_force (f, m->n, i, scale, da);
        add_force (f, m->n, i + 2, scale, db);
        add_force (f, m->n, i + 1, -scale, da);
        add_force (f, m->n, i + 1, -scale, db);
    }
    return energy;
}

/* E and dE/dphi of one dihedral from sine and cosine of phi: no arc tangent is needed. */
static double dihedral_energy (const struct ddmd_go_model *m,
                               size_t i,
                               double cosine,
                               double sine,
                               double *slope)
{
    double c = cosine * m->cos_phi[i] + sine * m->sin_phi[i]; /* of phi - phi0 */
    double s = sine * m->cos_phi[i] - cosine * m->sin_phi[i];
    double c3 = c * (4 * c * c - 3);
    double s3 = s * (3 - 4 * s * s);

    *slope = DDMD_K_DIHEDRAL_1 * s + 3 * DDMD_K_DIHEDRAL_3 * s3;
    return DDMD_K_DIHEDRAL_1 * (1 - c) + DDMD_K_DIHEDRAL_3 * (1 - c3);
}

static double dihedral_forces (const struct ddmd_go_model *m, const double *x, double *f)
{
    double energy = 0;

    for (size_t i = 0; i + 3 < m->n; i++) {
        double a[3], b[3], c[3], p[3], q[3];
        double lb, p2, q2, norm, slope, first, last, s, t;

        ddmd_vector_between (x, m->n, i, i + 1, a);
        ddmd_vector_between (x, m->n, i + 1, i + 2, b);
        ddmd_vector_between (x, m->n, i + 2, i + 3, c);
        ddmd_vector_cross (a, b, p);
        ddmd_vector_cross (b, c, q);
        lb = ddmd_vector_length (b);
        p2 = fmax (ddmd_vector_dot (p, p), SIN2_MIN);
        q2 = fmax (ddmd_vector_dot (q, q), SIN2_MIN);
        norm = 1 / sqrt (p2 * q2);
        energy += dihedral_energy (m,
                                   i,
                                   ddmd_vector_dot (p, q) * norm,
                                   lb * ddmd_vector_dot (a, q) * norm,
                                   &slope);
        /* d phi / d r_i = -|b| p / p^2 and d phi / d r_(i+3) = |b| q / q^2; the rest by the absence
         * of net force and torque
         */
        first = slope * lb / p2;
        last = -slope * lb / q2;
        s = ddmd_vector_dot (a, b) / (lb * lb);
        t = ddmd_vector_dot (c, b) / (lb * lb);
        add_force (f, m->n, i, first, p);
        add_force (f, m->n, i + 1, -(1 + s) * first, p);
        add_force (f, m->n, i + 1, t * last, q);
        add_force (f, m->n, i + 2, s * first, p);
        add_force (f, m->n, i + 2, -(1 + t) * last, q);
        add_force (f, m->n, i + 3, last, q);
    }
    return energy;
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
            double s2 = sigma2[j] * inverse;
            double s10 = s2 * s2 * s2 * s2 * s2;
            double s12 = s10 * s2;
            double g = (12 * repulsive[j] * s12 - 10 * attractive[j] * s10) * inverse;

            e += repulsive[j] * s12 - attractive[j] * s10;
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
    return bond_forces (model, x, f) + angle_forces (model, x, f) + dihedral_forces (model, x, f)
           + pair_forces (model, x, f);
}

void ddmd_cpu_md_forces (const struct ddmd_go_model *model,
                         size_t count,
                         const double *x,
                         double *f,
                         double *energy)
{
    for (size_t k = 0; k < count; k++)
        energy[k] = ddmd_cpu_forces (model, x + k * 3 * model->n, f + k * 3 * model->n);
}
