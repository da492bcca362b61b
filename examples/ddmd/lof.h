/* SPDX-License-Identifier: Apache-2.0 */

/* How much a point is an outlier.
 *
 * M. M. Breunig, H.-P. Kriegel, R. T. Ng, J. Sander, "LOF: identifying density-based local
 * outliers", SIGMOD 2000, definitions 3 to 7.
 */

#ifndef DDMD_LOF_H
#define DDMD_LOF_H

#include <stddef.h>

/* The local outlier factors, about 1 inside a cluster and larger outside, of 'count' points in
 * 'dimensions' dimensions ([point][dimension]) by their 'neighbours' nearest others (at least 1,
 * less than count; where several are equally far, the first are taken). Points that coincide with
 * all their neighbours get 1. 0, or -1 with errno EINVAL or ENOMEM and 'factor' (count) undefined.
 * Time grows with count squared.
 */
int ddmd_lof (
    size_t count, size_t dimensions, const double *points, size_t neighbours, double *factor);

#endif /* !DDMD_LOF_H */
