/* SPDX-License-Identifier: Apache-2.0 */

/* The protein: heavy atoms and Calpha trace, read from the ATOM records of a PDB file.
 *
 * Only the fixed columns that the PDB format 3.3 gives to ATOM records are read (name 13-16,
 * alternate location 17, chain 22, residue number 23-26, insertion code 27, x y z 31-54). The first
 * chain, the first model and the first alternate location count; hydrogens are left out.
 */

#ifndef DDMD_PDB_H
#define DDMD_PDB_H

#include <stddef.h>

#include "util/error.h"

/* The largest protein that the readers of this example accept. */
#define DDMD_RESIDUES_MAX 64

struct ddmd_atom {
    double r[3]; /* position in angstrom */
    size_t residue; /* 0 .. residues - 1 */
};

struct ddmd_pdb {
    size_t residues;
    double *calpha; /* residues x 3: the Calpha of each residue, angstrom */
    size_t n_atoms;
    struct ddmd_atom *atoms; /* every heavy atom, Calphas among them */
};

/* Read 'path'. The caller owns the result and frees it with ddmd_pdb_destroy. NULL with the reason
 * in 'err': no such file, a number that does not parse, a residue without Calpha, a break in the
 * chain (two consecutive Calphas not between 2.5 and 4.5 angstrom apart), fewer than 5 or more than
 * DDMD_RESIDUES_MAX residues.
 */
struct ddmd_pdb *ddmd_pdb_read (const char *path, struct aw_error *err);

/* Free 'pdb'; NULL is fine. errno is kept. */
void ddmd_pdb_destroy (struct ddmd_pdb *pdb);

#endif /* !DDMD_PDB_H */
