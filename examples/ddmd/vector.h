/* SPDX-License-Identifier: Apache-2.0 */

/* The handful of operations on three-vectors that the force field and its kernels share. */

#ifndef DDMD_VECTOR_H
#define DDMD_VECTOR_H

#include <math.h>
#include <stddef.h>

#include "device.h"

static inline DDMD_DEVICE double ddmd_vector_dot (const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline DDMD_DEVICE double ddmd_vector_length (const double a[3])
{
    return sqrt (ddmd_vector_dot (a, a));
}

static inline DDMD_DEVICE void ddmd_vector_cross (const double a[3],
                                                  const double b[3],
                                                  double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

/* out = r_j - r_i, of the planar coordinates 'x' of 'n' residues. */
static inline DDMD_DEVICE void ddmd_vector_between (
    const double *x, size_t n, size_t i, size_t j, double out[3])
{
    for (size_t c = 0; c < 3; c++)
        out[c] = x[c * n + j] - x[c * n + i];
}

#endif /* !DDMD_VECTOR_H */
