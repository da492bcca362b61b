/* SPDX-License-Identifier: Apache-2.0 */

/* The force field: a Calpha structure-based (Go-type) model.
 *
 * C. Clementi, H. Nymeyer, J. N. Onuchic, "Topological and energetic factors: what determines the
 * structural details of the transition state ensemble and en-route intermediates for protein
 * folding?", J. Mol. Biol. 298 (2000) 937-953. With the folded structure's values marked 0, and
 * epsilon = 1:
 *
 *   E =  sum over bonds      100 (r - r0)^2
 *      + sum over angles      20 (theta - theta0)^2
 *      + sum over dihedrals    1 (1 - cos (phi - phi0)) + 1/2 (1 - cos 3 (phi - phi0))
 *      + sum over native pairs, |i - j| > 3    5 (r0/r)^12 - 6 (r0/r)^10
 *      + sum over other pairs,  |i - j| > 3    (4 A / r)^12
 *
 * A native pair is one with two heavy atoms within 4.5 A of each other in the folded structure (the
 * paper uses CSU, a contact analysis by surfaces; cutoff maps are the usual substitute, J. K. Noel
 * et al., J. Phys. Chem. B 116 (2012) 8692-8702, where their faults are discussed as well).
 *
 * Reduced units everywhere: length in angstrom, energy in epsilon, mass of a residue 1, Boltzmann's
 * constant 1. So the unit of time is 1 A sqrt (m / epsilon), and a temperature is one in epsilon.
 *
 * Coordinates are planar in all of this example: component c of residue i is x[c * n + i].
 */

#ifndef DDMD_GO_MODEL_H
#define DDMD_GO_MODEL_H

#include <stddef.h>

#include "util/error.h"
#include "pdb.h"

#define DDMD_K_BOND 100.0
#define DDMD_K_ANGLE 20.0
#define DDMD_K_DIHEDRAL_1 1.0
#define DDMD_K_DIHEDRAL_3 0.5
#define DDMD_SIGMA_REPULSIVE 4.0
#define DDMD_PAIR_MIN 4 /* least |i - j| of a pair that interacts through space */
#define DDMD_NATIVE_CUTOFF 4.5 /* between heavy atoms, angstrom */

struct ddmd_go_model {
    size_t n; /* residues */
    double *native; /* 3 n: the folded structure, planar */
    double *bond; /* n - 1: r0 */
    double *angle; /* n - 2: theta0, radians */
    double *cos_phi; /* n - 3: cosine and sine of phi0 */
    double *sin_phi;
    size_t n_contacts; /* native pairs */

    /* For every pair, at [i * n + j], j > i: E = repulsive s^12 - attractive s^10 with s^2 = sigma2
     * / r^2. One formula for native and other pairs leaves the inner loop without a branch.
     */
    double *sigma2;
    double *repulsive;
    double *attractive;
};

/* The model whose ground state is 'pdb'; nothing of 'pdb' is kept. Free with ddmd_go_model_destroy.
 * NULL with the reason in 'err' if memory is short.
 */
struct ddmd_go_model *ddmd_go_model_create (const struct ddmd_pdb *pdb, struct aw_error *err);

/* Free 'model'; NULL is fine. errno is kept. */
void ddmd_go_model_destroy (struct ddmd_go_model *model);

/* The share, 0 to 1, of native pairs that are within 1.2 times their native distance in 'x' (3 n,
 * planar).
 */
double ddmd_go_model_native_share (const struct ddmd_go_model *model, const double *x);

/* Fill 'x' (3 n, planar) with an extended chain: bonds as in the folded structure, every angle 120
 * degrees, every dihedral 180 degrees: a flat zigzag along the first axis.
 */
void ddmd_go_model_extended (const struct ddmd_go_model *model, double *x);

#endif /* !DDMD_GO_MODEL_H */
