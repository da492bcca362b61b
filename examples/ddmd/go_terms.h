/* SPDX-License-Identifier: Apache-2.0 */

/* The terms of the force field of go_model.h, one at a time, for every device: plain functions of a
 * model and coordinates, with no memory of their own. The gradient of the dihedral is that of A.
 * Blondel, M. Karplus, J. Comput. Chem. 17 (1996) 1132-1141.
 *
 * A bonded term returns its energy and adds its forces to planar arrays: component c on the term's
 * k-th residue is f[c * stride + k]. On the CPU these are the forces of the whole chain, moved to
 * the term's first residue; a GPU's thread keeps them apart, to add them up without a race.
 */

#ifndef DDMD_GO_TERMS_H
#define DDMD_GO_TERMS_H

#include "go_model.h"
#include "vector.h"

/* Below this, sin^2 of an angle counts as this: a straight angle has no direction to push in, and
 * its neighbours would get a force beyond all bounds.
 */
#define DDMD_SIN2_MIN 1e-8

static inline DDMD_DEVICE void ddmd_add_force (
    double *f, size_t stride, size_t k, double scale, const double d[3])
{
    for (size_t c = 0; c < 3; c++)
        f[c * stride + k] += scale * d[c];
}

/* The bond from residue i to the next; i + 1 < n. */
static inline DDMD_DEVICE double ddmd_bond_term (
    const struct ddmd_go_model *m, const double *x, size_t i, double *f, size_t stride)
{
    double d[3];
    double r, stretch;

    ddmd_vector_between (x, m->n, i, i + 1, d);
    r = ddmd_vector_length (d);
    stretch = r - m->bond[i];
    ddmd_add_force (f, stride, 0, 2 * DDMD_K_BOND * stretch / r, d);
    ddmd_add_force (f, stride, 1, -2 * DDMD_K_BOND * stretch / r, d);
    return DDMD_K_BOND * stretch * stretch;
}

/* The angle at residue i + 1; i + 2 < n. */
static inline DDMD_DEVICE double ddmd_angle_term (
    const struct ddmd_go_model *m, const double *x, size_t i, double *f, size_t stride)
{
    double a[3], b[3], da[3], db[3];
    double la, lb, cosine, sine, bend, scale;

    ddmd_vector_between (x, m->n, i + 1, i, a);
    ddmd_vector_between (x, m->n, i + 1, i + 2, b);
    la = ddmd_vector_length (a);
    lb = ddmd_vector_length (b);
    cosine = fmin (1., fmax (-1., ddmd_vector_dot (a, b) / (la * lb)));
    sine = sqrt (fmax (DDMD_SIN2_MIN, 1 - cosine * cosine));
    bend = acos (cosine) - m->angle[i];
    /* d theta / d a = (cos a/|a| - b/|b|) / (|a| sin), and so for b */
    scale = -2 * DDMD_K_ANGLE * bend / sine;
    for (size_t c = 0; c < 3; c++) {
        da[c] = (cosine * a[c] / la - b[c] / lb) / la;
        db[c] = (cosine * b[c] / lb - a[c] / la) / lb;
    }
    ddmd_add_force (f, stride, 0, scale, da);
    ddmd_add_force (f, stride, 2, scale, db);
    ddmd_add_force (f, stride, 1, -scale, da);
    ddmd_add_force (f, stride, 1, -scale, db);
    return DDMD_K_ANGLE * bend * bend;
}

/* E and dE/dphi of dihedral i from sine and cosine of phi: no arc tangent is needed. */
static inline DDMD_DEVICE double ddmd_dihedral_energy (
    const struct ddmd_go_model *m, size_t i, double cosine, double sine, double *slope)
{
    double c = cosine * m->cos_phi[i] + sine * m->sin_phi[i]; /* of phi - phi0 */
    double s = sine * m->cos_phi[i] - cosine * m->sin_phi[i];
    double c3 = c * (4 * c * c - 3);
    double s3 = s * (3 - 4 * s * s);

    *slope = DDMD_K_DIHEDRAL_1 * s + 3 * DDMD_K_DIHEDRAL_3 * s3;
    return DDMD_K_DIHEDRAL_1 * (1 - c) + DDMD_K_DIHEDRAL_3 * (1 - c3);
}

/* The dihedral of residues i to i + 3 < n. */
static inline DDMD_DEVICE double ddmd_dihedral_term (
    const struct ddmd_go_model *m, const double *x, size_t i, double *f, size_t stride)
{
    double a[3], b[3], c[3], p[3], q[3];
    double lb, p2, q2, norm, energy, slope, first, last, s, t;

    ddmd_vector_between (x, m->n, i, i + 1, a);
    ddmd_vector_between (x, m->n, i + 1, i + 2, b);
    ddmd_vector_between (x, m->n, i + 2, i + 3, c);
    ddmd_vector_cross (a, b, p);
    ddmd_vector_cross (b, c, q);
    lb = ddmd_vector_length (b);
    p2 = fmax (ddmd_vector_dot (p, p), DDMD_SIN2_MIN);
    q2 = fmax (ddmd_vector_dot (q, q), DDMD_SIN2_MIN);
    norm = 1 / sqrt (p2 * q2);
    energy = ddmd_dihedral_energy (m, i, ddmd_vector_dot (p, q) * norm,
                                   lb * ddmd_vector_dot (a, q) * norm, &slope);
    /* d phi / d r_i = -|b| p / p^2 and d phi / d r_(i+3) = |b| q / q^2; the rest by the absence of
     * net force and torque
     */
    first = slope * lb / p2;
    last = -slope * lb / q2;
    s = ddmd_vector_dot (a, b) / (lb * lb);
    t = ddmd_vector_dot (c, b) / (lb * lb);
    ddmd_add_force (f, stride, 0, first, p);
    ddmd_add_force (f, stride, 1, -(1 + s) * first, p);
    ddmd_add_force (f, stride, 1, t * last, q);
    ddmd_add_force (f, stride, 2, s * first, p);
    ddmd_add_force (f, stride, 2, -(1 + t) * last, q);
    ddmd_add_force (f, stride, 3, last, q);
    return energy;
}

/* One pair, by the entries of the model's tables and 1 / r^2. Returns its energy; the force on the
 * second residue is 'push' times the vector that leads to it from the first.
 */
static inline DDMD_DEVICE double ddmd_pair_term (
    double sigma2, double repulsive, double attractive, double inverse, double *push)
{
    double s2 = sigma2 * inverse;
    double s10 = s2 * s2 * s2 * s2 * s2;
    double s12 = s10 * s2;

    *push = (12 * repulsive * s12 - 10 * attractive * s10) * inverse;
    return repulsive * s12 - attractive * s10;
}

#endif /* !DDMD_GO_TERMS_H */
