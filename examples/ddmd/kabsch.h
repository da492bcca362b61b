/* SPDX-License-Identifier: Apache-2.0 */

/* RMSD after the best superposition.
 *
 * W. Kabsch, "A discussion of the solution for the best rotation to relate two sets of vectors",
 * Acta Cryst. A34 (1978) 827-828.
 */

#ifndef DDMD_KABSCH_H
#define DDMD_KABSCH_H

#include <stddef.h>

/* The least root mean square deviation, over all shifts and proper rotations, of a from b, both 'n'
 * points, planar (3 n). A mirror image is not a rotation: it has a deviation. 'n' is at least 1.
 */
double ddmd_kabsch_rmsd (size_t n, const double *a, const double *b);

#endif /* !DDMD_KABSCH_H */
